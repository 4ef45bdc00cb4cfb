/**
 * How a browser fetches on behalf of a page, step by step: https://fetch.spec.whatwg.org/#main-fetch with mode "cors".
 *
 * A generator over plain values: it yields each request and receives its outcome, so that the same code judges a server on
 * the network, a policy in memory and a table in a test.
 */
import { trimValue } from "../names.ts";
import {
  findBarrier,
  getHeader,
  isOpenInChromiumAlone,
  splitReadable,
  type WireResponse,
  whyOnlyChromium,
} from "./checks.ts";
import { describeCookie, guessSite, isThirdParty, judgeCookie, type SiteOf } from "./cookies.ts";
import {
  type Conversation,
  type Diagnosis,
  type FetchRecord,
  fail,
  note,
  type Probe,
  type Reply,
} from "./diagnosis.ts";
import {
  actualRequest,
  checkCors,
  type FetchState,
  hasReadableLocation,
  hintForRedirect,
  isDowngrade,
  isLoginPage,
  isRedirect,
  locationOf,
  loginPage,
  readRedirect,
  type Suspicion,
  suspectLogin,
} from "./fetch-state.ts";
import { assumedPlace, type PagePlace, type PermissionState, placeOfOrigin } from "./local-network-access.ts";
import type { PageRequest } from "./page-request.ts";
import { preflightIfNeeded } from "./preflight.ts";
import { send } from "./sending.ts";

export interface FetchOptions {
  /** Stops before the actual request. Default: false. */
  readonly preflightOnly?: boolean;
  /** Follows the standard where browsers are less strict. Default: false. */
  readonly strict?: boolean;
  /** Where the page was loaded from. Default: what its origin shows, otherwise the internet. */
  readonly place?: PagePlace;
  /** The user's answer about the local network. Default: prompt. */
  readonly permission?: PermissionState;
  /** By the public suffix list. Default: a guess, so that the list need not be loaded. */
  readonly siteOf?: SiteOf;
}

/** Runs one fetch. It never throws. */
export function* fetchAlgorithm(page: PageRequest, options: FetchOptions = {}): Conversation<Diagnosis> {
  const { preflightOnly = false } = options;
  const record: FetchRecord = {
    steps: [],
    failure: null,
    preflightCache: null,
    preflighted: false,
    permissions: new Set(),
    cookies: [],
  };
  let state = start(record, page, options);
  let reply: Reply | null = null;
  while (reply === null) {
    if (!mayBeSent(record, state)) break;
    if (!(yield* preflightIfNeeded(record, state)) || preflightOnly) break;
    const request = actualRequest(state);
    const response = yield* send(record, state, request);
    if (response === null || !hasReadableLocation(record, state, request, response)) break;
    if (!checkReply(record, state, response)) break;
    checkCookies(record, state, response);
    if (!isRedirect(response)) reply = readReply(record, state, response);
    else {
      const next = follow(record, state, response);
      if (next === null) break;
      state = next;
    }
  }
  const { steps, failure, preflightCache, cookies } = record;
  const { crossOrigin, place, permission } = state;
  const permissions = [...record.permissions].map((name) => ({
    name,
    state: permission === "granted" ? ("granted" as const) : ("prompt" as const),
  }));
  const verdict = { page, allowed: failure === null, crossOrigin, steps, failure };
  return { ...verdict, preflightCache, reply, place, permissions, cookies };
}

function start(record: FetchRecord, page: PageRequest, options: FetchOptions): FetchState {
  const { strict = false, permission = "prompt", siteOf = guessSite } = options;
  const { place = placeOfOrigin(page.origin) ?? assumedPlace } = options;
  const crossOrigin = page.url.origin !== page.origin;
  const text = crossOrigin
    ? `The page is on ${page.origin} and the URL on ${page.url.origin}: CORS applies.`
    : `Page and URL share the origin ${page.origin}: no CORS check applies.`;
  note(record, "origin_compared", "passed", text);
  const { url, method, headers, body } = page;
  const sendsReferrer = !isDowngrade(page, url);
  const credentials = page.credentials === "include";
  const fresh = { redirectCount: 0, redirectedFrom: [], crossOrigin, taintedOrigin: false, sendsReferrer };
  return { page, place, permission, siteOf, credentials, strict, url, method, headers, body, ...fresh };
}

/** Checks mixed content and blocked ports, again after each redirect. */
function mayBeSent(record: FetchRecord, state: FetchState): boolean {
  const { page, url, strict } = state;
  const barrier = findBarrier(page, url, strict);
  const whyLocal = whyOnlyChromium(page, url);
  if (barrier?.code === "mixed_content") {
    note(record, "mixed_content", "failed", `An https page may not call ${url.href}, which is plain http.`);
  } else if (barrier?.code === "blocked_port") {
    note(record, "blocked_port", "failed", `Browsers refuse to call port ${url.port}.`);
  } else if (whyLocal !== null) {
    const text = `Chrome lets an https page call ${url.origin} over plain http, because ${whyLocal}; Firefox and Safari block it as mixed content.`;
    note(record, "mixed_content", "note", text);
  }
  if (barrier === null && isOpenInChromiumAlone(url)) {
    note(record, "blocked_port", "note", `Firefox and Safari refuse to call port ${url.port}; Chrome does not.`);
  }
  if (barrier !== null) fail(record, actualRequest(state), null, [barrier]);
  return barrier === null;
}

