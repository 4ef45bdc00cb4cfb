import {
  checkAllowCredentials,
  checkAllowOrigin,
  type Finding,
  finding,
  getHeader,
  type Header,
  needsPreflight,
  type WireResponse,
} from "./checks.ts";
import { type FetchRecord, fail, judge, note, show, type WireRequest } from "./diagnosis.ts";
import type { PageRequest } from "./page-request.ts";

/** The request that is being redirected. */
export interface RedirectedRequest {
  readonly url: URL;
  /** Of the page, and null for an opaque one. */
  readonly origin: string;
  readonly method: string;
  readonly headers: readonly Header[];
  readonly body: string | null;
  /** Whether CORS applies already. */
  readonly crossOrigin: boolean;
  /** How many were followed before. */
  readonly redirectCount: number;
}

/** Where a response sends the browser. */
export type Redirect =
  | { readonly kind: "refused"; readonly finding: Finding }
  | {
      readonly kind: "followed";
      readonly url: URL;
      readonly method: string;
      readonly headers: readonly Header[];
      readonly body: string | null;
      /** Whether Chromium starts a new request, because its network stack would not send the right Origin header by itself. */
      readonly restarts: boolean;
      /** For people: what else changed. */
      readonly changes: readonly string[];
    };

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const redirectsMax = 20;

/** https://fetch.spec.whatwg.org/#request-body-header-name */
const bodyHeaders: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-language",
  "content-location",
  "content-type",
]);

/**
 * A redirect status without Location is an ordinary response, and in Chromium so is one with an empty Location:
 * https://fetch.spec.whatwg.org/#concept-response-location-url
 */
export function isRedirect({ status, headers }: WireResponse): boolean {
  return redirectStatuses.has(status) && locationOf(headers) !== "";
}

/**
 * The value of Location, which is no list: two lines of it are one when they agree. Bytes beyond ASCII are kept as they
 * are, whatever encoding they were meant to be in.
 */
export function locationOf(headers: readonly Header[]): string {
  const [, value = ""] = headers.find(([name]) => name.toLowerCase() === "location") ?? [];
  return value.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** https://fetch.spec.whatwg.org/#http-redirect-fetch */
export function readRedirect(request: RedirectedRequest, target: URL, status: number): Redirect {
  const url = new URL(target);
  // https://fetch.spec.whatwg.org/#concept-response-location-url, step 3
  if (url.hash === "") url.hash = request.url.hash;
  const toGet =
    ((status === 301 || status === 302) && request.method === "POST") ||
    (status === 303 && request.method !== "GET" && request.method !== "HEAD");
  const method = toGet ? "GET" : request.method;
  const crossOrigin = url.origin !== request.url.origin;
  const headers = request.headers.filter(([name]) => {
    if (toGet && bodyHeaders.has(name)) return false;
    if (clientHints.has(name)) return url.origin === request.origin;
    return !crossOrigin || name !== "authorization";
  });
  const tainted = request.crossOrigin || url.origin !== request.origin;
  const restarts = tainted && (!request.crossOrigin || toGet || needsPreflight(method, headers, false));
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return {
      kind: "refused",
      finding: { ...finding("redirect_scheme", url.href), chrome: chromeOfScheme(url, restarts) },
    };
  }
  if (request.redirectCount >= redirectsMax) return { kind: "refused", finding: finding("redirect_count", url.href) };
  if (url.username !== "" || url.password !== "") {
    // The standard follows within the origin; Chromium does not, and says nothing.
    const chrome = crossOrigin || tainted ? null : "";
    return { kind: "refused", finding: { ...finding("redirect_credentials", url.href), chrome } };
  }
  const dropsAuthorization = crossOrigin && request.headers.some(([name]) => name === "authorization");
  const changes: string[] = [];
  if (toGet) changes.push(`${request.method} becomes GET without a body`);
  if (dropsAuthorization) changes.push("authorization is dropped, since the origin changes");
  return {
    kind: "followed",
    url,
    method,
    headers,
    body: toGet ? null : request.body,
    restarts,
    changes,
  };
}

