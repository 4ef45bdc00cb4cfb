import { wordSet } from "../names.ts";
import {
  checkAllowCredentials,
  checkAllowOrigin,
  type Finding,
  finding,
  type Header,
  hasCorsHeaders,
  needsPreflight,
  type WireResponse,
} from "./checks.ts";
import type { SiteOf } from "./cookies.ts";
import { type FetchRecord, fail, judge, note, show, type WireRequest } from "./diagnosis.ts";
import { blockedSpaces, type Caller } from "./local-network-access.ts";
import type { PageRequest } from "./page-request.ts";

/** Where a redirect leads, or why it is not followed. */
export type Redirect =
  | { readonly refused: Finding }
  | {
      readonly refused: null;
      readonly state: FetchState;
      /** What else changes, for people. */
      readonly changes: readonly string[];
    };

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const redirectsMax = 20;

/** https://fetch.spec.whatwg.org/#request-body-header-name */
const bodyHeaders = wordSet("content-encoding content-language content-location content-type");

/**
 * A redirect status without Location is an ordinary response. So is one with an empty Location in Chromium.
 * https://fetch.spec.whatwg.org/#concept-response-location-url
 */
export function isRedirect({ status, headers }: WireResponse): boolean {
  return redirectStatuses.has(status) && locationOf(headers) !== "";
}

/**
 * The value of Location. It is not a list: a second line can only repeat the first. Bytes beyond ASCII are kept as they are,
 * because their encoding is unknown.
 */
export function locationOf(headers: readonly Header[]): string {
  const [, value = ""] = headers.find(([name]) => name.toLowerCase() === "location") ?? [];
  return value.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** https://fetch.spec.whatwg.org/#http-redirect-fetch */
export function readRedirect(state: FetchState, target: URL, status: number): Redirect {
  const { page } = state;
  const url = new URL(target);
  // https://fetch.spec.whatwg.org/#concept-response-location-url, step 3
  if (url.hash === "") url.hash = state.url.hash;
  const toGet =
    ((status === 301 || status === 302) && state.method === "POST") ||
    (status === 303 && state.method !== "GET" && state.method !== "HEAD");
  const method = toGet ? "GET" : state.method;
  const changesOrigin = url.origin !== state.url.origin;
  const headers = state.headers.filter(([name]) => {
    if (toGet && bodyHeaders.has(name)) return false;
    if (clientHints.has(name)) return url.origin === page.origin;
    return !changesOrigin || name !== "authorization";
  });
  const crossOrigin = state.crossOrigin || url.origin !== page.origin;
  // Chromium starts a new request then, because its network stack would send the wrong Origin header.
  const restarts = crossOrigin && (!state.crossOrigin || toGet || needsPreflight(method, headers, false));
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return { refused: { ...finding("redirect_scheme", url.href), chrome: chromeOfScheme(url, restarts) } };
  }
  if (state.redirectCount >= redirectsMax) return { refused: finding("redirect_count", url.href) };
  if (url.username !== "" || url.password !== "") {
    // The standard follows within an origin; Chromium does not, and prints nothing.
    const chrome = changesOrigin || crossOrigin ? null : "";
    return { refused: { ...finding("redirect_credentials", url.href), chrome } };
  }
  const taintedOrigin = state.taintedOrigin || (changesOrigin && state.url.origin !== page.origin);
  const dropsAuthorization = changesOrigin && state.headers.some(([name]) => name === "authorization");
  const changes: string[] = [];
  if (toGet) changes.push(`${state.method} becomes GET without a body`);
  if (dropsAuthorization) changes.push("authorization is dropped, because the origin changes");
  if (crossOrigin && !state.crossOrigin) changes.push("CORS applies from now on");
  if (taintedOrigin && !state.taintedOrigin) changes.push("the Origin header becomes null");
  const next: FetchState = {
    ...state,
    url,
    method,
    headers,
    body: toGet ? null : state.body,
    redirectCount: state.redirectCount + 1,
    redirectedFrom: restarts ? [] : [...state.redirectedFrom, state.url],
    sendsReferrer: state.sendsReferrer && !isDowngrade(page, url),
    crossOrigin,
    taintedOrigin,
  };
  return { refused: null, state: next, changes };
}

/** https://w3c.github.io/webappsec-referrer-policy/: the default policy hides the page's address from plain http. */
export function isDowngrade({ origin }: PageRequest, { protocol }: URL): boolean {
  return origin.startsWith("https:") && protocol === "http:";
}