/** https://fetch.spec.whatwg.org/#http-fetch, step 4.4: for every response to an actual request, redirects included. */
function checkReply(record: FetchRecord, state: FetchState, response: WireResponse): boolean {
  if (!state.crossOrigin) return true;
  const findings = checkCors(record, state, response, suspectReply(record, state, response));
  fail(record, actualRequest(state), response, findings);
  if (findings.length > 0) return false;
  const allowOrigin = getHeader(response.headers, "access-control-allow-origin");
  const vary = (getHeader(response.headers, "vary") ?? "").toLowerCase().split(",").map(trimValue);
  if (allowOrigin !== "*" && !vary.includes("origin") && !vary.includes("*")) {
    const text =
      "Vary does not name Origin: a cache may give this reply to a page of another origin, which is then blocked.";
    note(record, "vary", "note", text);
  }
  return true;
}

/** Judges the cookies of a reply, which are used only in calls with credentials and within an origin. */
function checkCookies(record: FetchRecord, state: FetchState, { headers }: WireResponse): void {
  const { page, url, siteOf, credentials, crossOrigin } = state;
  const lines = headers.filter(([name]) => name.toLowerCase() === "set-cookie").map(([, value]) => value);
  if (crossOrigin && !credentials) {
    if (lines.length > 0) note(record, "cookie", "note", cookiesIgnored);
    return;
  }
  const source = { origin: page.origin, url, siteOf };
  if (isThirdParty(source) && record.steps.every(({ text }) => text !== thirdPartyCookies)) {
    note(record, "cookie", "note", thirdPartyCookies);
  }
  for (const line of lines) {
    const cookie = judgeCookie(line, source);
    record.cookies.push(cookie);
    note(record, "cookie", cookie.problems.length === 0 ? "passed" : "note", describeCookie(cookie));
  }
}

const cookiesIgnored =
  'The browser ignores the cookies of this reply, because the page sends no credentials (credentials: "include").';
const thirdPartyCookies =
  "Page and server are on different sites: only cookies with SameSite=None; Secure are stored and sent, as those of a third party. Safari blocks these, Firefox keeps them apart for each site, and Chrome blocks them in Incognito.";

/** The probable cause of a missing Allow-Origin in the reply to the actual request. */
function suspectReply({ preflighted }: FetchRecord, state: FetchState, response: WireResponse): Suspicion | null {
  const { status, headers } = response;
  if (isRedirect(response)) {
    const target = new URL(locationOf(headers), state.url);
    if (isLoginPage(state.url, target)) return loginPage;
    return { cause: "redirect", hint: `a redirect needs the header too; ${hintForRedirect(state.url, target)}` };
  }
  const login = suspectLogin(state);
  if (login !== null) return login;
  if (status >= 400) {
    const hint = preflighted
      ? `the preflight allowed this page: the problem is the ${status}, a reply without the header`
      : `this reply is an error, ${status}: perhaps only errors lack the header`;
    return { cause: "error", hint };
  }
  if (!preflighted) return null;
  const hint =
    "the preflight allowed this page: OPTIONS and the call are answered by different programs, and only the first knows CORS";
  return { cause: "preflight_elsewhere", hint };
}

/** @returns the state after the redirect, or null when it is not followed. */
function follow(record: FetchRecord, state: FetchState, response: WireResponse): FetchState | null {
  const redirect = readRedirect(state, new URL(locationOf(response.headers), state.url), response.status);
  if (redirect.refused !== null) {
    note(record, "redirect", "failed", `The redirect to ${redirect.refused.value} is not followed.`);
    fail(record, actualRequest(state), response, [redirect.refused]);
    return null;
  }
  const details = redirect.changes.length === 0 ? "" : `: ${redirect.changes.join("; ")}`;
  note(record, "redirect", "passed", `The redirect to ${redirect.state.url.href} is followed${details}.`);
  return redirect.state;
}

/** https://fetch.spec.whatwg.org/#concept-filtered-response-cors */
function readReply(record: FetchRecord, state: FetchState, { status, headers }: WireResponse): Reply {
  const { readable, hidden, malformed } = splitReadable(state.crossOrigin, state.credentials, headers);
  if (malformed !== null) {
    const text = `Access-Control-Expose-Headers exposes nothing, because ${JSON.stringify(malformed)} is not a header name.`;
    note(record, "exposed_headers", "note", text);
  }
  const names = readable.length === 0 ? "no headers" : `the headers ${readable.join(", ")}`;
  // Chromium passes the status to the page in 16 bits.
  const readStatus = status & 0xffff;
  note(record, "exposed_headers", "passed", `The page reads the status ${readStatus}, the body and ${names}.`);
  return { status: readStatus, readable, hidden };
}

/** Fetches as a browser would for the page, sending each request through the probe. */
export async function diagnose(page: PageRequest, probe: Probe, options: FetchOptions = {}): Promise<Diagnosis> {
  const conversation = fetchAlgorithm(page, options);
  let turn = conversation.next();
  while (!turn.done) turn = conversation.next(await probe(turn.value));
  return turn.value;
}
