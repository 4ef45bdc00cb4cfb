import type { Server } from "node:http";
import type { ServerReport } from "./server-process.ts";

/** Listens on a free port and reports to the benchmark that started this process; ends with it. */
export function serve(server: Server): void {
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("the server does not listen");
    reportUsage(address.port);
  });
  process.on("disconnect", () => process.exit(0));
}

/** Reports to the benchmark that a server listens and, on request, what it has used. */
export function reportUsage(port: number): void {
  const tell = () => {
    const { user: userUs, system: systemUs } = process.cpuUsage();
    const rssMaxBytes = process.resourceUsage().maxRSS * 1024;
    const report: ServerReport = { port, usage: { userUs, systemUs, rssMaxBytes } };
    process.send?.(report);
  };
  process.on("message", tell);
  tell();
}
