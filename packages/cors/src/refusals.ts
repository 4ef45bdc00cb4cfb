import type { CorsRequest, Decision } from "./decide.ts";
import { isNoPagesHeader } from "./names.ts";
import type { NearestOrigin } from "./nearest-origin.ts";
import { nearestOrigin } from "./nearest-origin.ts";
import type { Policy } from "./policy.ts";
import type { RefusalReason } from "./reasons.ts";
import { readHeaderNames } from "./token.ts";

/** What the log and the metrics learn of a refused browser. All text is cut to a bounded length. */
export interface RefusalEvent {
  readonly reason: RefusalReason;
  /** False for a request that was served but whose reply the page cannot read. */
  readonly preflight: boolean;
  readonly origin: string;
  /** The method that the page wants to use. */
  readonly method: string;
  /** The header names that the page wants to send, in lower case; empty when they cannot be read. */
  readonly headers: readonly string[];
  /** Those of them that are not allowed. */
  readonly refusedHeaders: readonly string[];
  /** The allowed origin that may have been meant, when it is the origin that is refused; computed when read. */
  readonly nearest: NearestOrigin | null;
  /** What is probably wrong, where the reason alone leaves it open. */
  readonly hint: string | null;
}

const textLengthMax = 200;
const nameLengthMax = 64;
const namesMax = 20;

/** Describes a decision for people, or returns null when it refuses nothing. */
export function describeRefusal(policy: Policy, request: CorsRequest, decision: Decision): RefusalEvent | null {
  const { reason } = decision;
  if (reason === "allowed" || reason === "not_cors") return null;
  const origin = request.origin ?? "";
  const asked = request.requestHeaders === undefined ? [] : (readHeaderNames(request.requestHeaders) ?? []);
  return {
    reason,
    preflight: decision.preflight,
    origin: shorten(origin),
    method: shorten(decision.preflight ? (request.requestMethod ?? "") : request.method),
    headers: decision.preflight ? shortenNames(asked) : [],
    refusedHeaders: shortenNames(decision.refusedHeaders),
    get nearest() {
      return reason === "origin_not_allowed" ? nearestOrigin(policy, origin) : null;
    },
    hint: hintFor(policy, request, decision),
  };
}

function hintFor(policy: Policy, request: CorsRequest, decision: Decision): string | null {
  const { reason } = decision;
  if (reason === "origin_not_allowed" && request.origin === "null") {
    return "sandboxed frames, local files and some redirects send the origin null";
  }
  const upper = shorten(request.requestMethod ?? "").toUpperCase();
  if (reason === "method_not_allowed" && policy.methods.has(upper)) {
    return `method names are case-sensitive; did you mean ${upper}`;
  }
  const misplaced = decision.refusedHeaders.find(isNoPagesHeader);
  if (misplaced !== undefined) return `${shorten(misplaced)} is a header of responses: the page must not send it`;
  if (policy.anyHeader && decision.refusedHeaders.includes("authorization")) {
    return "* never covers authorization; name it in the list";
  }
  return null;
}

function shorten(text: string): string {
  return text.length <= textLengthMax ? text : `${text.slice(0, textLengthMax)}... (${text.length} characters)`;
}

function shortenNames(names: readonly string[]): readonly string[] {
  const shown = names
    .slice(0, namesMax)
    .map((name) => (name.length <= nameLengthMax ? name : `(name of ${name.length} characters)`));
  return names.length <= namesMax ? shown : [...shown, `(${names.length - namesMax} more)`];
}
