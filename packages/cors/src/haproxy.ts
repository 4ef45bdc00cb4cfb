import { originExpression } from "./origins.ts";
import type { Policy } from "./policy.ts";

/**
 * A policy in the form that HAProxy can apply to its own replies, when no server answers: file names and their contents.
 *
 * `origins` has one regular expression per line; a page whose origin matches one may read the reply. `headers` maps a name
 * to a value, and lacks headers that are not sent. It contains `access-control-allow-origin` only for the policy `*`.
 *
 * One thing differs from `decide`: with credentials and `*` for request headers, only the named ones pass a preflight.
 */
export function policyForProxy(policy: Policy): { readonly origins: string; readonly headers: string } {
  const values = {
    "access-control-allow-origin": policy.anyOrigin ? "*" : "",
    "access-control-allow-credentials": policy.credentials ? "true" : "",
    "access-control-allow-methods": policy.allowMethods,
    "access-control-allow-headers": policy.allowHeaders,
    "access-control-expose-headers": policy.exposeHeaders,
  };
  const lines = Object.entries(values).filter(([, value]) => value !== "");
  const expressions = policy.anyOrigin ? [] : policy.origins.map(originExpression);
  return {
    origins: expressions.map((expression) => `${expression}\n`).join(""),
    headers: lines.map(([name, value]) => `${name} ${value}\n`).join(""),
  };
}
