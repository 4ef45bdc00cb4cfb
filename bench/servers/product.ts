/** The shipped service: its main program, with the port in its environment; or that of a built checkout, as an argument. */
import { once } from "node:events";
import { createServer } from "node:net";
import { pathToFileURL } from "node:url";
import { reportUsage } from "../serve.ts";

const port = await freePort();
process.env["PORT"] = `${port}`;
// The service reads its own arguments.
const [checkout] = process.argv.splice(2);
await (checkout === undefined ? import("../../src/main.ts") : import(pathToFileURL(`${checkout}/dist/main.js`).href));
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
