/** The preflight: whether there is one, what it asks, and whether its answer lets the page continue. */

import { safelistedMethods } from "../names.ts";
import {
  checkAllowLists,
  checkAllowOrigin,
  checkPreflightStatus,
  describeCache,
  type Finding,
  finding,
  findUnsafeHeaders,
  type Header,
  hasCorsHeaders,
  isAuthorizationByWildcard,
  readPreflightCache,
  type WireResponse,
} from "./checks.ts";
import type { WireRequest } from "./diagnosis.ts";
import { type Conversation, type FetchRecord, fail, judge, note, show } from "./diagnosis.ts";
import {
  checkCors,
  commonParts,
  type FetchState,
  hasReadableLocation,
  hintForRedirect,
  isLoginPage,
  isRedirect,
  locationOf,
  originOf,
  suspectLogin,
} from "./fetch-state.ts";
import { send } from "./sending.ts";

/** @returns whether the actual request may be sent. */
export function* preflightIfNeeded(record: FetchRecord, state: FetchState): Conversation<boolean> {
  const { strict } = state;
  record.preflighted = false;
  if (!state.crossOrigin) return true;
  const unsafe = findUnsafeHeaders(state.headers, strict);
  const names = unsafe.map(({ name }) => name);
  const reasons = unsafe.map(({ why }) => why);
  // https://fetch.spec.whatwg.org/#http-fetch, step 4.2
  if (!safelistedMethods.has(state.method)) reasons.unshift(`the method ${state.method} is not GET, HEAD or POST`);
  const hints = strict ? [] : findUnsafeHeaders(state.headers, true).filter(({ name }) => !names.includes(name));
  if (hints.length > 0) {
    const listed = hints.map(({ name }) => name).join(", ");
    const text = `By the standard ${listed} needs a preflight, and Firefox and Safari send one; Chrome does not.`;
    note(record, "preflight_decided", "note", text);
  }
  if (reasons.length === 0) {
    const text = "A simple request: a form could send its method and headers, so there is no preflight.";
    note(record, "preflight_decided", "passed", text);
    return true;
  }
  note(record, "preflight_decided", "passed", `A preflight comes first: ${reasons.join("; ")}.`);
  const request = preflightRequest(state, names);
  const response = yield* send(record, state, request);
  if (response === null || !hasReadableLocation(record, state, request, response)) return false;
  const findings = isRedirect(response)
    ? findRedirect(record, state, response)
    : checkPreflight(record, state, names, response);
  fail(record, request, response, findings);
  if (findings.length > 0) return false;
  record.preflighted = true;
  record.preflightCache = readPreflightCache(response.headers);
  note(record, "max_age", "passed", describeCache(record.preflightCache));
  return true;
}

/** https://fetch.spec.whatwg.org/#cors-preflight-fetch, steps 1 to 6 */
function preflightRequest(state: FetchState, names: readonly string[]): WireRequest {
  const headers: Header[] = [["access-control-request-method", state.method]];
  if (names.length > 0) headers.push(["access-control-request-headers", names.join(",")]);
  const { url } = state;
  const origin = originOf(state);
  return { url, method: "OPTIONS", headers, body: null, origin, ...commonParts(state, "preflight") };
}

/** Chromium checks nothing else then. Firefox checks Allow-Origin first, so that is a finding too. */
function findRedirect(record: FetchRecord, state: FetchState, { headers }: WireResponse): Finding[] {
  const location = locationOf(headers);
  note(record, "preflight_redirect", "failed", `The preflight is redirected to ${location}; browsers do not follow.`);
  const target = new URL(location, state.url);
  const isLogin = isLoginPage(state.url, target);
  const redirected: Finding = {
    ...finding("preflight_redirect", location, isLogin ? loginBeforePreflight : hintForRedirect(state.url, target)),
    cause: isLogin ? "login_before_preflight" : null,
  };
  const badOrigin = checkAllowOrigin({ origin: originOf(state), credentials: state.credentials }, headers);
  return badOrigin === null ? [redirected] : [redirected, badOrigin];
}

const loginBeforePreflight =
  "a login in front of the API refuses the preflight, which never has a token or a cookie: let OPTIONS pass";

/** https://fetch.spec.whatwg.org/#cors-preflight-fetch, step 7: checked completely, to report all mistakes at once. */
function checkPreflight(
  record: FetchRecord,
  state: FetchState,
  names: readonly string[],
  response: WireResponse,
): Finding[] {
  const { status, headers } = response;
  const findings = checkCors(record, state, response, suspectLogin(state));

  // A server that sends no CORS header at all does not know this origin, or nothing of CORS. The rest follows from that.
  const fault = hasCorsHeaders(headers) ? "failed" : "note";
  const badStatus = checkPreflightStatus(status);
  findings.push(
    ...judge(record, "preflight_status", badStatus, `The status is ${status}`, "it must be 200 to 299", fault),
  );

  const lists = checkAllowLists(state, names, headers);
  const methods = show(headers, "Access-Control-Allow-Methods");
  const methodRule = safelistedMethods.has(state.method)
    ? `${state.method} needs no permission`
    : `it must contain ${state.method}`;
  judge(record, "allow_methods", lists.methods, methods, methodRule, fault);
  const listed = show(headers, "Access-Control-Allow-Headers");
  const headerRule = names.length === 0 ? "no header needs permission" : `it must contain ${names.join(", ")}`;
  judge(record, "allow_headers", lists.headers, listed, headerRule, fault);
  if (lists.headers === null && isAuthorizationByWildcard(names, headers)) {
    const text = "By the standard, * does not cover authorization. Browsers still accept it, but list it by name.";
    note(record, "allow_headers", "note", text);
  }
  return [...findings, ...lists.inOrder];
}