/** Chromium believes them to be its own, and sends them only to the page's origin; save-data goes everywhere. */
const clientHints: ReadonlySet<string> = new Set([
  "device-memory",
  "downlink",
  "dpr",
  "ect",
  "rtt",
  "viewport-width",
  "width",
]);

/** Schemes to which no redirect leads in Chromium; it says the same of all others as of a call across origins. */
const unsafeSchemes: ReadonlySet<string> = new Set([
  "about:",
  "blob:",
  "chrome-untrusted:",
  "chrome:",
  "data:",
  "devtools:",
  "file:",
  "filesystem:",
]);

/** What Chrome prints of a redirect to this scheme; null for the usual line. */
function chromeOfScheme({ protocol, href }: URL, restarts: boolean): string | null {
  if (protocol === "view-source:") return `Not allowed to load local resource: ${href}`;
  if (unsafeSchemes.has(protocol)) return "net::ERR_UNSAFE_REDIRECT";
  return (protocol === "ws:" || protocol === "wss:") && !restarts ? "net::ERR_UNKNOWN_URL_SCHEME" : null;
}

/** Why a request is probably redirected, other than to a login, for people. */
export function hintForRedirect(url: URL, target: URL): string {
  const samePath = url.pathname === target.pathname && url.search === target.search;
  if (url.hostname === target.hostname && samePath && url.protocol !== target.protocol) {
    return target.protocol === "https:"
      ? "the server upgrades to https: call that URL"
      : "the server does not know that it is reached by https, as behind a proxy that ends TLS: tell it so";
  }
  if (`${url.pathname}/` === target.pathname || url.pathname === `${target.pathname}/`) {
    return "only the trailing slash differs: call the URL as the server wants it";
  }
  return "call the URL that it leads to";
}

const loginWords: ReadonlySet<string> = new Set(
  "2fa adfs auth auth0 authenticate authentication authn authorize cas cloudflareaccess iap idp login logon logout mfa oauth oauth2 oidc okta openid saml saml2 signin signon sso unauthenticated unauthorized wayf websso".split(
    " ",
  ),
);

/** Words that begin the name of a host where people sign in; in a path they mean many things. */
const loginHosts: ReadonlySet<string> = new Set(
  "account accounts appleid clerk duosecurity id identity passport".split(" "),
);

const titleWordsMin = 3;

/** Parameters of login protocols: OAuth 2, OpenID Connect, SAML, WS-Federation. */
const protocolParameters: ReadonlySet<string> = new Set([
  "client_id",
  "relaystate",
  "response_type",
  "samlrequest",
  "wtrealm",
]);

/** What servers call the place to come back to after a login. */
const returnParameter = /(?:redirect|return|continue|service|target)(?:_?(?:to|uri|url))?$|^(?:back|goto|next|rd|url)$/;

/** Whether a redirect leads to a page where a person signs in. */
export function isLoginPage(from: URL, target: URL): boolean {
  const added = [...target.searchParams].filter(([name]) => !from.searchParams.has(name));
  if (added.some(([name, value]) => isLoginParameter(name.toLowerCase(), value))) return true;
  const known = new Set(wordsOf(from));
  const keepsPath = from.pathname === target.pathname && from.search === target.search;
  const isNew = (word: string) => !known.has(word);
  if (!keepsPath && target.hostname.split(".").some((label) => loginHosts.has(label) && isNew(label))) return true;
  // Where Rails has its form.
  if (/\/sessions?\/new$/.test(target.pathname) && isNew("new")) return true;
  return wordsOf(target).some((word) => isLoginWord(word) && isNew(word));
}

/** A place to come back to is a path or a URL, where the next page of a list is a number. */
function isLoginParameter(name: string, value: string): boolean {
  return protocolParameters.has(name) || (returnParameter.test(name) && value.includes("/"));
}

function isLoginWord(word: string): boolean {
  return loginWords.has(word) || /(?:log|sign)(?:in|on)(?:form|page)?$/.test(word);
}

