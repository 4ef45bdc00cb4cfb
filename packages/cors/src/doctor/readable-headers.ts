import { isForbiddenResponseHeader, safelistedResponseHeaders } from "../names.ts";
import { extractNames, type Header } from "./header-list.ts";

/** The response headers split by whether a page can read them; names in lower case, sorted. */
export interface ReadableHeaders {
  readonly readable: readonly string[];
  readonly hidden: readonly string[];
  /** The element that spoils Access-Control-Expose-Headers, which then exposes nothing; null when there is none. */
  readonly malformed: string | null;
}

/** https://fetch.spec.whatwg.org/#concept-filtered-response-cors, or the basic filter for one's own origin. */
export function splitReadable(crossOrigin: boolean, credentials: boolean, headers: readonly Header[]): ReadableHeaders {
  const all = [...new Set(headers.map(([name]) => name.toLowerCase()))].sort();
  const { names, malformed } = extractNames(headers, "access-control-expose-headers");
  const exposed = new Set(names.map((name) => name.toLowerCase()));
  const everything = !crossOrigin || (exposed.has("*") && !credentials);
  const isReadable = (name: string): boolean =>
    !isForbiddenResponseHeader(name) && (everything || exposed.has(name) || safelistedResponseHeaders.has(name));
  return {
    readable: all.filter(isReadable),
    hidden: all.filter((name) => !isReadable(name)),
    malformed: crossOrigin ? malformed : null,
  };
}
