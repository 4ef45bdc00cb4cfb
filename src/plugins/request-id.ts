import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import fp from "fastify-plugin";

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
