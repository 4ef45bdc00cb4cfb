import { STATUS_CODES } from "node:http";
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
  // A connection that is gone, or in the middle of a reply, takes no other reply.
  if (error.code === "ECONNRESET" || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy(error);
    return;
  }
  const { status, body } = errorResponse(explainConnectionError(error));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${MEDIA_TYPE.json}`,
    `Content-Length: ${body.length}`,
    "Connection: close",
  ];
  socket.end(Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]));
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