/** Chromium treats these as its own headers and sends them only to the page's origin; it sends save-data everywhere. */
const clientHints = wordSet("device-memory downlink dpr ect rtt viewport-width width");

/** Schemes to which Chromium follows no redirect. For all others it prints the line of a call between origins. */
const unsafeSchemes = wordSet("about: blob: chrome-untrusted: chrome: data: devtools: file: filesystem:");

/** What Chrome prints for a redirect to this scheme; null for the usual line. */
function chromeOfScheme({ protocol, href }: URL, restarts: boolean): string | null {
  if (protocol === "view-source:") return `Not allowed to load local resource: ${href}`;
  if (unsafeSchemes.has(protocol)) return "net::ERR_UNSAFE_REDIRECT";
  return (protocol === "ws:" || protocol === "wss:") && !restarts ? "net::ERR_UNKNOWN_URL_SCHEME" : null;
}

/** Why a request is probably redirected, if not to a login; for people. */
export function hintForRedirect(url: URL, target: URL): string {
  const samePath = url.pathname === target.pathname && url.search === target.search;
  if (url.hostname === target.hostname && samePath && url.protocol !== target.protocol) {
    return target.protocol === "https:"
      ? "the server upgrades to https: call that URL"
      : "the server does not know that clients use https, perhaps behind a proxy that ends TLS: configure it so";
  }
  if (`${url.pathname}/` === target.pathname || url.pathname === `${target.pathname}/`) {
    return "only the trailing slash differs: call the URL in the server's form";
  }
  return "call the redirect's target";
}

const loginWords = wordSet(`
  2fa adfs auth auth0 authenticate authentication authn authorize cas cloudflareaccess iap idp login logon logout mfa
  oauth oauth2 oidc okta openid saml saml2 signin signon sso unauthenticated unauthorized wayf websso
`);

/** Labels of hosts where people sign in; in a path these words have other meanings. */
const loginHosts = wordSet("account accounts appleid clerk duosecurity id identity passport");

const titleWordsMin = 3;

/** Parameters of login protocols: OAuth 2, OpenID Connect, SAML, WS-Federation. */
const protocolParameters = wordSet("client_id relaystate response_type samlrequest wtrealm");

/** Parameters for the page to return to after a login. */
const returnParameter = /(?:redirect|return|continue|service|target)(?:_?(?:to|uri|url))?$|^(?:back|goto|next|rd|url)$/;

/** Whether a redirect leads to a page where people sign in. */
export function isLoginPage(from: URL, target: URL): boolean {
  const added = [...target.searchParams].filter(([name]) => !from.searchParams.has(name));
  if (added.some(([name, value]) => isLoginParameter(name.toLowerCase(), value))) return true;
  const known = new Set(wordsOf(from));
  const keepsPath = from.pathname === target.pathname && from.search === target.search;
  const isNew = (word: string) => !known.has(word);
  if (!keepsPath && target.hostname.split(".").some((label) => loginHosts.has(label) && isNew(label))) return true;
  // The path of the form in Rails.
  if (/\/sessions?\/new$/.test(target.pathname) && isNew("new")) return true;
  return wordsOf(target).some((word) => isLoginWord(word) && isNew(word));
}

/** The page to return to is a path or a URL. In a list, the same names have numbers. */
function isLoginParameter(name: string, value: string): boolean {
  return protocolParameters.has(name) || (returnParameter.test(name) && value.includes("/"));
}

function isLoginWord(word: string): boolean {
  return loginWords.has(word) || /(?:log|sign)(?:in|on)(?:form|page)?$/.test(word);
}

/**
 * The words of host, path, fragment and parameter names, in lower case; sign-in and log_in are one word. Segments of many
 * words are left out, because they are titles, such as that of an article about logins.
 */
function wordsOf({ hostname, pathname, hash, searchParams }: URL): string[] {
  const segments = [...hostname.split("."), ...pathname.split("/"), ...hash.split("/"), ...searchParams.keys()];
  return segments.flatMap((segment) => {
    const text = segment.toLowerCase().replace(/\.[a-z]+$/, "");
    const joined = text.replace(/(?<![a-z])(log|sign)[-_](in|on)(?![a-z])/g, "$1$2");
    const words = joined.split(/[^a-z\d]+/).filter((word) => word !== "");
    return words.length < titleWordsMin ? words : [];
  });
}

