import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import fastifyPlugin from "fastify-plugin";
import { Call, type Mount } from "./call.ts";
import type { CallOutcome } from "./context.ts";
import { settingsOf, type TwirpOptions } from "./options.ts";
import { pathOf, splitPath } from "./paths.ts";
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
 * Serves services on Fastify 5 by the Twirp v7 protocol. It works in scopes of its own, so the application's other routes
 * keep their parsers and error handlers.
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
 * The outcome of a call, for logs and metrics. Ask when the reply is closed.
 *
 * @returns undefined for a request that is not for a Twirp service.
 */
export function callOf(request: FastifyRequest): CallOutcome | undefined {
  return request[CALL] ?? undefined;
}

function drainOnClose(app: FastifyInstance, { settings: { draining }, drain }: Mount): void {
  const start = () => drain.start();
  if (draining?.aborted === true) start();
  else draining?.addEventListener("abort", start, { once: true });
  app.addHook("preClose", async () => start());
  // Plugins that were registered before, such as a pool, stay open until injected calls are answered.
  app.addHook("onClose", async () => {
    draining?.removeEventListener("abort", start);
    await drain.finish();
  });
}

function serveRoutes(scope: FastifyInstance, mount: Mount, routing: Routing): void {
  const open = openCallsIn(scope, mount, routing);

  scope.removeAllContentTypeParsers();
  // By name, because for a "*" parser Fastify parses the Content-Type of each request.
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

  // Ignore unknown expectations; Node would answer an empty 417.
  // https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1
  if (mount.settings.unmatched === "server") {
    scope.server.on("checkExpectation", (request, response) => scope.server.emit("request", request, response));
  }

  // In a hook, because Fastify reads the body before it calls a not-found handler.
  scope.addHook("onRequest", async (request, reply) => open(request, reply).refuse(routing.table));
  scope.setNotFoundHandler(() => undefined);
}

type OpenCall = (request: FastifyRequest, reply: FastifyReply, route?: MethodRoute) => Call;

/** Prepares a scope, in which all errors get Twirp's form, and returns the function that opens a call. */
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
  return routing.targetOf(splitPath(pathOf(request.raw)).service);
}