/**
 * Of host, path, fragment and the names of parameters, in lower case; sign-in and log_in are one word. Segments of many
 * words are titles, as of an article about logins.
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

/** Where a fetch stands; a redirect moves it on. */
export interface FetchState {
  readonly page: PageRequest;
  readonly url: URL;
  readonly method: string;
  readonly headers: readonly Header[];
  readonly body: string | null;
  readonly redirectCount: number;
  /** As in the request. */
  readonly redirectedFrom: readonly URL[];
  /** As in the request. */
  readonly sendsReferrer: boolean;
  /** https://fetch.spec.whatwg.org/#concept-request-response-tainting is "cors": once it is, it stays. */
  readonly crossOrigin: boolean;
  /** https://fetch.spec.whatwg.org/#concept-request-tainted-origin */
  readonly taintedOrigin: boolean;
}

/** What preflight and request have in common beside the URL. */
export function commonParts(state: FetchState) {
  const { page, redirectedFrom, sendsReferrer } = state;
  return { pageOrigin: page.origin, redirectedFrom, sendsReferrer, revalidates: isConditional(state) };
}

const conditionalHeaders: ReadonlySet<string> = new Set([
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
]);

/** https://fetch.spec.whatwg.org/#http-network-or-cache-fetch, step 8.15 */
function isConditional({ headers }: FetchState): boolean {
  return headers.some(([name]) => conditionalHeaders.has(name));
}

/** https://fetch.spec.whatwg.org/#serializing-a-request-origin */
export function originOf({ page, taintedOrigin }: FetchState): string {
  return taintedOrigin ? "null" : page.origin;
}

/** https://fetch.spec.whatwg.org/#append-a-request-origin-header: also on a call to one's own origin that is no GET. */
export function actualRequest(state: FetchState): WireRequest {
  const { url, method, headers, body, crossOrigin } = state;
  const silent = !crossOrigin && (method === "GET" || method === "HEAD");
  const origin = silent ? null : originOf(state);
  return { kind: "request", url, method, headers, body, origin, ...commonParts(state) };
}

/** Chromium reads where a redirect leads before it looks at anything else. */
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

/** What is probably behind a finding. */
export type Suspicion = Pick<Finding, "hint" | "cause">;

export const loginPage: Suspicion = {
  cause: "login",
  hint: "the API redirects to a login page, which no page may read: have it answer 401",
};

/** Whether redirects have led to a login page. */
export function suspectLogin({ page, url, redirectCount }: FetchState): Suspicion | null {
  return redirectCount > 0 && isLoginPage(page.url, url) ? loginPage : null;
}

/**
 * https://fetch.spec.whatwg.org/#concept-cors-check, with a step for each of the two headers.
 *
 * @param suspicion what is probably behind a missing Allow-Origin.
 */
export function checkCors(
  record: FetchRecord,
  state: FetchState,
  { headers }: WireResponse,
  suspicion: Suspicion | null,
): Finding[] {
  const credentials = state.page.credentials === "include";
  const checked = { origin: originOf(state), credentials };
  const allowOrigin = getHeader(headers, "access-control-allow-origin");
  const originRule = `it must be ${checked.origin}${credentials ? "" : " or *"}`;
  const seen = show("Access-Control-Allow-Origin", allowOrigin);
  const badOrigin = checkAllowOrigin(checked, headers);
  const hinted = badOrigin?.code === "allow_origin_missing" ? { ...badOrigin, ...suspicion } : badOrigin;
  const findings = judge(record, "allow_origin", hinted, seen, originRule);
  if (!credentials) return findings;
  const allowCredentials = getHeader(headers, "access-control-allow-credentials");
  const alsoSeen = show("Access-Control-Allow-Credentials", allowCredentials);
  const badCredentials = checkAllowCredentials(checked, headers);
  return [...findings, ...judge(record, "allow_credentials", badCredentials, alsoSeen, "it must be true")];
}
