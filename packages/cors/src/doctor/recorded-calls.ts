/**
 * Judges the calls between origins of a recorded session as {@link fetchAlgorithm} judges a server, with the recorded responses
 * as answers. Recordings leave things out: a call whose verdict depends on such a thing is `unknown`, with the reason.
 */

import { isToken } from "../names.ts";
import { spaceOfAddress, spaceOfHost } from "./address-spaces.ts";
import { isOfBrowser } from "./browser-headers.ts";
import { findUnsafeHeaders, getHeader, type Header, type WireResponse } from "./checks.ts";
import type { Diagnosis, Step, WireOutcome, WireRequest } from "./diagnosis.ts";
import { type FetchOptions, fetchAlgorithm } from "./fetch.ts";
import type { Har, HarEntry } from "./har.ts";
import { assumedPlace, type PagePlace, placeOfOrigin } from "./local-network-access.ts";
import { codesOfNetError } from "./net-errors.ts";
import { type PageRequest, placeholderFor } from "./page-request.ts";

/** The verdict on one call of a page, with its preflight and redirects. */
export interface JudgedCall {
  readonly verdict: "allowed" | "blocked" | "unknown";
  /** The indexes of its entries in `log.entries`, that of the call itself first. */
  readonly entries: readonly number[];
  readonly method: string;
  readonly url: string;
  /** The origin of the page; null if it is not recorded. */
  readonly origin: string | null;
  /** The recorded status of the last response; null for none. */
  readonly status: number | null;
  /** What the recording leaves out, and what follows from the rest; sentences for people. */
  readonly remarks: readonly string[];
  /** Null if the verdict is unknown. */
  readonly diagnosis: Diagnosis | null;
}

/** The verdicts on a recorded session. */
export interface HarReport {
  readonly calls: readonly JudgedCall[];
  /** Calls with equal failures, the first of each group explained by its diagnosis. */
  readonly failures: readonly (readonly JudgedCall[])[];
  /** Requests that need no permission: navigations, images and scripts without CORS, calls within an origin. */
  readonly othersCount: number;
}

/** Judges every call between origins. It never throws, and takes time in proportion to the number of entries. */
export function judgeHar(har: Har, options: FetchOptions = {}): HarReport {
  const session = new Session(har);
  const calls: JudgedCall[] = [];
  for (const entry of har.entries) {
    if (session.isUsed(entry) || isPreflight(entry) || !mayBeCall(entry)) continue;
    const call = judgeCall(session, entry, options);
    if (call !== null) calls.push(call);
  }
  // A browser does not send a call after a preflight that fails, and a proxy then sees the preflight alone.
  for (const entry of har.entries) {
    if (isPreflight(entry) && !session.isUsed(entry)) calls.push(judgePreflight(session, entry, options));
  }
  const judged = calls.reduce((sum, { entries }) => sum + entries.length, 0);
  return { calls, failures: groupFailures(calls), othersCount: har.entryCount - judged };
}

/** Calls fail equally if the same change would fix them. */
function groupFailures(calls: readonly JudgedCall[]): JudgedCall[][] {
  const groups = new Map<string, JudgedCall[]>();
  for (const call of calls) {
    const failure = call.diagnosis?.failure;
    if (failure == null) continue;
    const { code, stage, status, sentOrigin, url, findings } = failure;
    const server = URL.canParse(url) ? new URL(url).origin : url;
    const wrong = findings.map(({ code, cause, value, refused }) => [code, cause, value, refused]);
    const key = JSON.stringify([code, stage, status, sentOrigin, call.origin, server, wrong]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [call]);
    else group.push(call);
  }
  return [...groups.values()];
}

/** How long after the start of a call its preflight is looked for. */
const preflightMsMax = 10_000;

/** Times are rounded to milliseconds. */
const roundingMs = 2;

/** How many candidates are compared, so that many calls of one URL at once do not take quadratic time. */
const candidatesMax = 8;

/** The entries by what they can answer; each answers once. */
class Session {
  readonly byBrowser: boolean;
  readonly #used = new Set<HarEntry>();
  readonly #preflights = new Map<string, HarEntry[]>();
  readonly #requests = new Map<string, HarEntry[]>();
  /** The address of each origin's server. */
  readonly #addresses = new Map<string, string>();

