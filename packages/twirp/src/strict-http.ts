import { type IncomingMessage, METHODS, type Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import fastifyPlugin from "fastify-plugin";
import { STATUS_OF_CODE, type TwirpCode } from "./codes.ts";
import { errorResponse } from "./errors.ts";
import { badRoute, quote } from "./paths.ts";
import { sendExactly, trimBlanks } from "./reply.ts";
import { TwirpError } from "./twirp-ts.ts";

/** Why HTTP does not allow a request. */
export interface HttpFault {
  /** A status that proxies and browsers know, even where Twirp has no code for it. */
  readonly status: number;
  readonly error: TwirpError;
  /** Whether the connection must be closed, because nobody can tell where the next request starts. */
  readonly closes: boolean;
}

type Exceptions = Partial<Pick<HttpFault, "status" | "closes">>;

/** Header lines of a request. By default Node silently drops those over its own limit. */
const HEADER_LINES_MAX = 1000;

/** Methods of HTTP. Node's parser also accepts some of RTSP, which resembles HTTP/1.0. */
const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);

/** What Go's servers allow: https://pkg.go.dev/golang.org/x/net/http/httpguts#ValidHostHeader */
const HOST = /^[\w!$%&'()*+,.:;=[\]~-]*$/;

/** Whether HTTP allows a request that Node has read; `strictHttp` refuses the others. */
export function isStrictHttp(request: IncomingMessage): boolean {
  return findFault(request) === undefined;
}

/** Checks a request that Node has read; undefined when HTTP allows it. */
function findFault(request: IncomingMessage): HttpFault | undefined {
  const { httpVersion, headers, rawHeaders, method = "", url = "" } = request;
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return unsupportedVersion(`HTTP/${httpVersion}`);
  if (rawHeaders.length > 2 * HEADER_LINES_MAX) {
    return malformed(`its header has more than ${HEADER_LINES_MAX} lines`, { status: 431, closes: true });
  }
  if (!KNOWN_METHODS.has(method)) return unknownMethod(method, url);
  const coding = headers["transfer-encoding"];
  if (coding !== undefined) {
    // https://www.rfc-editor.org/rfc/rfc9112#section-6.1
    if (httpVersion === "1.0") return malformed("HTTP/1.0 has no Transfer-Encoding", { closes: true });
    if (coding.toLowerCase() !== "chunked") return unsupportedCoding(coding);
  }
  // https://www.rfc-editor.org/rfc/rfc9112#section-3.2
  const { host } = headers;
  if (host === undefined) return httpVersion === "1.1" ? malformed("it has no Host header") : undefined;
  if (!HOST.test(host)) return malformed(`its Host ${quote(host)} is not a host`);
  return countHosts(rawHeaders) > 1 ? malformed("it has more than one Host header") : undefined;
}

/** Counts in `rawHeaders`, because `headers` keeps only the first Host. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (name.length === 4 && name.toLowerCase() === "host") count += 1;
  }
  return count;
}

/** A method that Node does not know has no route. */
export function unknownMethod(method: string, target: string): HttpFault {
  const error = badRoute({ method, url: target }, { prefix: "", services: new Set() });
  return { status: STATUS_OF_CODE.bad_route, error, closes: true };
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-15.6.6 */
export function unsupportedVersion(version: string): HttpFault {
  return malformed(`${version} is not supported: send HTTP/1.1`, { status: 505, closes: true });
}

/** https://www.rfc-editor.org/rfc/rfc9112#section-6.1 */
export function unsupportedCoding(coding: string): HttpFault {
  const reason = `Transfer-Encoding ${quote(coding)} is not supported: only chunked is`;
  return fault("unimplemented", reason, { closes: true });
}

export function malformed(reason: string, exceptions?: Exceptions): HttpFault {
  return fault("malformed", reason, exceptions);
}

/** @param reason continues the message "failed to read request:". */
export function fault(
  code: TwirpCode,
  reason: string,
  { status = STATUS_OF_CODE[code], closes = false }: Exceptions = {},
): HttpFault {
  return { status, error: new TwirpError(code, `failed to read request: ${reason}`), closes };
}

/** The readable part of a broken request's head. */
export interface ReceivedHead {
  /** Undefined when no request line was found. */
  readonly requestLine: { readonly method: string; readonly target: string; readonly version: string } | undefined;
  /** The first value of a header; undefined when it was not found. */
  readonly header: (name: string) => string | undefined;
}

/** The method in a request line. The body of an earlier request may end on the same line. */
const METHOD = /(?:^|\})([\w!#$%&'*+.^`|~-]+)$/;
const VERSION = /^HTTP\/\d+\.\d+$/;

/**
 * Reads the last packet of a connection, in which the parser failed at an offset. It may begin with earlier requests, or in
 * the middle of the broken one.
 */
export function readHead(packet: Buffer, failedAt: number): ReceivedHead {
  const lines = packet.toString("latin1").split("\n").map(withoutReturn);
  const failedLine = packet.subarray(0, failedAt).toString("latin1").split("\n").length - 1;
  // The head of a request before this one ended with an empty line.
  const start = lines.slice(0, failedLine).lastIndexOf("") + 1;
  const end = lines.indexOf("", Math.max(failedLine, start));
  const head = lines.slice(start, end === -1 ? undefined : end);
  const found = head.slice(0, failedLine - start + 1).map(readRequestLine);
  const at = found.findLastIndex((line) => line !== undefined);
  const headers = new Map<string, string>();
  // Without a request line, all lines may be header lines.
  for (const line of head.slice(at + 1)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (name !== "" && !headers.has(name)) headers.set(name, trimBlanks(line.slice(colon + 1)));
  }
  return { requestLine: found[at], header: (name) => headers.get(name) };
}

function readRequestLine(line: string): ReceivedHead["requestLine"] {
  const words = line.split(" ");
  const [before = "", target = "", version = ""] = words.slice(-3);
  const method = METHOD.exec(before)?.[1];
  if (method === undefined || target === "" || !VERSION.test(version)) return undefined;
  return words.length === 3 || before.includes("}") ? { method, target, version } : undefined;
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/** Options of `strictHttp`. */
export interface StrictHttpOptions {
  /** Adds headers to the reply, such as CORS headers, because no later hook runs. Default: nothing. */
  readonly decorate?: (request: FastifyRequest, reply: FastifyReply) => void;
}

/**
 * Refuses requests that Node accepts although HTTP does not allow them, such as one with two Hosts or an unknown
 * Transfer-Encoding, and requests that Node drops without an answer, such as CONNECT. Register it in the root scope, before
 * everything that answers requests. Create the server with `requireHostHeader: false`; otherwise Node answers a missing
 * Host with an empty 400.
 *
 * @example
 * const app = Fastify({ http: { requireHostHeader: false }, clientErrorHandler: twirpClientErrors });
 * await app.register(strictHttp);
 */
export const strictHttp = fastifyPlugin<StrictHttpOptions>(
  (app: FastifyInstance, { decorate }, done) => {
    const { server } = app;
    // One more than allowed, so that too many are noticed.
    server.maxHeadersCount = HEADER_LINES_MAX + 1;
    server.on("checkContinue", (request, response) => {
      // Without "100 Continue" the client does not send a body that would not be read.
      if (findFault(request) === undefined) response.writeContinue();
      server.emit("request", request, response);
    });
    server.on("connect", (request, socket) => refuseConnect(server, request, socket));
    // Fastify runs no hook for a method that Node does not know, so it sees GET until the hook below.
    const methods = new WeakMap<IncomingMessage, string>();
    server.prependListener("request", (request) => {
      const { method = "" } = request;
      if (KNOWN_METHODS.has(method)) return;
      methods.set(request, method);
      request.method = "GET";
    });
    const closing = new WeakSet<Socket>();
    app.addHook("onRequest", (request, reply, next) => {
      const { socket } = request.raw;
      const method = methods.get(request.raw);
      if (method !== undefined) request.raw.method = method;
      // This may be a part of the broken request before it, so it must not be carried out.
      if (closing.has(socket)) {
        reply.hijack();
        return;
      }
      const fault = findFault(request.raw);
      if (fault === undefined) {
        next();
        return;
      }
      decorate?.(request, reply);
      if (fault.closes) {
        closing.add(socket);
        reply.header("connection", "close");
      }
      sendExactly(reply, fault.status, errorResponse(fault.error).body);
    });
    done();
  },
  { name: "finance-service-strict-http", fastify: "5.x" },
);

/** Hands CONNECT to the handler of client errors, as a method that Node does not know. */
function refuseConnect(server: Server, request: IncomingMessage, socket: Duplex): void {
  const { rawHeaders, method, url, httpVersion } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  const rawPacket = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  // Node has removed its own listener.
  socket.on("error", () => socket.destroy());
  const error = Object.assign(new Error("CONNECT is not supported"), { code: "HPE_INVALID_METHOD", rawPacket });
  server.emit("clientError", error, socket);
}
