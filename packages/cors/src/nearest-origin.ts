import { allowsOrigin } from "./decide.ts";
import { editDistance } from "./edit-distance.ts";
import { isLoopback } from "./host.ts";
import type { OriginPattern } from "./origins.ts";
import { covers, splitOrigin } from "./origins.ts";
import type { Policy } from "./policy.ts";

/** The allowed origin that a refused one was probably meant to be. */
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

/** Longer values are no slip of anyone's, and the search must stay cheap. */
const originLengthMax = 300;
const candidatesMax = 1_000;

/**
 * Finds the allowed origin that is nearest to one that is refused, and says how the two differ.
 *
 * @returns null when `origin` is no origin (null, garbage) or when none is listed.
 */
export function nearestOrigin(policy: Policy, origin: string): NearestOrigin | null {
  if (origin.length > originLengthMax) return null;
  const written = asBrowsersWrite(origin);
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

function asBrowsersWrite(origin: string): string | null {
  try {
    return new URL(origin).origin;
  } catch {
    return null;
  }
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

/** Rank 0 is the same host; the higher, the less likely a slip. */
function compareHosts(asked: string, candidate: OriginPattern): Difference {
  const { host, subdomains } = candidate;
  if (subdomains) {
    if (asked.endsWith(`.${host}`)) return { rank: 0, difference: "" };
    if (asked === host) return { rank: 2, difference: `*.${host} covers subdomains, not ${host} itself` };
  } else {
    if (asked === host) return { rank: 0, difference: "" };
    if (isLoopback(asked) && isLoopback(host)) {
      return { rank: 1, difference: `${host} and ${asked} are different origins` };
    }
    if (asked === `www.${host}` || host === `www.${asked}`) {
      return { rank: 2, difference: `${host} and ${asked} are different origins` };
    }
  }
  if (editDistance(asked, host) <= 2) return { rank: 3, difference: "" };
  const site = host.split(".").slice(-2).join(".");
  return { rank: asked === site || asked.endsWith(`.${site}`) ? 4 : 5, difference: "" };
}
