/**
 * A server on a plain socket that answers each case byte for byte: with header lines that are repeated, empty or malformed, or
 * with bytes that are not HTTP.
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";

/** An answer; `{page}`, `{api}`, `{third}` and `{path}` stand for the origins and for the case's own path. */
export interface Answer {
  /** Default 200. */
  readonly status?: number;
  /** One element for each line. */
  readonly headers?: readonly string[];
  /** Sends these bytes instead, then closes the connection. */
  readonly bytes?: string;
}

/** The answers of a server on one path. */
export interface Behaviour {
  /** The answer to OPTIONS. Default: the same as to any other method. */
  readonly preflight?: Answer;
  /** The answer to any other method. */
  readonly reply?: Answer;
  /** The answers on the path followed by `/next`, the target of redirects. */
  readonly next?: { readonly preflight?: Answer; readonly reply?: Answer };
}

/** A request as received. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

export interface BrokenServer {
  readonly port: number;
  readonly seen: SeenRequest[];
  close(): Promise<void>;
}

export interface BrokenServerOptions {
  /** The certificate and its key, for a server that speaks https. Default: plain http. */
  readonly tls?: Pick<TlsOptions, "key" | "cert">;
  /** The list of received requests; several servers may share it. */
  readonly seen?: SeenRequest[];
}

/**
 * Serves `find(path)`, and an empty 200 on all other paths.
 *
 * @param fillIn replaces the placeholders of a header line or of bytes.
 */
export async function startBrokenServer(
  find: (path: string) => Behaviour | undefined,
  fillIn: (text: string, path: string) => string,
  { tls, seen = [] }: BrokenServerOptions = {},
): Promise<BrokenServer> {
  const sockets = new Set<Socket>();
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    let received = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      received += chunk;
      const request = parse(received);
      if (request === null) return;
      received = "";
      seen.push(request);
      socket.end(respond(request), "latin1");
    });
  };
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);

  function respond(request: SeenRequest): string {
    const [asked = ""] = request.path.split("?");
    const path = asked.replace(/\/next$/, "");
    const behaviour = find(path) ?? {};
    const part = path === asked ? behaviour : (behaviour.next ?? {});
    const answer = request.method === "OPTIONS" ? (part.preflight ?? part.reply) : part.reply;
    return print(answer ?? {}, path);
  }

  function print({ status = 200, headers = [], bytes }: Answer, path: string): string {
    if (bytes !== undefined) return fillIn(bytes, path);
    const lines = [`HTTP/1.1 ${status} Status`, "Connection: close", "Content-Length: 0", ...headers];
    return `${fillIn(lines.join("\r\n"), path)}\r\n\r\n`;
  }

  server.listen(0);
  await once(server, "listening");
  // A listening TCP server has an address and a port.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    seen,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** @returns null until the request is complete. */
function parse(text: string): SeenRequest | null {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [requestLine = "", ...lines] = text.slice(0, end).split("\r\n");
  const [method = "", path = ""] = requestLine.split(" ");
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return text.length - end - 4 < Number(headers.get("content-length") ?? 0) ? null : { method, path, headers };
}
