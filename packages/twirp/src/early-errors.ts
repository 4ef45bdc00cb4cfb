import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import { errorResponse } from "./errors.ts";
import { badRouteError, pathOf, quote } from "./paths.ts";
import { MEDIA_TYPE, sendExactly } from "./reply.ts";
import {
  fault,
  type HttpFault,
  malformed,
  type ReceivedHead,
  readHead,
  unknownMethod,
  unsupportedCoding,
  unsupportedVersion,
} from "./strict-http.ts";

/** Node's error for a connection whose bytes are not an HTTP request. */
interface ConnectionError extends Error {
  readonly code?: string;
  /** The last packet. */
  readonly rawPacket?: unknown;
  /** Where in it the parser failed. */
  readonly bytesParsed?: unknown;
}

/** Options of `createTwirpClientErrors`. */
export interface ClientErrorsOptions {
  /**
   * Headers to add to the reply, such as CORS headers.
   *
   * @param origin the request's Origin; undefined when it was not read.
   * @param header the first value of another header by its lower-case name; undefined when it was not read.
   */
  readonly headersFor?: (
    origin: string | undefined,
    header: (name: string) => string | undefined,
  ) => Readonly<Record<string, string | undefined>>;
  /** Called with Node's error code for each connection that sent no request in time. */
  readonly onError?: (code: string) => void;
}

/**
 * A `clientErrorHandler` for Fastify: it answers when Node cannot read a request.
 *
 * @example
 * const app = Fastify({ clientErrorHandler: twirpClientErrors });
 */
export const twirpClientErrors = createTwirpClientErrors();

/** Makes a `clientErrorHandler` like {@link twirpClientErrors}, with options. */
export function createTwirpClientErrors({ headersFor, onError }: ClientErrorsOptions = {}) {
  return (error: ConnectionError, socket: Socket): void => {
    onError?.(error.code ?? "unknown");
    const broken = requestInBody(socket);
    const head = broken === undefined ? headIn(error) : headOf(broken);
    answer(error, socket, broken, () => {
      const origin = head.header("origin");
      // The reply repeats it.
      const isSafe = origin !== undefined && /^[!-~]+$/.test(origin);
      return replyOf(explainConnectionError(error, head), headersFor?.(isSafe ? origin : undefined, head.header) ?? {});
    });
  };
}

function headIn({ rawPacket, bytesParsed }: ConnectionError): ReceivedHead {
  const packet = Buffer.isBuffer(rawPacket) ? rawPacket : Buffer.alloc(0);
  return readHead(packet, typeof bytesParsed === "number" ? bytesParsed : 0);
}

function headOf({ headers }: IncomingMessage): ReceivedHead {
  return { requestLine: undefined, header: (name) => [headers[name]].flat()[0] };
}

/**
 * Answers on a connection, or closes it without an answer where the client would take it for a part of another reply.
 *
 * @param broken the request whose body is broken; undefined when the bytes are not a body.
 */
function answer(
  error: ConnectionError,
  socket: Socket,
  broken: IncomingMessage | undefined,
  reply: () => string,
): void {
  const pending = pendingReply(socket);
  if (error.code === "ECONNRESET" || !socket.writable) socket.destroy(error);
  else if (pending === undefined) {
    if (broken === undefined) endWith(socket, reply());
    // The request was refused before its body broke.
    else socket.destroySoon();
  } else if (pending.req === broken && !pending.writableEnded) {
    if (pending.headersSent) socket.destroy(error);
    else endWith(socket, reply());
  } else {
    // Earlier pipelined requests were valid; let their replies finish first. Node puts the next one in place when one has
    // finished, and ends the connection after one that announced its end.
    socket.pause();
    pending.once("finish", () => {
      if (pending._last !== true) answer(error, socket, broken, reply);
    });
  }
}

/** Ends our side of a connection, and reads on so that the client's end is noticed. */
function endWith(socket: Socket, reply: string): void {
  socket.end(reply);
  socket.resume();
}

/** Members of a socket that Node uses for its own answers to such errors, and that its types omit. */
interface Internals {
  /** `_last`: whether the reply announced that the connection ends after it. */
  readonly _httpMessage?: (ServerResponse & { readonly _last?: boolean }) | null;
  readonly parser?: { readonly incoming?: IncomingMessage | null } | null;
}

/** The reply in progress. */
function pendingReply(socket: Socket): NonNullable<Internals["_httpMessage"]> | undefined {
  return (socket as Socket & Internals)._httpMessage ?? undefined;
}

/** The request whose body is being read. */
function requestInBody(socket: Socket): IncomingMessage | undefined {
  const request = (socket as Socket & Internals).parser?.incoming;
  return request?.complete === false ? request : undefined;
}

function replyOf({ status, error }: HttpFault, headers: Readonly<Record<string, string | undefined>>): string {
  const { body } = errorResponse(error);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${MEDIA_TYPE.json}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
    ...Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`])),
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

function explainConnectionError({ code }: ConnectionError, { requestLine, header }: ReceivedHead): HttpFault {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      // https://www.rfc-editor.org/rfc/rfc6585#section-5
      return malformed("its header is too large", { status: 431 });
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return fault("deadline_exceeded", "deadline exceeded");
    case "HPE_INVALID_METHOD":
      if (requestLine !== undefined && isVersion1(requestLine.version)) {
        return unknownMethod(requestLine.method, requestLine.target);
      }
      break;
    case "HPE_PAUSED_H2_UPGRADE":
      return unsupportedVersion("HTTP/2.0");
    case "HPE_INVALID_VERSION":
      if (requestLine !== undefined && !isVersion1(requestLine.version)) return unsupportedVersion(requestLine.version);
      break;
    case "HPE_INVALID_TRANSFER_ENCODING":
      if (header("content-length") === undefined) return unsupportedCoding(header("transfer-encoding") ?? "");
      break;
  }
  return malformed("it is not valid HTTP");
}

function isVersion1(version: string): boolean {
  return version === "HTTP/1.1" || version === "HTTP/1.0";
}

/** Options of `twirpFrameworkErrors`. */
export interface FrameworkErrorsOptions {
  /** Adds headers to the reply, such as CORS headers, because no hook runs. Default: nothing. */
  readonly decorate?: (request: FastifyRequest, reply: FastifyReply) => void;
}

/**
 * A `frameworkErrors` for Fastify: it answers a request with a broken URL, for which no hook runs, as a `bad_route`.
 *
 * @example
 * const app = Fastify({ frameworkErrors: twirpFrameworkErrors() });
 */
export function twirpFrameworkErrors(options: FrameworkErrorsOptions = {}) {
  return (_error: Error, request: FastifyRequest, reply: FastifyReply): void => {
    const msg = `no handler for path ${quote(pathOf(request.raw))}`;
    const { status, body } = errorResponse(badRouteError(msg, request.raw));
    options.decorate?.(request, reply);
    sendExactly(reply, status, body);
  };
}
