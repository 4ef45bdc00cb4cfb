import type { IncomingMessage } from "node:http";
import { forbiddenMethods, isToken, readHeaderNames, safelistedMethods } from "./names.ts";
import { covers } from "./origins.ts";
import type { Policy } from "./policy.ts";
import type { RefusalReason, RequestReason } from "./reasons.ts";

/** The parts of a request that CORS looks at; a missing header is undefined. */
export interface CorsRequest {
  readonly method: string;
  readonly origin: string | undefined;
  /** Access-Control-Request-Method */
  readonly requestMethod?: string | undefined;
  /** Access-Control-Request-Headers */
  readonly requestHeaders?: string | undefined;
  /** Access-Control-Request-Private-Network */
  readonly requestPrivateNetwork?: string | undefined;
}

/** Reads what Node has parsed. */
export function readCorsRequest({ headers, method = "" }: Pick<IncomingMessage, "headers" | "method">): CorsRequest {
  const privateNetwork = headers["access-control-request-private-network"];
  return {
    method,
    origin: headers.origin,
    requestMethod: headers["access-control-request-method"],
    requestHeaders: headers["access-control-request-headers"],
    requestPrivateNetwork: typeof privateNetwork === "string" ? privateNetwork : undefined,
  };
}

/** The CORS headers of a reply, by lower-case name; all others must be absent. */
export interface CorsHeaders {
  vary?: string;
  "access-control-allow-origin"?: string;
  "access-control-allow-credentials"?: string;
  "access-control-expose-headers"?: string;
  "access-control-allow-methods"?: string;
  "access-control-allow-headers"?: string;
  "access-control-max-age"?: string;
  "access-control-allow-private-network"?: string;
}

/** The whole answer to a preflight, or the headers of the reply to any other request. */
export interface Decision {
  readonly preflight: boolean;
  readonly reason: RequestReason;
  /** Of a preflight; 0 otherwise. */
  readonly status: number;
  readonly headers: Readonly<CorsHeaders>;
  /** The header names at fault for `header_not_allowed`, in lower case; empty otherwise. */
  readonly refusedHeaders: readonly string[];
}

const preflightVary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
const privateNetworkVary = `${preflightVary}, Access-Control-Request-Private-Network`;
const varyOnly: Readonly<CorsHeaders> = { vary: "Origin" };
const nothing: readonly string[] = [];

/** A decision that refuses something. */
export type RefusedDecision = Decision & { readonly reason: RefusalReason };

export function isRefused(decision: Decision): decision is RefusedDecision {
  return decision.reason !== "allowed" && decision.reason !== "not_cors";
}

/** Decides one request. It never throws, and its work grows at most linearly with the length of the headers. */
export function decide(policy: Policy, request: CorsRequest): Decision {
  const { origin, requestMethod } = request;
  if (origin !== undefined && requestMethod !== undefined && request.method === "OPTIONS") {
    return decidePreflight(policy, request, origin, requestMethod);
  }
  if (origin !== undefined && !allowsOrigin(policy, origin)) {
    return { preflight: false, reason: "origin_not_allowed", status: 0, headers: varyOnly, refusedHeaders: nothing };
  }
  const reason = origin === undefined ? "not_cors" : "allowed";
  return { preflight: false, reason, status: 0, headers: actualHeaders(policy, origin), refusedHeaders: nothing };
}

/** Whether a page of this origin may read what the server answers. */
export function allowsOrigin(policy: Policy, origin: string): boolean {
  if (policy.anyOrigin || policy.exactOrigins.has(origin)) return true;
  for (const pattern of policy.originPatterns) if (covers(pattern, origin)) return true;
  return false;
}

/**
 * With a list, every reply depends on Origin. So does one to a request without it, because a cache may give that reply to
 * a page. `*` is the same for all requests: https://fetch.spec.whatwg.org/#cors-protocol-and-http-caches
 */
