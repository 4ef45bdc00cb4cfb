import { decide, isRefused } from "../decide.ts";
import type { Policy } from "../policy.ts";
import { explain } from "../reasons.ts";
import { describeRefusal } from "../refusals.ts";
import { getHeader, type Header } from "./checks.ts";
import type { Diagnosis, Probe, WireRequest } from "./diagnosis.ts";

/** A probe that asks a policy in memory instead of a server, to check a configuration before it is deployed. */
export function createPolicyProbe(policy: Policy): Probe {
  return async (request) => {
    const decision = decide(policy, corsRequest(request));
    // The status of the service's own reply is unknown here, and does not matter to CORS.
    const status = decision.preflight ? decision.status : 200;
    const headers = Object.entries(decision.headers).map(([name, value]): Header => [name, String(value)]);
    return { response: { status, headers } };
  };
}

/** Why the policy refuses the requests of the diagnosis, for people; empty when it refuses none. */
export function explainRefusals(policy: Policy, diagnosis: Diagnosis): string[] {
  return diagnosis.steps.flatMap(({ exchange }) => {
    const refusal = exchange === null ? null : explainRefusal(policy, exchange.request);
    return refusal === null ? [] : [refusal];
  });
}

function explainRefusal(policy: Policy, request: WireRequest): string | null {
  const asked = corsRequest(request);
  const decision = decide(policy, asked);
  if (!isRefused(decision)) return null;
  const refusal = describeRefusal(policy, asked, decision);
  const parts = [`${refusal.reason}: ${explain(refusal.reason).meaning}`];
  if (refusal.refusedHeaders.length > 0) parts.push(`Refused: ${refusal.refusedHeaders.join(", ")}.`);
  const { nearest, hint } = refusal;
  if (nearest !== null) parts.push(`The nearest allowed origin, ${nearest.origin}, ${nearest.difference}.`);
  if (hint !== null) parts.push(`Hint: ${hint}.`);
  return parts.join(" ");
}

function corsRequest({ method, origin, headers }: WireRequest) {
  return {
    method,
    origin: origin ?? undefined,
    requestMethod: getHeader(headers, "access-control-request-method") ?? undefined,
    requestHeaders: getHeader(headers, "access-control-request-headers") ?? undefined,
  };
}
