import fastifyCors, { type FastifyCorsOptions } from "@fastify/cors";
import type { FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import fp from "fastify-plugin";
import type { CorsHeaders, Decision } from "./decide.ts";
import { allowsOrigin, decide, isRefused, readCorsRequest } from "./decide.ts";
import { type AnswerEarly, answerAtOnce, interceptPreflights } from "./early-preflights.ts";
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
  /**
   * Answers allowed preflights as soon as Node has read them, which doubles their rate. No hook sees them then, so nothing
   * logs or counts them or adds headers, unless a function does that and sends the answer itself. Refused preflights and
   * those of `app.inject` pass the hooks as before. Default: false.
   */
  readonly early?: boolean | AnswerEarly;
}

/**
 * Answers preflights before every later hook and gives each reply the headers that the policy decides. Register it first,
 * in the root scope, which it shares. Malformed URLs run no hooks: call `applyCorsHeaders` in `frameworkErrors`.
 *
 * The policy decides. @fastify/cors writes the headers of replies that are not answers to preflights.
 *
 * @throws when a route sets `config.cors`, which would override the policy.
 */
export const cors = fp<CorsOptions>(
  async (app, { policy, onRefusal, early = false }) => {
    const logRefusal = createRefusalLog();
    const warned = new Set<string>();
    for (const { reason, option, value, message } of policy.warnings) {
      app.log.warn({ cors: { reason, option, value } }, `CORS ${option}: ${message}`);
    }
    app.decorateRequest("corsDecision", null);
    if (early !== false) {
      let stop = () => {};
      // By then the server has all its listeners.
      app.addHook("onReady", async () => {
        stop = interceptPreflights(app.server, policy, early === true ? answerAtOnce : early);
      });
      // While a server closes, Fastify asks its clients to close their connections.
      app.addHook("preClose", async () => stop());
    }

    let isOurs = true;
    app.addHook("onRoute", (route) => {
      if (isOurs) hideRoute(route);
      else refuseRouteConfig(route);
    });
    // Most requests come from a listed origin or from no page at all.
    const decisions = new Map<string | undefined, Decision>();
    for (const origin of [undefined, ...policy.exactOrigins]) {
      decisions.set(origin, decide(policy, { method: "POST", origin }));
    }
    app.addHook("onRequest", (request, reply, next) => {
      const known = request.method === "OPTIONS" ? undefined : decisions.get(request.headers.origin);
      if (known !== undefined) {
        request.corsDecision = known;
        next();
        return;
      }
      const asked = readCorsRequest(request);
      const decision = decide(policy, asked);
      request.corsDecision = decision;
      if (isRefused(decision)) {
        const refusal = describeRefusal(policy, asked, decision);
        logRefusal(request.log, refusal);
        onRefusal?.(refusal);
      }
      if (decision.preflight) answerPreflight(reply, decision);
      else next();
    });
    await app.register(fastifyCors, writerOptions(policy));
    isOurs = false;

    app.addHook("onSend", (request, reply, _payload, next) => {
      const decision = request.corsDecision;
      // Only a route or its error handler changes headers, and a preflight reaches neither.
      if (decision !== null && !decision.preflight) restoreHeaders(request, reply, decision.headers, warned);
      next();
    });
  },
  { name: "cors", fastify: "5.x" },
);

/**
 * Decides a request that no hook has seen, for `frameworkErrors`, and sets the headers of its reply.
 *
 * @returns true when the request was a preflight, which is then answered: send nothing more.
 */
export function applyCorsHeaders(policy: Policy, request: FastifyRequest, reply: FastifyReply): boolean {
  const decision = decide(policy, readCorsRequest(request));
  if (decision.preflight) answerPreflight(reply, decision);
  else reply.headers({ ...decision.headers });
  return decision.preflight;
}

/** The CORS headers of a reply when only the request's Origin is known. */
export function corsHeadersFor(policy: Policy, origin: string | undefined): Readonly<CorsHeaders> {
  return decide(policy, { method: "POST", origin }).headers;
}

/** Lets @fastify/cors write what `decide` decides. A delegator would make it copy all options for each request. */
function writerOptions(policy: Policy): FastifyCorsOptions {
  const { anyOrigin, credentials, exposeHeaders } = policy;
  const options: FastifyCorsOptions = {
    origin: anyOrigin
      ? "*"
      : (origin, done) => done(null, origin !== undefined && allowsOrigin(policy, origin) ? origin : false),
    credentials,
    preflight: false,
  };
  if (exposeHeaders !== "") options.exposedHeaders = exposeHeaders;
  return options;
}

function answerPreflight(reply: FastifyReply, decision: Decision): void {
  reply.code(decision.status).headers({ ...decision.headers });
  // No page can read this body; it is for a person with curl.
  if (decision.reason === "origin_not_allowed") {
    reply.type("text/plain; charset=utf-8").send(`${decision.reason}: ${explain(decision.reason).meaning}\n`);
  } else {
    reply.send();
  }
}

function setOrRemove(reply: FastifyReply, name: keyof CorsHeaders, value: string | undefined): void {
  if (value === undefined) reply.removeHeader(name);
  else reply.header(name, value);
}

/** A route may extend Vary. Its changes to the origin's permission are undone, because the policy alone decides that. */
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

/** The route OPTIONS * of @fastify/cors would hide routes and the not-found handler of the app: let no host match it. */
function hideRoute(route: RouteOptions): void {
  route.constraints = { host: /(?!)/ };
}

function refuseRouteConfig(route: RouteOptions): void {
  if (route.config !== undefined && "cors" in route.config) {
    throw new Error(`route ${route.url} sets config.cors, but the CORS policy alone decides`);
  }
}