function actualHeaders(policy: Policy, origin: string | undefined): Readonly<CorsHeaders> {
  const headers: CorsHeaders = {};
  if (policy.anyOrigin) {
    headers["access-control-allow-origin"] = "*";
  } else if (origin === undefined) {
    return varyOnly;
  } else {
    headers.vary = "Origin";
    headers["access-control-allow-origin"] = origin;
  }
  if (policy.credentials) headers["access-control-allow-credentials"] = "true";
  if (policy.exposeHeaders !== "") headers["access-control-expose-headers"] = policy.exposeHeaders;
  return headers;
}

function decidePreflight(policy: Policy, request: CorsRequest, origin: string, requestMethod: string): Decision {
  const vary = policy.privateNetwork ? privateNetworkVary : preflightVary;
  if (!allowsOrigin(policy, origin)) {
    return { preflight: true, reason: "origin_not_allowed", status: 403, headers: { vary }, refusedHeaders: nothing };
  }
  const names = request.requestHeaders === undefined ? nothing : readHeaderNames(request.requestHeaders);
  const methodReason = judgeMethod(policy, requestMethod);
  let refusedHeaders = nothing;
  let reason: RequestReason = methodReason;
  if (methodReason === "allowed") {
    if (names === null) {
      reason = "malformed_request_headers";
    } else if (!names.every((name) => allowsHeader(policy, name))) {
      reason = "header_not_allowed";
      refusedHeaders = names.filter((name) => !allowsHeader(policy, name));
    }
  }

  // The answer to a refused method or header has the origin and the real lists, so that the console names the refused one.
  const headers: CorsHeaders = { vary, "access-control-allow-origin": policy.anyOrigin ? "*" : origin };
  if (policy.credentials) headers["access-control-allow-credentials"] = "true";
  const methods = allowMethods(policy, requestMethod, methodReason === "allowed");
  if (methods !== "") headers["access-control-allow-methods"] = methods;
  const allowHeaders = listHeaders(policy, names);
  if (allowHeaders !== "") headers["access-control-allow-headers"] = allowHeaders;
  // Browsers must not cache a refusal: the next attempt must see the corrected configuration.
  if (policy.maxAge !== "" && reason === "allowed") headers["access-control-max-age"] = policy.maxAge;
  if (policy.privateNetwork && request.requestPrivateNetwork === "true") {
    headers["access-control-allow-private-network"] = "true";
  }
  return { preflight: true, reason, status: policy.preflightStatus, headers, refusedHeaders };
}

/** https://fetch.spec.whatwg.org/#cors-preflight-fetch, step 7: the safelisted methods pass even if not listed. */
function judgeMethod(policy: Policy, method: string): "allowed" | "method_not_allowed" | "malformed_request_method" {
  if (policy.methods.has(method) || safelistedMethods.has(method)) return "allowed";
  if (!isToken(method)) return "malformed_request_method";
  return policy.anyMethod && !forbiddenMethods.has(method.toUpperCase()) ? "allowed" : "method_not_allowed";
}

/** https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name: * never covers Authorization. */
function allowsHeader(policy: Policy, name: string): boolean {
  return policy.headers.has(name) || (policy.anyHeader && name !== "authorization");
}

/** With credentials, browsers read * literally, so "any" is answered with the requested method. */
function allowMethods(policy: Policy, method: string, allowed: boolean): string {
  if (!policy.anyMethod || !policy.credentials || !allowed || policy.methods.has(method)) return policy.allowMethods;
  return policy.allowMethods === "" ? method : `${policy.allowMethods}, ${method}`;
}

/** As for methods. Only names that are tokens are written. */
function listHeaders(policy: Policy, names: readonly string[] | null): string {
  if (!policy.anyHeader || !policy.credentials || names === null) return policy.allowHeaders;
  const asked = names.filter((name) => !policy.headers.has(name) && allowsHeader(policy, name));
  return [...policy.headers, ...new Set(asked)].join(", ");
}
