import { once } from "node:events";
import { connect } from "node:net";

/** A request as sent, so that headers may be repeated, empty or not ASCII, and the path may be anything. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  /** A list of values makes one line for each. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | undefined;
}

export interface RawReply {
  readonly status: number;
  /** By lower-case name, one element for each line. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
}

/** Sends one request on a fresh connection to 127.0.0.1 and reads the reply to its end. */
export async function sendRaw(port: number, request: RawRequest): Promise<RawReply> {
  const socket = connect({ port, host: "127.0.0.1" });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  // A server that refuses a long body may close before all of it is sent; the reply has then been read.
  socket.on("error", () => socket.destroy());
  socket.write(encode(request));
  await once(socket, "close");
  return decode(Buffer.concat(chunks));
}

function encode(request: RawRequest): Buffer {
  const lines = [`${request.method} ${request.path} HTTP/1.1`, "Host: 127.0.0.1", "Connection: close"];
  for (const [name, value] of Object.entries(request.headers)) {
    for (const line of typeof value === "string" ? [value] : value) lines.push(`${name}: ${line}`);
  }
  const body = Buffer.from(request.body ?? "");
  if (body.length > 0) lines.push(`Content-Length: ${body.length}`);
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), body]);
}

function decode(bytes: Buffer): RawReply {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) throw new Error(`no complete reply, but ${bytes.length} bytes`);
  const [statusLine = "", ...lines] = bytes.subarray(0, headEnd).toString("latin1").split("\r\n");
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers.set(name, [...(headers.get(name) ?? []), value]);
  }
  return { status: Number(statusLine.split(" ")[1]), headers, body: bytes.subarray(headEnd + 4).toString() };
}
