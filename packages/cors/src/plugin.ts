import fastifyCors, { type FastifyCorsOptions } from "@fastify/cors";
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler, RouteOptions } from "fastify";
import fp from "fastify-plugin";
import type { CorsHeaders, CorsRequest, Decision } from "./decide.ts";
import { decide } from "./decide.ts";
import type { Policy } from "./policy.ts";
import { explain } from "./reasons.ts";
import type { RefusalEvent } from "./refusals.ts";
import { createRefusalLog, describeRefusal } from "./refusals.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What CORS decided about this request; null until its onRequest hook has run. */
    corsDecision: Decision | null;
  }
}

/** Options of the plugin. */
export interface CorsOptions {
  /** From `compile`. */
  readonly policy: Policy;
  /** Called for every refusal, in addition to the log line, which is limited in rate. Default: nothing. */
  readonly onRefusal?: (event: RefusalEvent) => void;
}

/**
 * Answers preflights before every later hook and gives each reply the headers that the policy decides. Register it first,
 * in the root scope, which it shares. Malformed URLs run no hooks: give `applyCorsHeaders` to `frameworkErrors`.
 *
 * The policy decides and @fastify/cors writes the headers of allowed requests. It is run as a function on a view of the
 * app, since registered it would answer strangers with its lists, take any OPTIONS for a preflight, and add a route
 * OPTIONS * that hides the app's own 404.
 *
 * @throws when a route sets `config.cors`, which would override the policy.
 */
export const cors = fp<CorsOptions>(
  (app, options, done) => {
    const { policy, onRefusal } = options;
    const write = createWriter(app, policy);
    const logRefusal = createRefusalLog();
    const warned = new Set<string>();
    app.decorateRequest("corsDecision", null);
    // Set by @fastify/cors; declared here because its own declaration would come twice.
    app.decorateRequest("corsPreflightEnabled", false);
    app.addHook("onRoute", refuseRouteConfig);

    app.addHook("onRequest", (request, reply, next) => {
      const asked = readRequest(request);
      const decision = decide(policy, asked);
      request.corsDecision = decision;
      write(request, reply, decision);
      const refusal = describeRefusal(policy, asked, decision);
      if (refusal !== null) {
        logRefusal(request.log, refusal);
        onRefusal?.(refusal);
      }
      if (decision.preflight) answerPreflight(reply, decision);
      else next();
    });

    app.addHook("onSend", (request, reply, _payload, next) => {
      const decision = request.corsDecision;
      // Only a route or its error handler changes headers, and a preflight reaches neither.
      if (decision !== null && !decision.preflight) restoreHeaders(request, reply, decision.headers, warned);
      next();
    });
    done();
  },
  { name: "cors", fastify: "5.x" },
);

/**
 * Decides a request that no hook has seen, for `frameworkErrors`, and sets the headers of its reply.
 *
 * @returns true when the request was a preflight, which is then answered: send nothing more.
 */
export function applyCorsHeaders(policy: Policy, request: FastifyRequest, reply: FastifyReply): boolean {
  const decision = decide(policy, readRequest(request));
  reply.headers({ ...decision.headers });
  if (decision.preflight) answerPreflight(reply, decision);
  return decision.preflight;
}

/** The CORS headers of a reply to a request of which nothing but its Origin is known. */
export function corsHeadersFor(policy: Policy, origin: string | undefined): Readonly<CorsHeaders> {
  return decide(policy, {
    method: "POST",
    origin,
    requestMethod: undefined,
    requestHeaders: undefined,
    requestPrivateNetwork: undefined,
  }).headers;
}

function readRequest(request: FastifyRequest): CorsRequest {
  const { headers, method } = request;
  const privateNetwork = headers["access-control-request-private-network"];
  return {
    method,
    origin: headers.origin,
    requestMethod: headers["access-control-request-method"],
    requestHeaders: headers["access-control-request-headers"],
    requestPrivateNetwork: typeof privateNetwork === "string" ? privateNetwork : undefined,
  };
}

function answerPreflight(reply: FastifyReply, decision: Decision): void {
  reply.code(decision.status);
  // No page can read this body; it is for the person with curl.
  if (decision.reason === "origin_not_allowed") {
    reply.type("text/plain; charset=utf-8").send(`${decision.reason}: ${explain(decision.reason).meaning}\n`);
  } else {
    reply.send();
  }
}

type Writer = (request: FastifyRequest, reply: FastifyReply, decision: Decision) => void;

