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

const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP\/1\.[01]\r?\n/;

/**
 * Fastify's `clientErrorHandler`: what it answers when Node cannot read a request at all, before there is one to route.
 *
 * @example
 * const app = Fastify({ clientErrorHandler: twirpClientErrors });
 */
export function twirpClientErrors(error: ConnectionError, socket: Socket): void {
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
  const { status, body } = errorResponse(explainConnectionError(error));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${MEDIA_TYPE.json}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
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

function explainConnectionError(error: ConnectionError): TwirpError {
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
