import type { FastifyBaseLogger } from "fastify";
import { allowsOrigin, type CorsRequest, type RefusedDecision } from "./decide.ts";
import { editDistance, isServerHeader, readHeaderNames } from "./names.ts";
import { covers, coversHost, isLoopback, type OriginPattern, splitOrigin } from "./origins.ts";
import type { Policy } from "./policy.ts";
import type { RefusalReason } from "./reasons.ts";

/** The allowed origin that the refused one resembles most. */
export interface NearestOrigin {
  /** As configured. */
  readonly origin: string;
  /** For people, for example "differs by port". */
  readonly difference: string;
}

interface Difference {
  readonly rank: number;
  readonly difference: string;
}

/** Longer values are not typing errors, and the search must stay cheap. */
const originLengthMax = 300;
const candidatesMax = 1_000;

/**
 * Finds the allowed origin that is nearest to a refused one, and says how the two differ.
 *
 * @returns null when `origin` is not an origin (null, garbage) or when none is listed.
 */
export function nearestOrigin(policy: Policy, origin: string): NearestOrigin | null {
  if (origin.length > originLengthMax) return null;
  const written = URL.canParse(origin) ? new URL(origin).origin : null;
  if (written !== null && written !== origin && allowsOrigin(policy, written)) {
    const match = policy.origins.find((candidate) => candidate.text === written || covers(candidate, written));
    if (match !== undefined) return { origin: match.text, difference: `differs by form: browsers write ${written}` };
  }
  const asked = splitOrigin(origin);
  if (asked === null) return null;
  let nearest: (NearestOrigin & Difference) | null = null;
  for (const candidate of policy.origins.slice(0, candidatesMax)) {
    const found = compare(asked, candidate);
    if (nearest === null || found.rank < nearest.rank) nearest = { origin: candidate.text, ...found };
  }
  return nearest === null ? null : { origin: nearest.origin, difference: nearest.difference };
}

function compare(asked: { scheme: string; host: string; port: string }, candidate: OriginPattern): Difference {
  const host = compareHosts(asked.host, candidate);
  const scheme = asked.scheme === candidate.scheme ? 0 : 1;
  const port = asked.port === candidate.port || candidate.port === "*" ? 0 : 1;
  const parts: string[] = [];
  if (scheme === 1) parts.push("scheme");
  if (host.rank > 0) parts.push("host");
  if (port === 1) parts.push("port");
  const last = parts.pop() ?? "form";
  const listed = parts.length === 0 ? last : `${parts.join(", ")} and ${last}`;
  const detail = host.difference === "" ? "" : `: ${host.difference}`;
  return { rank: host.rank * 4 + scheme * 2 + port, difference: `differs by ${listed}${detail}` };
}

/** Rank 0 is the same host; a higher rank is less likely a typing error. */
function compareHosts(asked: string, candidate: OriginPattern): Difference {
  const { host, star } = candidate;
  if (coversHost(candidate, asked)) return { rank: 0, difference: "" };
  if (star?.kind === "subdomains") {
    if (asked === host) return { rank: 2, difference: `*.${host} covers subdomains, not ${host} itself` };
  } else if (star?.kind === "label") {
    const isNear =
      asked.endsWith(`${star.after}.${host}`) || (asked.startsWith(star.before) && asked.endsWith(`.${host}`));
    if (isNear) return { rank: 2, difference: "* stands for 1 or more letters, digits, hyphens and underscores" };
  } else if (star === null) {
    if (isLoopback(asked) && isLoopback(host)) {
      return { rank: 1, difference: `${host} and ${asked} are different origins` };
    }
    if (asked === `www.${host}` || host === `www.${asked}`) {
      return { rank: 2, difference: `${host} and ${asked} are different origins` };
    }
  }
  if (host !== "" && editDistance(asked, host) <= 2) return { rank: 3, difference: "" };
  const site = host.split(".").slice(-2).join(".");
  return { rank: asked === site || asked.endsWith(`.${site}`) ? 4 : 5, difference: "" };
}

