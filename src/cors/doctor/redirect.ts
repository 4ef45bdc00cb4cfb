import type { FailureCode } from "./explanations.ts";
import { getHeader, type Header } from "./header-list.ts";

/** The request that is being redirected. */
export interface RedirectedRequest {
  readonly url: URL;
  /** Of the page, and null for an opaque one. */
  readonly origin: string;
  readonly method: string;
  readonly headers: readonly Header[];
  readonly body: string | null;
  /** How many were followed before. */
  readonly redirectCount: number;
}

/** Where a response sends the browser. */
export type Redirect =
  | { readonly kind: "none" }
  | { readonly kind: "refused"; readonly code: FailureCode; readonly value: string }
  | {
      readonly kind: "followed";
      readonly url: URL;
      readonly method: string;
      readonly headers: readonly Header[];
      readonly body: string | null;
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

/** A redirect status without Location is an ordinary response: https://fetch.spec.whatwg.org/#concept-response-location-url */
export function isRedirect(status: number, headers: readonly Header[]): boolean {
  return redirectStatuses.has(status) && getHeader(headers, "location") !== null;
}

/** https://fetch.spec.whatwg.org/#http-redirect-fetch */
export function readRedirect(request: RedirectedRequest, status: number, headers: readonly Header[]): Redirect {
  if (!isRedirect(status, headers)) return { kind: "none" };
  const location = getHeader(headers, "location") ?? "";
  if (!URL.canParse(location, request.url.href)) return { kind: "refused", code: "redirect_location", value: location };
  const url = new URL(location, request.url);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return { kind: "refused", code: "redirect_scheme", value: location };
  }
  if (request.redirectCount >= redirectsMax) return { kind: "refused", code: "redirect_count", value: location };
  const crossOrigin = url.origin !== request.url.origin;
  if ((url.username !== "" || url.password !== "") && (url.origin !== request.origin || crossOrigin)) {
    return { kind: "refused", code: "redirect_credentials", value: url.href };
  }
  const toGet =
    ((status === 301 || status === 302) && request.method === "POST") ||
    (status === 303 && request.method !== "GET" && request.method !== "HEAD");
  const dropsAuthorization = crossOrigin && request.headers.some(([name]) => name === "authorization");
  const changes: string[] = [];
  if (toGet) changes.push(`${request.method} becomes GET without a body`);
  if (dropsAuthorization) changes.push("authorization is dropped, since the origin changes");
  return {
    kind: "followed",
    url,
    method: toGet ? "GET" : request.method,
    headers: request.headers.filter(
      ([name]) => !(toGet && bodyHeaders.has(name)) && !(crossOrigin && name === "authorization"),
    ),
    body: toGet ? null : request.body,
    changes,
  };
}

/** Why a preflight is probably redirected, for people. */
export function hintForRedirect(url: URL, location: string): string {
  const target = URL.canParse(location, url.href) ? new URL(location, url) : url;
  if (url.protocol === "http:" && target.protocol === "https:") return "the server upgrades to https: call that URL";
  if (`${url.pathname}/` === target.pathname || url.pathname === `${target.pathname}/`) {
    return "only the trailing slash differs: call the URL as the server wants it";
  }
  return "call the URL that it leads to";
}