  constructor({ byBrowser, entries }: Har) {
    this.byBrowser = byBrowser;
    // The queues are taken from their ends, so the latest entry comes first.
    for (const entry of entries.toReversed()) {
      const method = isPreflight(entry) ? (getHeader(entry.requestHeaders, requestMethod) ?? "") : entry.method;
      const queues = isPreflight(entry) ? this.#preflights : this.#requests;
      const key = keyOf(method, entry.url);
      const queue = queues.get(key);
      if (queue === undefined) queues.set(key, [entry]);
      else queue.push(entry);
      if (entry.serverAddress !== null) this.#addresses.set(entry.url.origin, entry.serverAddress);
    }
  }

  /** Where a page was loaded from: Local Network Access depends on it. */
  placeOf(origin: string): PagePlace {
    const address = this.#addresses.get(origin);
    const space = address === undefined ? null : spaceOfAddress(address);
    const recorded = space === null ? assumedPlace : { space, why: `its server is ${address} in the recording` };
    return placeOfOrigin(origin) ?? recorded;
  }

  isUsed(entry: HarEntry): boolean {
    return this.#used.has(entry);
  }

  use(entry: HarEntry): void {
    this.#used.add(entry);
  }

  /** The preflight for a call that ended at this time, if it is recorded: of several, one for the same headers. */
  takePreflight(method: string, url: URL, names: readonly string[] | null, endedAt: number): HarEntry | null {
    const queue = this.#trim(this.#preflights.get(keyOf(method, url)));
    const candidates = queue.slice(-candidatesMax).filter((entry) => {
      return !this.#used.has(entry) && entry.startedAt <= endedAt + roundingMs;
    });
    const fits = (entry: HarEntry) => names !== null && askedNames(entry).every((name) => names.includes(name));
    const found = candidates.findLast(fits) ?? candidates.at(-1) ?? null;
    if (found !== null) this.use(found);
    return found;
  }

  /** The next request to this URL, the target of a redirect. */
  takeRequest(method: string, url: URL): HarEntry | null {
    const found = this.#nextRequest(method, url);
    if (found !== null) this.use(found);
    return found;
  }

  /** The same, if the browser did not send it. */
  takeUnsent(method: string, url: URL): HarEntry | null {
    return this.#nextRequest(method, url)?.status === 0 ? this.takeRequest(method, url) : null;
  }

  #nextRequest(method: string, url: URL): HarEntry | null {
    return this.#trim(this.#requests.get(keyOf(method, url))).at(-1) ?? null;
  }

  #trim(queue: HarEntry[] = []): HarEntry[] {
    for (let last = queue.at(-1); last !== undefined && this.#used.has(last); last = queue.at(-1)) queue.pop();
    return queue;
  }
}

const requestMethod = "access-control-request-method";

function keyOf(method: string, url: URL): string {
  return `${method} ${url.href.split("#", 1)[0]}`;
}

function isPreflight({ method, requestHeaders }: HarEntry): boolean {
  return method === "OPTIONS" && getHeader(requestHeaders, requestMethod) !== null;
}

/** The names that a preflight asks for, in lower case. */
function askedNames({ requestHeaders }: HarEntry): string[] {
  const names = (getHeader(requestHeaders, "access-control-request-headers") ?? "").split(",");
  return names.map((name) => name.trim().toLowerCase()).filter((name) => name !== "");
}

const callTypes: ReadonlySet<string> = new Set(["fetch", "xhr", "eventsource", "font", "manifest"]);

/** Whether it can be a request in the mode "cors", or the start of a chain of redirects in that mode. */
function mayBeCall({ requestHeaders, resourceType, method, status }: HarEntry): boolean {
  // Proxies record WebSockets with the scheme https.
  if (status === 101) return false;
  const mode = getHeader(requestHeaders, "sec-fetch-mode");
  // Browsers send this header only to trustworthy URLs.
  if (mode !== null) return mode === "cors" || (mode === "no-cors" && isOfScript(resourceType));
  if (resourceType !== null && callTypes.has(resourceType)) return true;
  if (resourceType === "document" || resourceType === "websocket" || resourceType === "ping") return false;
  if (resourceType !== null) return method === "GET" && getHeader(requestHeaders, "origin") !== null;
  // A form that is submitted has an origin too.
  return !(getHeader(requestHeaders, "accept") ?? "").includes("text/html");
}

/** Whether `fetch` or XMLHttpRequest sent it. */
function isOfScript(resourceType: string | null): boolean {
  return resourceType === "fetch" || resourceType === "xhr";
}