/** A refusal, for the log and the metrics. All texts have a bounded length. */
export interface RefusalEvent {
  readonly reason: RefusalReason;
  /** False for a request that was served, with a reply that the page cannot read. */
  readonly preflight: boolean;
  readonly origin: string;
  /** The method that the page wants to use. */
  readonly method: string;
  /** The header names that the page wants to send, in lower case; empty when they cannot be read. */
  readonly headers: readonly string[];
  /** Those that are not allowed. */
  readonly refusedHeaders: readonly string[];
  /** The allowed origin that was probably meant, when the origin is refused; computed when read. */
  readonly nearest: NearestOrigin | null;
  /** The probable cause, when the reason alone does not show it. */
  readonly hint: string | null;
}

const textLengthMax = 200;
const nameLengthMax = 64;
const namesMax = 20;

/** Describes a refusal for people. */
export function describeRefusal(policy: Policy, request: CorsRequest, decision: RefusedDecision): RefusalEvent {
  const { reason } = decision;
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

function hintFor(policy: Policy, request: CorsRequest, decision: RefusedDecision): string | null {
  const { reason } = decision;
  if (reason === "origin_not_allowed" && request.origin === "null") {
    return "sandboxed frames, local files and some redirects send the origin null";
  }
  const upper = shorten(request.requestMethod ?? "").toUpperCase();
  if (reason === "method_not_allowed" && policy.methods.has(upper)) {
    return `method names are case-sensitive; did you mean ${upper}`;
  }
  const misplaced = decision.refusedHeaders.find(isServerHeader);
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

/** Lines in a burst; then one per second. Strangers can cause these lines, so they must not fill a disk. */
const burst = 60;
const refillMilliseconds = 1_000;

/**
 * Makes the function that logs refusals. A refused preflight is logged at info, because a developer is probably waiting for
 * it; an unreadable reply at debug, because browsers send Origin with same-origin calls too. Each level has its own
 * allowance, and the first line after a pause says how many were left out.
 *
 * @param now milliseconds of a monotonic clock.
 */
export function createRefusalLog(now: () => number = () => performance.now()) {
  const preflights = createAllowance(now);
  const replies = createAllowance(now);
  return (log: FastifyBaseLogger, event: RefusalEvent): void => {
    if (!event.preflight && !isDebug(log)) return;
    const suppressed = (event.preflight ? preflights : replies)();
    if (suppressed === null) return;
    const { nearest } = event;
    const fields = { cors: { ...event, nearest, ...(suppressed > 0 && { suppressed }) } };
    if (event.preflight) log.info(fields, sentence("CORS preflight refused", event, nearest));
    else log.debug(fields, sentence("CORS reply unreadable for the page", event, nearest));
  };
}

/** A token bucket: each call takes one line and returns how many were refused since the last, or null if none is left. */
function createAllowance(now: () => number): () => number | null {
  let lines = burst;
  let refilled = now();
  let suppressed = 0;
  return () => {
    const earned = Math.floor((now() - refilled) / refillMilliseconds);
    refilled += earned * refillMilliseconds;
    lines = Math.min(burst, lines + earned);
    if (lines === 0) {
      suppressed++;
      return null;
    }
    lines--;
    const missed = suppressed;
    suppressed = 0;
    return missed;
  };
}

function isDebug(log: FastifyBaseLogger): boolean {
  return log.level === "debug" || log.level === "trace";
}

function sentence(what: string, event: RefusalEvent, nearest: RefusalEvent["nearest"]): string {
  const culprits = event.refusedHeaders.length > 0 ? ` (${event.refusedHeaders.join(", ")})` : "";
  const near = nearest === null ? "" : `; nearest allowed origin ${nearest.origin} ${nearest.difference}`;
  const hint = event.hint === null ? "" : `; ${event.hint}`;
  return `${what}: ${event.reason}${culprits}${near}${hint}`;
}
