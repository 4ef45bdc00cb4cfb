import type { FastifyReply, FastifyRequest } from "fastify";
import { errorResponse } from "./errors.ts";
import { sendExactly } from "./exact-reply.ts";
import { MEDIA_TYPE } from "./media-type.ts";
import { badRouteError, decodePath, pathOfTarget } from "./paths.ts";
import { quote } from "./quote.ts";

/** Options of `twirpFrameworkErrors`. */
export interface FrameworkErrorsOptions {
  /** Adds headers to the reply, as CORS ones, since no hook runs for such a request. Default: nothing. */
  readonly decorate?: (request: FastifyRequest, reply: FastifyReply) => void;
}

/**
 * Fastify's `frameworkErrors`: what it answers when a URL is broken, before any route, hook or plugin is asked. Such a
 * path reaches no method, so it is a `bad_route`.
 *
 * @example
 * const app = Fastify({ frameworkErrors: twirpFrameworkErrors() });
 */
export function twirpFrameworkErrors(options: FrameworkErrorsOptions = {}) {
  return (_error: Error, request: FastifyRequest, reply: FastifyReply): void => {
    const method = request.raw.method ?? "";
    const path = decodePath(pathOfTarget(request.raw.url ?? ""));
    const msg = `no handler for path ${quote(path)}`;
    const { status, body } = errorResponse(badRouteError(msg, method, path));
    options.decorate?.(request, reply);
    sendExactly(reply.code(status).header("content-type", MEDIA_TYPE.json), body);
  };
}