/** @returns null for a call within an origin, and for one whose page is unknown and that nothing shows to be a call. */
function judgeCall(session: Session, entry: HarEntry, options: FetchOptions): JudgedCall | null {
  const { url, method, requestHeaders, resourceType } = entry;
  const ownNames = requestHeaders.map(([name]) => name.toLowerCase());
  const hasHead = getHeader(requestHeaders, "user-agent") !== null;
  // Firefox records no duration for a call that its preflight stopped.
  const endedAt = entry.status === 0 ? Math.max(entry.endedAt, entry.startedAt + preflightMsMax) : entry.endedAt;
  const preflight = session.takePreflight(method, url, hasHead ? ownNames : null, endedAt);
  const origin = originOf(entry, preflight);
  const part = { entries: [entry, ...(preflight === null ? [] : [preflight])], method, url, origin };
  if (getHeader(requestHeaders, "sec-fetch-mode") === "no-cors") {
    if (origin === url.origin) return null;
    session.use(entry);
    return unknown(part, entry, [opaque]);
  }
  const isAsked =
    getHeader(requestHeaders, "origin") !== null || preflight !== null || callTypes.has(resourceType ?? "");
  if (origin === null) {
    if (!isAsked) return null;
    session.use(entry);
    return unknown(part, entry, [
      "The recording does not say which page called: it has no Origin or Referer header and no page.",
    ]);
  }
  // A call within an origin may be redirected to another one. Without further marks, any request may be an image.
  if (origin === url.origin ? !isRedirectTo(entry, origin) : !isAsked && entry.status > 0) return null;
  session.use(entry);
  const headers = headersOfPage(requestHeaders, preflight);
  const page = { url, origin, method, headers, body: null };
  return judge(session, { page, first: entry, preflight, options });
}

/** A preflight whose call is not recorded. */
function judgePreflight(session: Session, preflight: HarEntry, options: FetchOptions): JudgedCall {
  session.use(preflight);
  const { url } = preflight;
  const method = getHeader(preflight.requestHeaders, requestMethod) ?? "";
  const origin = originOf(preflight, null);
  if (origin === null) {
    const part = { entries: [preflight], method, url, origin };
    return unknown(part, preflight, [
      "The recording does not say which page called: the preflight has no Origin header.",
    ]);
  }
  const page = { url, origin, method, headers: headersOfPage([], preflight), body: null };
  return judge(session, { page, first: null, preflight, options });
}

function isRedirectTo({ status, responseHeaders, url }: HarEntry, origin: string): boolean {
  const location = getHeader(responseHeaders, "location");
  if (status < 300 || status > 399 || location === null || !URL.canParse(location, url.href)) return false;
  return new URL(location, url).origin !== origin;
}

/** The most reliable record first. Chrome's record of a call that was never sent has no Origin header. */
function originOf({ requestHeaders, pageUrl }: HarEntry, preflight: HarEntry | null): string | null {
  const sent = getHeader(requestHeaders, "origin") ?? getHeader(preflight?.requestHeaders ?? [], "origin");
  if (sent !== null && (sent === "null" || URL.canParse(sent))) return sent;
  for (const url of [getHeader(requestHeaders, "referer"), pageUrl]) {
    if (url !== null && URL.canParse(url)) return new URL(url).origin;
  }
  return null;
}

/**
 * The headers that the page set. If a preflight is recorded, it names those that need permission; the recording may lack
 * them, since Chrome leaves out authorization by default.
 */
function headersOfPage(recorded: readonly Header[], preflight: HarEntry | null): Header[] {
  const asked = preflight === null ? null : askedNames(preflight);
  const headers = new Map<string, string>();
  for (const [name, value] of recorded) {
    const lower = name.toLowerCase();
    if (isToken(lower) && (asked?.includes(lower) || !isOfBrowser(lower))) headers.set(lower, value);
  }
  for (const name of asked ?? []) if (!headers.has(name)) headers.set(name, placeholderFor(name));
  if (asked === null) return [...headers];
  const unasked = new Set(findUnsafeHeaders([...headers], false).map(({ name }) => name));
  for (const name of asked) unasked.delete(name);
  return [...headers].filter(([name]) => !unasked.has(name));
}

interface Recorded {
  readonly page: Omit<PageRequest, "credentials">;
  /** The entry of the call itself; null if it is not recorded. */
  readonly first: HarEntry | null;
  readonly preflight: HarEntry | null;
  readonly options: FetchOptions;
}

