import { isLoopback } from "../host.ts";
import type { Header } from "./header-list.ts";
import type { WireRequest } from "./wire.ts";

/** What distinguishes the browser that is imitated. */
export interface BrowserIdentity {
  readonly userAgent: string;
}

/** A recent Chrome. */
export const chromeUserAgent =
  "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36";

/**
 * The lines that Chromium puts on the wire, those of the page included; the client hints (sec-ch-ua and its like) are left
 * out, since no server decides CORS by them.
 */
export function browserHeaders(request: WireRequest, identity: BrowserIdentity): Header[] {
  const { url, method, body, origin } = request;
  const ofPage = new Set(request.headers.map(([name]) => name));
  const headers: Header[] = [
    ["Host", url.host],
    ["Connection", "keep-alive"],
  ];
  if (body !== null || method === "POST" || method === "PUT") {
    headers.push(["Content-Length", String(Buffer.byteLength(body ?? ""))]);
  }
  if (request.revalidates && !ofPage.has("cache-control")) headers.push(["Cache-Control", "max-age=0"]);
  if (!ofPage.has("accept")) headers.push(["Accept", "*/*"]);
  // Chromium does not let a page choose its User-Agent.
  headers.push(...request.headers.filter(([name]) => name !== "user-agent"));
  if (origin !== null) headers.push(["Origin", origin]);
  headers.push(["User-Agent", identity.userAgent]);
  const trustworthy = isTrustworthy(url);
  if (trustworthy || request.kind === "preflight") headers.push(["Sec-Fetch-Mode", "cors"]);
  if (trustworthy) headers.push(["Sec-Fetch-Site", siteRelation(request)], ["Sec-Fetch-Dest", "empty"]);
  const referer = referrerOf(request);
  if (referer !== null) headers.push(["Referer", referer]);
  headers.push(["Accept-Encoding", ofPage.has("range") ? "identity" : codings(trustworthy)]);
  if (!ofPage.has("accept-language")) headers.push(["Accept-Language", "en-US,en;q=0.9"]);
  return headers;
}

/** Chromium offers the newer codings only where no old proxy on the way can break them. */
function codings(trustworthy: boolean): string {
  return trustworthy ? "gzip, deflate, br, zstd" : "gzip, deflate";
}

/** https://w3c.github.io/webappsec-secure-contexts/#is-origin-trustworthy: fetch metadata goes hardly anywhere else. */
function isTrustworthy(url: URL): boolean {
  return url.protocol === "https:" || isLoopback(url.hostname);
}

/**
 * https://w3c.github.io/webappsec-fetch-metadata/#sec-fetch-site-header; without the list of public suffixes a site is
 * taken to be the last two labels. What is farthest on the way counts.
 */
function siteRelation({ pageOrigin, redirectedFrom, url }: WireRequest): string {
  const relations = [...redirectedFrom, url].map((each) => relationTo(pageOrigin, each));
  return ["cross-site", "same-site"].find((relation) => relations.includes(relation)) ?? "same-origin";
}

function relationTo(pageOrigin: string, url: URL): string {
  if (pageOrigin === url.origin) return "same-origin";
  if (!URL.canParse(pageOrigin)) return "cross-site";
  const page = new URL(pageOrigin);
  return page.protocol === url.protocol && siteOf(page.hostname) === siteOf(url.hostname) ? "same-site" : "cross-site";
}

function siteOf(host: string): string {
  const isName = /[a-z]$/.test(host);
  return isName ? host.split(".").slice(-2).join(".") : host;
}

/** https://w3c.github.io/webappsec-referrer-policy/: strict-origin-when-cross-origin, every browser's default. */
function referrerOf({ pageOrigin, sendsReferrer }: WireRequest): string | null {
  return sendsReferrer && /^https?:/.test(pageOrigin) ? `${pageOrigin}/` : null;
}
