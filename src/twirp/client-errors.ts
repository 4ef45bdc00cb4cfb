import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { TwirpError, TwirpErrorCode } from "twirp-ts";
import { MEDIA_TYPE } from "./content-type.ts";
import { errorResponse } from "./error-response.ts";
import { badRoute } from "./paths.ts";

/** What Node reports of a connection whose bytes are no HTTP request. */
interface ConnectionError extends Error {
  readonly code?: string;
  readonly rawPacket?: unknown;
}

/** Options of `createTwirpClientErrors`. */
export interface ClientErrorsOptions {
  /**
   * Headers to add to the reply, as CORS ones.
   *
   * @param origin the request's Origin, as far as it could be read; undefined when it has none or it was not read yet.
   */
  readonly headersFor?: (origin: string | undefined) => Readonly<Record<string, string | undefined>>;
  /** Called with Node's code for each connection that sent no request, or none in time. */
  readonly onError?: (code: string) => void;
}

const HEADER_OVERFLOW = "HPE_HEADER_OVERFLOW";
const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP\/1\.[01]\r?\n/;

/**
 * Fastify's `clientErrorHandler`: what it answers when Node cannot read a request at all, before there is one to route.
 *
 * @example
 * const app = Fastify({ clientErrorHandler: twirpClientErrors });
 */
export const twirpClientErrors = createTwirpClientErrors();

/** Makes a `clientErrorHandler` as {@link twirpClientErrors} is one. */
export function createTwirpClientErrors({ headersFor, onError }: ClientErrorsOptions = {}) {
  return (error: ConnectionError, socket: Socket): void => {
    onError?.(error.code ?? "unknown");
    answer(error, socket, headersFor?.(originIn(error.rawPacket)) ?? {});
  };
}

function answer(error: ConnectionError, socket: Socket, headers: Readonly<Record<string, string | undefined>>): void {
  const pending = pendingReply(socket);
  if (pending?.req.complete === true && !pending.writableFinished) {
    // What is broken follows good calls, whose replies still go out.
    socket.pause();
    closeAfter(pending, socket);
    return;
  }
  // A connection that is gone, or in the middle of a reply, takes no other reply.
  if (error.code === "ECONNRESET" || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy(error);
    return;
  }
  const { status: ownStatus, body } = errorResponse(explainConnectionError(error));
  // Twirp has no code of this status, which proxies and browsers know. https://www.rfc-editor.org/rfc/rfc6585#section-5
  const status = error.code === HEADER_OVERFLOW ? 431 : ownStatus;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${MEDIA_TYPE.json}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
    ...Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`])),
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

function closeAfter(reply: ServerResponse, socket: Socket): void {
  reply.once("finish", () => {
    const next = pendingReply(socket);
    if (next === undefined) socket.destroySoon();
    else closeAfter(next, socket);
  });
}

/** The reply that is being worked on. */
function pendingReply(socket: Socket): ServerResponse | undefined {
  // Node has always kept it here for its own answer to such errors, but its types do not say so.
  const { _httpMessage } = socket as Socket & { readonly _httpMessage?: ServerResponse | null };
  return _httpMessage ?? undefined;
}

/** The Origin in what was received last, which for a browser's request is all of its header, or nearly. */
function originIn(packet: unknown): string | undefined {
  if (!Buffer.isBuffer(packet)) return undefined;
  return /\r\norigin:[ \t]*([!-~]+)[ \t]*\r\n/i.exec(packet.toString("latin1"))?.[1];
}

function explainConnectionError(error: ConnectionError): TwirpError {
  if (error.code === HEADER_OVERFLOW) {
    return new TwirpError(TwirpErrorCode.Malformed, "failed to read request: its header is too large");
  }
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new TwirpError(TwirpErrorCode.DeadlineExceeded, "failed to read request: deadline exceeded");
  }
  if (error.code === "HPE_INVALID_METHOD") {
    const packet = Buffer.isBuffer(error.rawPacket) ? error.rawPacket.toString("latin1") : "";
    const [, method, target] = REQUEST_LINE.exec(packet) ?? [];
    if (method !== undefined && target !== undefined) {
      return badRoute(method, target, { prefix: "", services: new Set() });
    }
  }
  return new TwirpError(TwirpErrorCode.Malformed, "failed to read request: it is not valid HTTP");
}
