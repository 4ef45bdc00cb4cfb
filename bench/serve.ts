import type { Server } from "node:http";
import type { ServerUsage } from "./server-process.ts";

/** What a server tells the benchmark when it listens and whenever it is asked. */
export interface ServerReport {
  readonly port: number;
  readonly usage: ServerUsage;
}

/** Listens on a free port and reports to the benchmark that started this process; ends when that does. */
export function serve(server: Server): void {
  server.listen(0, "127.0.0.1", () => tell(server));
  process.on("message", () => tell(server));
  process.on("disconnect", () => process.exit(0));
}

function tell(server: Server): void {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server does not listen");
  const { user: userUs, system: systemUs } = process.cpuUsage();
  const report: ServerReport = { port: address.port, usage: { userUs, systemUs, rssBytes: process.memoryUsage.rss() } };
  process.send?.(report);
}
