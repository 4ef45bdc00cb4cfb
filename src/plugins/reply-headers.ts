import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import fp from "fastify-plugin";

/**
 * What browsers must not do with a reply of the API: guess its type, keep it, render it, or load it into another
 * origin's page without CORS. Pages that CORS allows are not concerned: the last header is about no-cors requests only.
 *
 * https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
 */
export const SECURITY_HEADERS = {
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
};

/** Puts the headers on every reply, refusals and probes included. */
export const securityHeaders = fp(
  (app, _options, done) => {
    app.addHook("onRequest", (_request, reply, next) => {
      setSecurityHeaders(reply);
      next();
    });
    done();
  },
  { name: "security-headers", fastify: "5.x" },
);

/** The same for replies that no hook sees, as those of `frameworkErrors`. */
export function setSecurityHeaders(reply: FastifyReply): void {
  reply.headers(SECURITY_HEADERS);
}

const HEADER = "x-request-id";

/** For Fastify's `genReqId`: the caller's x-request-id when it is safe to log and send back, else a new one. */
export function requestIdOf(request: Pick<IncomingMessage, "headers">): string {
  const given = request.headers[HEADER];
  return typeof given === "string" && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

/** The header for a reply to what became no request, of which only some headers may be known. */
export function requestIdHeader(header: (name: string) => string | undefined): { readonly [HEADER]: string } {
  return { [HEADER]: requestIdOf({ headers: { [HEADER]: header(HEADER) } }) };
}

/** Puts x-request-id on every reply. */
export const requestId = fp(
  (app, _options, done) => {
    app.addHook("onRequest", (request, reply, next) => {
      setRequestId(request, reply);
      next();
    });
    done();
  },
  { name: "request-id", fastify: "5.x" },
);

/** The same for replies that no hook sees, as those of `frameworkErrors`. */
export function setRequestId(request: FastifyRequest, reply: FastifyReply): void {
  reply.header(HEADER, request.id);
}
