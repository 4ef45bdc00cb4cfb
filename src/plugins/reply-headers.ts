import type { FastifyReply } from "fastify";
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
