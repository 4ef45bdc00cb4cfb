/** The shipped service: its main program, with the port in its environment. */
import { once } from "node:events";
import { createServer } from "node:net";
import { reportUsage } from "../serve.ts";

const port = await freePort();
process.env["PORT"] = `${port}`;
await import("../../src/main.ts");
reportUsage(port);
// It drains, closes the database and ends.
process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("a TCP server without a port");
  return address.port;
}
