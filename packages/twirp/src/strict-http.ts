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

/** Why something is no request that this server answers, as far as HTTP is concerned. */
export interface HttpFault {
  /** Twirp has no code for some statuses, which proxies and browsers know all the same. */
  readonly status: number;
  readonly error: TwirpError;
  /** Whether it is unclear where the next request starts, so that the connection cannot go on. */
  readonly closes: boolean;
}

/** Most header lines of a request: Node drops further ones in silence unless it is asked for more. */
const HEADER_LINES_MAX = 1000;

/** What Go's servers allow: https://pkg.go.dev/golang.org/x/net/http/httpguts#ValidHostHeader */
const HOST = /^[\w!$%&'()*+,.:;=[\]~-]*$/;

/** What HTTP does not allow of a request that Node has read; undefined when there is nothing. */
function findFault(request: IncomingMessage): HttpFault | undefined {
  const { httpVersion, headers, rawHeaders, method = "", url = "" } = request;
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return unsupportedVersion(`HTTP/${httpVersion}`);
  if (rawHeaders.length > 2 * HEADER_LINES_MAX) {
    return malformed(`its header has more than ${HEADER_LINES_MAX} lines`, { status: 431, closes: true });
  }
  if (!isMethod(method)) return unknownMethod(method, url);
  const coding = headers["transfer-encoding"];
  if (coding !== undefined) {
    // https://www.rfc-editor.org/rfc/rfc9112#section-6.1
    if (httpVersion === "1.0") return malformed("HTTP/1.0 has no Transfer-Encoding", { closes: true });
    if (coding.toLowerCase() !== "chunked") return unsupportedCoding(coding);
  }
  // https://www.rfc-editor.org/rfc/rfc9112#section-3.2
  const { host } = headers;
  if (host === undefined) return httpVersion === "1.1" ? malformed("it has no Host header") : undefined;
  if (!HOST.test(host)) return malformed(`its Host ${quote(host)} is no host`);
  return countHosts(rawHeaders) > 1 ? malformed("it has more than one Host header") : undefined;
}

/** `headers` keeps the first of several Hosts only. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (name.length === 4 && name.toLowerCase() === "host") count += 1;
  }
  return count;
}

/** Whether Node knows a method: its parser also takes some of RTSP, which resembles HTTP/1.0. */
function isMethod(method: string): boolean {
  return KNOWN_METHODS.has(method);
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);

/** No route takes a method that Node does not know. */
export function unknownMethod(method: string, target: string): HttpFault {
  const error = badRoute(method, target, { prefix: "", services: new Set() });
  return { status: STATUS_OF_CODE.bad_route, error, closes: true };
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-15.6.6 */
export function unsupportedVersion(version: string): HttpFault {
  return malformed(`${version} is not supported: send HTTP/1.1`, { status: 505, closes: true });
}

/** https://www.rfc-editor.org/rfc/rfc9112#section-6.1 */
export function unsupportedCoding(coding: string): HttpFault {
  return fault("unimplemented", `Transfer-Encoding ${quote(coding)} is not supported: only chunked is`, {
    closes: true,
  });
}

/** A request that is `malformed`, for a reason that reads on from "failed to read request:". */
export function malformed(reason: string, how: Partial<Pick<HttpFault, "status" | "closes">> = {}): HttpFault {
  return fault("malformed", reason, how);
}

export function fault(
  code: TwirpCode,
  reason: string,
  { status = STATUS_OF_CODE[code], closes = false }: Partial<Pick<HttpFault, "status" | "closes">> = {},
): HttpFault {
  return { status, error: new TwirpError(code, `failed to read request: ${reason}`), closes };
}

/** What can be read of the head of a request that is broken. */
export interface ReceivedHead {
  /** Undefined when no request line was found. */
  readonly requestLine: { readonly method: string; readonly target: string; readonly version: string } | undefined;
  /** The first value of a header; undefined when there is none so far. */
  readonly header: (name: string) => string | undefined;
}

/** A request line; the body before it may end on the same line. */
const METHOD = /(?:^|\})([\w!#$%&'*+.^`|~-]+)$/;
const VERSION = /^HTTP\/\d+\.\d+$/;

/**
 * Reads what came last on a connection, in which a parser failed at an offset. Requests before the broken one, and what
 * came of it earlier, may be there or not.
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
  // Without a request line, all that came may be header lines.
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
  /** Adds headers to the reply, as CORS ones, since no later hook runs for such a request. Default: nothing. */
  readonly decorate?: (request: FastifyRequest, reply: FastifyReply) => void;
}

/**
 * Refuses in Twirp's form what HTTP does not allow and Node lets through, as two Hosts or a Transfer-Encoding that it
 * ignores, and what Node drops without an answer, as CONNECT. Register it in the root scope, before all that answers by
 * itself. The server must be made with `requireHostHeader: false`, or Node answers a missing Host with an empty 400.
 *
 * @example
 * const app = Fastify({ http: { requireHostHeader: false }, clientErrorHandler: twirpClientErrors });
 * await app.register(strictHttp);
 */
export const strictHttp = fastifyPlugin<StrictHttpOptions>(
  (app: FastifyInstance, { decorate }, done) => {
    const { server } = app;
    // One more than are allowed, so that there is something to see.
    server.maxHeadersCount = HEADER_LINES_MAX + 1;
    server.on("checkContinue", (request, response) => {
      // Without it the client does not send a body that nobody would read.
      if (findFault(request) === undefined) response.writeContinue();
      server.emit("request", request, response);
    });
    server.on("connect", (request, socket) => refuseConnect(server, request, socket));
    // Fastify runs no hook for a method that Node does not know, so it gets to see another one.
    const methods = new WeakMap<IncomingMessage, string>();
    server.prependListener("request", (request) => {
      const { method = "" } = request;
      if (isMethod(method)) return;
      methods.set(request, method);
      request.method = "GET";
    });
    const closing = new WeakSet<Socket>();
    app.addHook("onRequest", (request, reply, next) => {
      const { socket } = request.raw;
      const method = methods.get(request.raw);
      if (method !== undefined) request.raw.method = method;
      // Nobody knows where the request before this one ended, so this may be a part of it: it must not be carried out.
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

/** This is no proxy: to the handler of client errors it is a method like any that Node does not know. */
function refuseConnect(server: Server, request: IncomingMessage, socket: Duplex): void {
  const { rawHeaders, method, url, httpVersion } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  const rawPacket = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  // Node has taken its own listener away.
  socket.on("error", () => socket.destroy());
  const error = Object.assign(new Error("CONNECT is not supported"), { code: "HPE_INVALID_METHOD", rawPacket });
  server.emit("clientError", error, socket);
}
