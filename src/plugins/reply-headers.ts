import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";

/**
 * What browsers must not do with a reply of the API: guess its type, store it, render it, or load it into another origin's
 * page without CORS. They do not affect pages that CORS allows: the last header is about no-cors requests only.
 *
 * https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
 */
export const SECURITY_HEADERS = {
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
};

const REQUEST_ID = "x-request-id";

/** For Fastify's `genReqId`: the caller's x-request-id when it is safe to log and send back, else a new one. */
export function requestIdOf(request: Pick<IncomingMessage, "headers">): string {
  const given = request.headers[REQUEST_ID];
  return typeof given === "string" && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

/** Sets x-request-id on a reply. */
export function setRequestId(request: FastifyRequest, reply: FastifyReply): void {
  reply.header(REQUEST_ID, request.id);
}

/** x-request-id for the reply to broken HTTP, of which only some headers may have been read. */
export function requestIdHeader(header: (name: string) => string | undefined): { readonly [REQUEST_ID]: string } {
  return { [REQUEST_ID]: requestIdOf({ headers: { [REQUEST_ID]: header(REQUEST_ID) } }) };
}