/** Whether the page sends credentials is not recorded unless there are cookies, so both are tried. */
function judge(session: Session, recorded: Recorded): JudgedCall {
  const replayed = new Replay(session, recorded);
  const hasCookies = recorded.first?.hasCookies === true;
  const plain = hasCookies ? null : replayed.run("same-origin");
  const withCredentials = replayed.run("include");
  const first = plain ?? withCredentials;
  return first === withCredentials || verdictOf(first) === verdictOf(withCredentials)
    ? replayed.conclude(first, [])
    : replayed.choose(first, withCredentials);
}

/** The end of a replay: a diagnosis, or what is missing to reach one. */
type End = { readonly diagnosis: Diagnosis } | Missing;

interface Missing {
  /** A sentence for people. */
  readonly missing: string;
}

function verdictOf(end: End): JudgedCall["verdict"] {
  if ("missing" in end) return "unknown";
  return end.diagnosis.allowed ? "allowed" : "blocked";
}

/** Answers the requests of the algorithm from the recording, in each run by the same entries. */
class Replay {
  readonly #session: Session;
  readonly #recorded: Recorded;
  /** The entries of each hop of the redirects; null for one that is not recorded. */
  readonly #found = new Map<string, HarEntry | null>();
  /** Answers of preflights that are not recorded, but must have passed. */
  readonly #deduced = new Set<WireResponse>();
  /** The entry of the last hop that was reached. */
  #last: HarEntry | null;
  #lastHop = 0;

  constructor(session: Session, recorded: Recorded) {
    this.#session = session;
    this.#recorded = recorded;
    this.#last = recorded.first;
    this.#found.set(keyOfHop("request", 0), recorded.first);
    this.#found.set(keyOfHop("preflight", 0), recorded.preflight);
  }

  run(credentials: PageRequest["credentials"]): End {
    const { page, options } = this.#recorded;
    const place = options.place ?? this.#session.placeOf(page.origin);
    const conversation = fetchAlgorithm({ ...page, credentials }, { ...options, place });
    let hop = 0;
    let turn = conversation.next();
    while (!turn.done) {
      const request = turn.value;
      const answer = request.kind === "preflight" ? this.#answerPreflight(request, hop) : this.#answer(request, hop);
      if ("missing" in answer) return answer;
      if (request.kind === "request") hop += 1;
      // Where nothing shows where the page is, the recorded response shows that the browser was allowed to connect.
      turn = conversation.next(place === assumedPlace ? withoutAddress(answer) : answer);
    }
    return { diagnosis: turn.value };
  }

