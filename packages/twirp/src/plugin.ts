import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import fastifyPlugin from "fastify-plugin";
import { Call, type Mount } from "./call.ts";
import type { CallOutcome } from "./context.ts";
import { settingsOf, type TwirpOptions } from "./options.ts";
import { decodePath, pathOfTarget, splitPath } from "./paths.ts";
import { MEDIA_TYPE } from "./reply.ts";
import { compileRouting, type MethodRoute, type Routing } from "./routing.ts";
import { Drain } from "./time-limits.ts";

const CALL = Symbol("twirp call");

declare module "fastify" {
  interface FastifyRequest {
    /** Null until the call is opened. */
    [CALL]: Call | null;
  }
}

/**
 * Serves twirp-ts services on Fastify 5 by the Twirp v7 protocol. Everything lives in a scope of its own: routes of the
 * application beside the prefix keep their parsers and their error handlers.
 *
 * @example
 * await app.register(twirp, { services: [{ server: createHatServer(hats), type: HatService }] });
 */
export const twirp = fastifyPlugin(
  async (app: FastifyInstance, options: TwirpOptions): Promise<void> => {
    const settings = settingsOf(options);
    const routing = compileRouting(settings);
    const mount = { settings, drain: new Drain(settings.gracePeriod) };
    drainOnClose(app, mount);
    const scopePrefix = settings.unmatched === "prefix" ? settings.prefix : "";
    await app.register(async (scope) => serveRoutes(scope, mount, routing));
    await app.register(async (scope) => refuseTheRest(scope, mount, routing), { prefix: scopePrefix });
  },
  { name: "finance-service-twirp", fastify: "5.x" },
);

/**
 * What became of a request as a call, for logs and metrics that ask once its reply is closed; undefined for a request
 * that is none of a Twirp service's.
 */
export function callOf(request: FastifyRequest): CallOutcome | undefined {
  return request[CALL] ?? undefined;
}

function drainOnClose(app: FastifyInstance, { settings: { draining }, drain }: Mount): void {
  const start = () => drain.start();
  if (draining?.aborted === true) start();
  else draining?.addEventListener("abort", start, { once: true });
  app.addHook("preClose", async () => start());
  // A server that listens has answered them all by now; calls that were injected must not lose what they work with.
  app.addHook("onClose", async () => {
    draining?.removeEventListener("abort", start);
    await drain.finish();
  });
}

function serveRoutes(scope: FastifyInstance, mount: Mount, routing: Routing): void {
  const open = openCallsIn(scope, mount, routing);

  scope.removeAllContentTypeParsers();
  // By name, since Fastify takes a Content-Type apart for each request that only "*" matches.
  scope.addContentTypeParser(Object.values(MEDIA_TYPE), (request, payload, done) =>
    request[CALL]?.readBody(payload, done),
  );

  for (const route of routing.routes) {
    scope.route({
      method: "POST",
      url: route.path,
      onRequest: (request, reply, done) => open(request, reply, route).admit(route, done),
      handler: (request) => {
        void request[CALL]?.serve(route, request.body);
      },
    });
  }
}

function refuseTheRest(scope: FastifyInstance, mount: Mount, routing: Routing): void {
  const open = openCallsIn(scope, mount, routing);

  // Node answers unknown expectations with an empty 417, where they may as well be ignored.
  // https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1
  if (mount.settings.unmatched === "server") {
    scope.server.on("checkExpectation", (request, response) => scope.server.emit("request", request, response));
  }

  // Fastify reads the body before it asks a not-found handler, so the refusal comes first.
  scope.addHook("onRequest", async (request, reply) => open(request, reply).refuse(routing.table));
  scope.setNotFoundHandler(() => undefined);
}

type OpenCall = (request: FastifyRequest, reply: FastifyReply, route?: MethodRoute) => Call;

/** Prepares a scope for calls, whose errors all end in Twirp's form, and returns what opens one. */
function openCallsIn(scope: FastifyInstance, mount: Mount, routing: Routing): OpenCall {
  const routes = new Map(routing.routes.map((route) => [route.path, route]));
  const open: OpenCall = (request, reply, route) => {
    const call = new Call(mount, route ?? { target: targetOf(request, routing) }, request, reply);
    request[CALL] = call;
    return call;
  };
  scope.decorateRequest(CALL, null);
  scope.setErrorHandler((error, request, reply) => {
    // A hook of the application may have failed before the call was opened.
    (request[CALL] ?? open(request, reply, routes.get(request.routeOptions.url ?? ""))).answerError(error);
  });
  return open;
}

function targetOf(request: FastifyRequest, routing: Routing): MethodRoute["target"] {
  return routing.targetOf(splitPath(decodePath(pathOfTarget(request.raw.url ?? ""))).service);
}