function createWriter(app: FastifyInstance, policy: Policy): Writer {
  const common = {
    // True reflects the Origin header, which by then is known to match.
    origin: policy.anyOrigin ? "*" : true,
    credentials: policy.credentials,
    methods: policy.allowMethods,
    allowedHeaders: policy.allowHeaders,
    strictPreflight: false,
    preflightContinue: true,
  };
  const exposed = policy.exposeHeaders === "" ? {} : { exposedHeaders: policy.exposeHeaders };
  const maxAge = policy.maxAge === "" ? {} : { maxAge: Number(policy.maxAge) };
  const writeReply = captureHook(app, { ...common, ...exposed, preflight: false });
  const writePreflight = captureHook(app, { ...common, ...maxAge });
  const writeRefusedPreflight = captureHook(app, common);
  // @fastify/cors writes an empty list as an empty header and knows no list that depends on the request.
  const listsNeedMending =
    policy.allowMethods === "" ||
    policy.allowHeaders === "" ||
    (policy.credentials && (policy.anyMethod || policy.anyHeader));

  return (request, reply, decision) => {
    const { headers } = decision;
    if (headers.vary !== undefined) reply.header("vary", headers.vary);
    if (headers["access-control-allow-origin"] === undefined) return;
    if (!decision.preflight) {
      writeReply.call(app, request, reply, ignore);
      return;
    }
    const hook = decision.reason === "allowed" ? writePreflight : writeRefusedPreflight;
    hook.call(app, request, reply, ignore);
    if (listsNeedMending) {
      setOrRemove(reply, "access-control-allow-methods", headers["access-control-allow-methods"]);
      setOrRemove(reply, "access-control-allow-headers", headers["access-control-allow-headers"]);
    }
    // Not among the headers that @fastify/cors knows.
    if (headers["access-control-allow-private-network"] !== undefined) {
      reply.header("access-control-allow-private-network", headers["access-control-allow-private-network"]);
    }
  };
}

/** Runs @fastify/cors on a view of the app that keeps its hook and leaves its route away. */
function captureHook(app: FastifyInstance, options: FastifyCorsOptions): onRequestHookHandler {
  const hooks: onRequestHookHandler[] = [];
  const view: FastifyInstance = Object.create(app, {
    addHook: { value: (_name: string, hook: onRequestHookHandler) => hooks.push(hook) },
    decorateRequest: { value: ignore },
    options: { value: ignore },
  });
  fastifyCors(view, options, (error) => {
    if (error !== undefined) throw error;
  });
  const [hook] = hooks;
  if (hook === undefined || hooks.length > 1) throw new Error("this version of @fastify/cors adds no single hook");
  return hook;
}

function ignore(): void {}

function setOrRemove(reply: FastifyReply, name: keyof CorsHeaders, value: string | undefined): void {
  if (value === undefined) reply.removeHeader(name);
  else reply.header(name, value);
}

/** A route may extend Vary; what it changes of the origin's permission is taken back, for the policy alone decides it. */
function restoreHeaders(
  request: FastifyRequest,
  reply: FastifyReply,
  headers: Readonly<CorsHeaders>,
  warned: Set<string>,
): void {
  for (const name of guardedHeaders) {
    if (reply.getHeader(name) === headers[name]) continue;
    setOrRemove(reply, name, headers[name]);
    // Once per route and header, since any client can repeat the call.
    const { url } = request.routeOptions;
    if (warned.has(`${url} ${name}`)) continue;
    warned.add(`${url} ${name}`);
    request.log.warn({ route: url, header: name }, "a route set a CORS header, which the policy alone decides");
  }
  if (headers.vary === undefined) return;
  const vary = reply.getHeader("vary");
  if (vary !== headers.vary) reply.header("vary", mergeVary(vary, headers.vary));
}

const guardedHeaders = ["access-control-allow-origin", "access-control-allow-credentials"] as const;

/** Adds the missing names; * already covers them all: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.5 */
function mergeVary(current: number | string | string[] | undefined, required: string): string {
  const listed = splitNames(Array.isArray(current) ? current.join(",") : String(current ?? ""));
  if (listed.includes("*")) return "*";
  const merged = new Map<string, string>();
  for (const name of [...listed, ...splitNames(required)]) {
    const key = name.toLowerCase();
    if (!merged.has(key)) merged.set(key, name);
  }
  return [...merged.values()].join(", ");
}

function splitNames(list: string): string[] {
  return list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function refuseRouteConfig(route: RouteOptions): void {
  if (route.config !== undefined && "cors" in route.config) {
    throw new Error(`route ${route.url} sets config.cors, but the CORS policy alone decides`);
  }
}