  /** The two ways to send the call have different verdicts: what the browser did decides. */
  choose(plain: End, withCredentials: End): JudgedCall {
    const outcome = this.#outcomeInBrowser();
    if (outcome === "passed" || this.#wasSentWithout(withCredentials)) return this.conclude(plain, []);
    if (outcome === "blocked" && (verdictOf(plain) === "allowed" || this.#wasHeldBack()))
      return this.conclude(withCredentials, [failedWithCredentials]);
    return this.conclude("missing" in plain ? plain : { missing: unknownCredentials }, []);
  }

  conclude(end: End, remarks: readonly string[]): JudgedCall {
    const { page, first, preflight } = this.#recorded;
    const followed = [...this.#found.values()].filter((entry) => entry !== first && entry !== preflight);
    const entries = [first, preflight, ...followed, this.#takeBlockedTarget(end)].filter((entry) => entry !== null);
    const part = { entries, method: page.method, url: page.url, origin: page.origin };
    const said = this.#deduced.size === 0 ? [...remarks] : [deducedPreflight, ...remarks];
    if ("missing" in end) return unknown(part, this.#last, [...said, end.missing, ...this.#suspectLocalNetwork()]);
    const outcome = this.#outcomeInBrowser();
    if (end.diagnosis.allowed && (outcome === "blocked" || outcome === "failed")) {
      return unknown(part, this.#last, [...said, this.#unexplained()]);
    }
    if (!end.diagnosis.allowed && outcome === "passed") said.push(notBlocked);
    const diagnosis = this.#withoutDeduced(end.diagnosis);
    return { ...describe(part, this.#last), verdict: verdictOf(end), remarks: said, diagnosis };
  }

  /** Chrome records nothing of a call that it may not send into the local network. */
  #suspectLocalNetwork(): string[] {
    const { page, options } = this.#recorded;
    const place = options.place ?? this.#session.placeOf(page.origin);
    const target = spaceOfHost(page.url.hostname);
    if (
      this.#last === null ||
      this.#last.status > 0 ||
      place.space !== "public" ||
      target === null ||
      target === "public"
    )
      return [];
    return [
      "The page is from the internet and the server is not: Local Network Access can be the reason, which a live check judges.",
    ];
  }

  /** Chrome also records the target of a redirect that it did not call. */
  #takeBlockedTarget(end: End): HarEntry | null {
    const failure = "missing" in end ? null : end.diagnosis.failure;
    const { page } = this.#recorded;
    if (failure === null || failure.url === page.url.href || !URL.canParse(failure.url)) return null;
    const url = new URL(failure.url);
    return this.#session.takeUnsent(page.method, url) ?? this.#session.takeUnsent("GET", url);
  }

  /** The preflight would have stopped a call with credentials, and the browser sent the call. */
  #wasSentWithout(withCredentials: End): boolean {
    const failure = "missing" in withCredentials ? null : withCredentials.diagnosis.failure;
    const { first, preflight, page } = this.#recorded;
    const isOfFirst = failure?.stage === "preflight" && failure.url === page.url.href;
    return isOfFirst && preflight !== null && first !== null && first.status > 0 && this.#session.byBrowser;
  }

  /** After a recorded preflight, Chrome records a call that it did not send with the headers of the page alone. */
  #wasHeldBack(): boolean {
    const { first, preflight } = this.#recorded;
    return (
      preflight !== null &&
      this.#last === first &&
      first?.status === 0 &&
      getHeader(first.requestHeaders, "origin") === null
    );
  }

  #unexplained(): string {
    const error = this.#last?.error ?? "";
    const cause = errorCauses.find(([pattern]) => pattern.test(error))?.[1] ?? "CORS is not the reason";
    return `The recorded replies allow the call, but it failed in the browser (${error}): ${cause}.`;
  }

  /** What the browser made of the call: `blocked` is what it records for CORS; null if it is not recorded. */
  #outcomeInBrowser(): "passed" | "blocked" | "failed" | null {
    const last = this.#last;
    if (last === null) return null;
    const { error, succeeded, status } = last;
    if (error === null) return succeeded && status > 0 && this.#session.byBrowser ? "passed" : null;
    // A page may cancel a call that it was allowed to make.
    if (/ABORTED|cancel/i.test(error)) return null;
    if (/BLOCKED|PRIVATE_NETWORK/.test(error)) return "failed";
    if (!error.startsWith("net::") || error === "net::ERR_FAILED") return "blocked";
    // The rest of Chromium's errors come from the network. CORS is checked before the body, and all redirects before.
    return status > 0 ? "passed" : "failed";
  }

  #answerPreflight(request: WireRequest, hop: number): WireOutcome | Missing {
    const entry = this.#find(request, hop);
    if (entry !== null) return outcomeOf(entry, "preflight");
    const call = this.#find({ ...request, kind: "request", method: methodAsked(request) }, hop);
    if (call === null || call.status === 0 || !this.#session.byBrowser) {
      const failed = call?.error == null ? "" : ` The call failed in the browser (${call.error}).`;
      return { missing: `${hiddenPreflight}${failed}` };
    }
    const response = passingAnswer(request);
    this.#deduced.add(response);
    return { response };
  }

  #answer(request: WireRequest, hop: number): WireOutcome | Missing {
    const entry = this.#find(request, hop);
    if (entry === null) {
      const missing =
        hop === 0 ? hiddenCall : `The redirect to ${request.url.href} is followed, but its target is not recorded.`;
      return { missing };
    }
    if (hop >= this.#lastHop) {
      this.#last = entry;
      this.#lastHop = hop;
    }
    return isRevalidation(entry, this.#recorded.preflight) ? { missing: hiddenCache } : outcomeOf(entry, "call");
  }

  #find(request: WireRequest, hop: number): HarEntry | null {
    const { kind, method, url } = request;
    const key = keyOfHop(kind, hop);
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const found =
      kind === "preflight"
        ? this.#session.takePreflight(methodAsked(request), url, null, Number.POSITIVE_INFINITY)
        : this.#session.takeRequest(method, url);
    this.#found.set(key, found);
    return found;
  }

  /** Puts a note in the place of the checks of a preflight that is not recorded. */
  #withoutDeduced(diagnosis: Diagnosis): Diagnosis {
    if (this.#deduced.size === 0) return diagnosis;
    let isDeduced = false;
    const steps = diagnosis.steps.flatMap((step): Step[] => {
      const response = step.exchange?.response ?? null;
      const begins = response !== null && this.#deduced.has(response);
      isDeduced = begins || (isDeduced && step.name !== "request_sent");
      if (begins) return [{ ...step, result: "note", text: deducedPreflight, exchange: null }];
      return isDeduced ? [] : [step];
    });
    return { ...diagnosis, steps, preflightCache: null };
  }
}

/** Whether the browser asked for its own cache: it judges the cached response, with the headers of the 304 added. */
function isRevalidation({ status, requestHeaders, responseHeaders }: HarEntry, preflight: HarEntry | null): boolean {
  if (status !== 304 || getHeader(responseHeaders, "access-control-allow-origin") !== null) return false;
  const asked = preflight === null ? [] : askedNames(preflight);
  return ["if-none-match", "if-modified-since"].some((name) => {
    return getHeader(requestHeaders, name) !== null && !asked.includes(name);
  });
}

function keyOfHop(kind: WireRequest["kind"], hop: number): string {
  return `${kind} ${hop}`;
}

function methodAsked({ headers }: Pick<WireRequest, "headers">): string {
  return getHeader(headers, requestMethod) ?? "";
}

/** The answer that allows whatever a preflight asks. */
function passingAnswer({ headers, origin }: WireRequest): WireResponse {
  const names = getHeader(headers, "access-control-request-headers") ?? "";
  return {
    status: 204,
    headers: [
      ["access-control-allow-origin", origin ?? "*"],
      ["access-control-allow-credentials", "true"],
      ["access-control-allow-methods", methodAsked({ headers })],
      ["access-control-allow-headers", names],
    ],
  };
}

function outcomeOf(entry: HarEntry, name: "preflight" | "call"): WireOutcome | Missing {
  const { status, responseHeaders, error, serverAddress } = entry;
  const address = serverAddress === null ? {} : { address: serverAddress.replace(/^\[|\]$/g, "") };
  if (status > 0) return { response: { status, headers: responseHeaders }, ...address };
  const [code] = codesOfNetError(error ?? "");
  if (code !== undefined) return { noResponse: { code, detail: `the browser recorded ${error}`, chrome: error ?? "" } };
  const recorded = error === null ? "" : `, only the error ${error}`;
  return { missing: `The recording has no response to the ${name}${recorded}: it is hidden, or none came.` };
}

function withoutAddress({ address: _, ...outcome }: WireOutcome): WireOutcome {
  return outcome;
}

/** Why a browser fails a call that CORS allows. */
const errorCauses: readonly (readonly [RegExp, string])[] = [
  [/ERR_BLOCKED_BY_CLIENT/, "an extension blocked it"],
  [/ERR_BLOCKED_BY_RESPONSE/, "Cross-Origin-Resource-Policy, or another header of the reply, forbids it"],
  [/ERR_BLOCKED_BY_CSP|csp/i, "the Content-Security-Policy of the page forbids it"],
  [/LOCAL_NETWORK_ACCESS|PRIVATE_NETWORK/, "the user must allow access to the local network"],
  [
    /^net::ERR_FAILED/,
    "a Content-Security-Policy, an extension or Local Network Access can be the reason; the console says which",
  ],
];

const opaque =
  "The page asked with the mode no-cors: no CORS check applies, and the page can read nothing of the reply.";
const failedWithCredentials =
  "The browser blocked the call. This reply blocks only a call with credentials, so the page sends them (withCredentials).";
const unknownCredentials =
  "The recording does not say whether the page sends credentials (withCredentials): without them the reply allows the call, with them it is blocked.";
const deducedPreflight =
  "The preflight is not recorded. It passed, perhaps from the cache, because the browser sent the call.";
const hiddenPreflight =
  "The preflight is not recorded, so it is unknown whether it passed: record with the browser's developer tools, or check the server live.";
const notBlocked =
  "The browser that recorded did not block it: perhaps it has other rules than Chrome today, or its web security was off.";
const hiddenCache =
  "The response is 304: the browser judges the response in its cache, which is not recorded. Record with the cache disabled.";
const hiddenCall = "The preflight allows the call, but the call itself is not recorded.";

interface Part {
  readonly entries: readonly HarEntry[];
  readonly method: string;
  readonly url: URL;
  readonly origin: string | null;
}

function unknown(part: Part, last: HarEntry | null, remarks: readonly string[]): JudgedCall {
  return { ...describe(part, last), verdict: "unknown", remarks, diagnosis: null };
}

function describe({ entries, method, url, origin }: Part, last: HarEntry | null) {
  const status = last === null || last.status === 0 ? null : last.status;
  return { entries: entries.map(({ index }) => index), method, url: url.href, origin, status };
}