/** The state of a fetch; each redirect makes a new one. */
export interface FetchState extends Caller {
  /** Whether the page sends cookies. */
  readonly credentials: boolean;
  readonly siteOf: SiteOf;
  /** Whether to follow the standard where browsers are less strict. */
  readonly strict: boolean;
  readonly url: URL;
  readonly method: string;
  readonly headers: readonly Header[];
  readonly body: string | null;
  readonly redirectCount: number;
  /** As in the request. */
  readonly redirectedFrom: readonly URL[];
  /** As in the request. */
  readonly sendsReferrer: boolean;
  /** https://fetch.spec.whatwg.org/#concept-request-response-tainting is "cors": it never changes back. */
  readonly crossOrigin: boolean;
  /** https://fetch.spec.whatwg.org/#concept-request-tainted-origin */
  readonly taintedOrigin: boolean;
}

/** What preflight and request have in common besides the URL. */
export function commonParts(state: FetchState, kind: "preflight" | "request") {
  const { page, url, redirectedFrom, sendsReferrer } = state;
  return {
    kind,
    pageOrigin: page.origin,
    redirectedFrom,
    sendsReferrer,
    revalidates: isConditional(state),
    blockedSpaces: blockedSpaces(state, kind, url),
  };
}

const conditionalHeaders = wordSet("if-match if-modified-since if-none-match if-range if-unmodified-since");

/** https://fetch.spec.whatwg.org/#http-network-or-cache-fetch, step 8.15 */
function isConditional({ headers }: FetchState): boolean {
  return headers.some(([name]) => conditionalHeaders.has(name));
}

/** https://fetch.spec.whatwg.org/#serializing-a-request-origin */
export function originOf({ page, taintedOrigin }: FetchState): string {
  return taintedOrigin ? "null" : page.origin;
}

/**
 * Within an origin, GET and HEAD have no Origin header, and other methods do:
 * https://fetch.spec.whatwg.org/#append-a-request-origin-header
 */
export function actualRequest(state: FetchState): WireRequest {
  const { url, method, headers, body, crossOrigin } = state;
  const silent = !crossOrigin && (method === "GET" || method === "HEAD");
  const origin = silent ? null : originOf(state);
  return { url, method, headers, body, origin, ...commonParts(state, "request") };
}

/** Chromium reads the target of a redirect before it checks anything else. */
export function hasReadableLocation(
  record: FetchRecord,
  state: FetchState,
  request: WireRequest,
  response: WireResponse,
): boolean {
  if (!isRedirect(response)) return true;
  const location = locationOf(response.headers);
  if (URL.canParse(location, state.url.href)) return true;
  note(record, "redirect", "failed", `The redirect to ${location} is not followed.`);
  fail(record, request, response, [finding("redirect_location", location)]);
  return false;
}

/** The probable cause of a finding. */
export type Suspicion = Pick<Finding, "hint" | "cause">;

export const loginPage: Suspicion = {
  cause: "login",
  hint: "the API redirects to a login page, which no page may read: let it answer 401",
};

/** Whether redirects have led to a login page. */
export function suspectLogin({ page, url, redirectCount }: FetchState): Suspicion | null {
  return redirectCount > 0 && isLoginPage(page.url, url) ? loginPage : null;
}

/**
 * https://fetch.spec.whatwg.org/#concept-cors-check, with a step for each of the two headers.
 *
 * @param suspicion the probable cause of a missing Allow-Origin.
 */
export function checkCors(
  record: FetchRecord,
  state: FetchState,
  { headers }: WireResponse,
  suspicion: Suspicion | null,
): Finding[] {
  const { credentials } = state;
  const checked = { origin: originOf(state), credentials };
  const originRule = `it must be ${checked.origin}${credentials ? "" : " or *"}`;
  const badOrigin = checkAllowOrigin(checked, headers);
  const hinted = badOrigin?.code === "allow_origin_missing" ? { ...badOrigin, ...suspicion } : badOrigin;
  const findings = judge(record, "allow_origin", hinted, show(headers, "Access-Control-Allow-Origin"), originRule);
  if (!credentials) return findings;
  const seen = show(headers, "Access-Control-Allow-Credentials");
  // Without any CORS header the origin is the one cause.
  const fault = hasCorsHeaders(headers) ? "failed" : "note";
  const badCredentials = checkAllowCredentials(headers);
  return [...findings, ...judge(record, "allow_credentials", badCredentials, seen, "it must be true", fault)];
}
