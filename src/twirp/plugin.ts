import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import fastifyPlugin from "fastify-plugin";
import { Call } from "./call.ts";
import { settingsOf, type TwirpOptions, type TwirpSettings } from "./options.ts";
import { decodePath, pathOfTarget, splitPath } from "./paths.ts";
import { type CallTarget, compileRouting, type Routing } from "./routing.ts";

const CALL = Symbol("twirp call");

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
    const scopePrefix = settings.unmatched === "prefix" ? settings.prefix : "";
    await app.register(async (scope) => serveRoutes(scope, settings, routing));
    await app.register(async (scope) => refuseTheRest(scope, settings, routing), { prefix: scopePrefix });
  },
  { name: "finance-service-twirp", fastify: "5.x" },
);

function serveRoutes(scope: FastifyInstance, settings: TwirpSettings, routing: Routing): void {
  const calls = callsOf(scope, settings, routing);

  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", (request, payload, done) => calls.find(request)?.readBody(payload, done));

  for (const route of routing.routes) {
    scope.route({
      method: "POST",
      url: route.path,
      onRequest: async (request, reply) => calls.open(request, reply, route.target).admit(route),
      handler: (request) => {
        void calls.find(request)?.serve(route, request.body);
      },
    });
  }
}

function refuseTheRest(scope: FastifyInstance, settings: TwirpSettings, routing: Routing): void {
  const calls = callsOf(scope, settings, routing);

  // Fastify reads the body before it asks a not-found handler, so the refusal comes first.
  scope.addHook("onRequest", async (request, reply) => calls.open(request, reply).refuse(routing.table));
  scope.setNotFoundHandler(() => undefined);
}

/** The calls of a scope, whose errors all end in Twirp's form. */
function callsOf(scope: FastifyInstance, settings: TwirpSettings, routing: Routing) {
  const calls = {
    open(request: FastifyRequest, reply: FastifyReply, target = targetOf(request, routing)): Call {
      const call = new Call(target, settings, request, reply);
      request.setDecorator(CALL, call);
      return call;
    },
    find: (request: FastifyRequest): Call | null => request.getDecorator<Call | null>(CALL),
  };
  scope.decorateRequest(CALL, null);
  scope.setErrorHandler((error, request, reply) => {
    // A hook of the application may have failed before the call was opened.
    (calls.find(request) ?? calls.open(request, reply)).answerError(error);
  });
  return calls;
}

function targetOf(request: FastifyRequest, routing: Routing): CallTarget {
  return routing.targetOf(splitPath(decodePath(pathOfTarget(request.raw.url ?? ""))).service);
}
