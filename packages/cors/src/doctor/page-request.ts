import {
  forbiddenMethods,
  isForbiddenRequestHeader,
  isToken,
  normalizedMethods,
  trimValue,
  wordSet,
} from "../names.ts";
import { readOrigin } from "../origins.ts";
import type { AddressSpace } from "./address-spaces.ts";
import type { Header } from "./checks.ts";

/** The call of a page: `fetch(url, { method, headers, body, credentials })`. */
export interface PageRequest {
  /** http or https, without user name and password. */
  readonly url: URL;
  /** The origin of the page as a browser serialises it; `null` for a sandboxed frame or a local file. */
  readonly origin: string;
  /** As the browser normalises it. */
  readonly method: string;
  /** In the page's order; names in lower case, each once. */
  readonly headers: readonly Header[];
  /** Null for none. */
  readonly body: string | null;
  /** `include` is axios's withCredentials: cookies and TLS certificates. */
  readonly credentials: "include" | "same-origin";
  /** The option of `fetch` with which a page announces a call into the local network. Only Chromium knows it. */
  readonly targetAddressSpace?: AddressSpace;
}

/** Values for headers that are given by name only. Only the value of content-type makes a difference. */
const placeholders: ReadonlyMap<string, string> = new Map([
  ["accept", "*/*"],
  ["accept-language", "en"],
  ["authorization", "Bearer cors-doctor"],
  ["content-language", "en"],
  ["content-type", "application/json"],
  ["range", "bytes=0-"],
]);

/** @param name in lower case. */
export function placeholderFor(name: string): string {
  return placeholders.get(name) ?? "cors-doctor";
}

/** https://fetch.spec.whatwg.org/#forbidden-request-header: forbidden only if the value is a forbidden method. */
const overridingHeaders = wordSet("x-http-method x-http-method-override x-method-override");

/** A request that no browser would make; the message says why and what to write instead. */
export class PageRequestError extends Error {
  override readonly name = "PageRequestError";
}

/** @throws PageRequestError unless it is an absolute http or https URL without user name and password. */
export function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new PageRequestError(
      `${quote(text)} is not an http or https URL; write it in full, such as http://localhost:9707/path`,
    );
  }
  // https://fetch.spec.whatwg.org/#dom-request, step 5: the Request constructor throws.
  if (url.username !== "" || url.password !== "") {
    throw new PageRequestError("a page cannot fetch a URL with a user name or a password in it");
  }
  url.hash = "";
  return url;
}

/** @throws PageRequestError unless a browser would send it as Origin. */
export function readOriginOfPage(text: string): string {
  if (text === "null") return text;
  const read = readOrigin(text);
  if ("pattern" in read && read.pattern.star === null && read.pattern.port !== "*") return text;
  if (text.includes("*"))
    throw new PageRequestError(`${quote(text)} is a pattern, not an origin: write the origin of one page`);
  const { origin } = URL.canParse(text) ? new URL(text) : { origin: "null" };
  if (origin !== "null") {
    throw new PageRequestError(`browsers do not send ${quote(text)} as an origin; did you mean ${origin}?`);
  }
  const why = "mistake" in read ? read.mistake.message : "write scheme://host:port";
  throw new PageRequestError(`${quote(text)} is not an origin: ${why}`);
}

/**
 * https://fetch.spec.whatwg.org/#concept-method-normalize: `post` becomes POST, and `patch` stays `patch`.
 *
 * @throws PageRequestError for a method that `fetch` refuses.
 */
export function readMethod(text: string): string {
  if (!isToken(text)) throw new PageRequestError(`${quote(text)} is not a method`);
  const upper = text.toUpperCase();
  if (forbiddenMethods.has(upper)) throw new PageRequestError(`no page can send ${upper}`);
  return normalizedMethods.has(upper) ? upper : text;
}

/**
 * Reads `name` or `name: value`; repeated names are joined as in a Headers object.
 *
 * @throws PageRequestError for a line that is not a header, and for a header that pages cannot set.
 */
export function readHeaders(lines: readonly string[]): Header[] {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = trimValue(colon < 0 ? line : line.slice(0, colon)).toLowerCase();
    if (!isToken(name)) throw new PageRequestError(`${quote(line)} is not a header; write name or "name: value"`);
    // accept-encoding is tolerated in a server's list, but a page cannot set it either.
    if (isForbiddenRequestHeader(name) || name === "accept-encoding") {
      const instead = name === "cookie" ? "; --credentials makes the browser send cookies" : "";
      throw new PageRequestError(`no page can set ${name}: the browser does${instead}`);
    }
    const value = readHeaderValue(name, colon < 0 ? placeholderFor(name) : line.slice(colon + 1));
    if (overridingHeaders.has(name) && forbiddenMethods.has(trimValue(value.toUpperCase()))) {
      throw new PageRequestError(`no page can set ${name} to ${value}`);
    }
    const earlier = headers.get(name);
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return [...headers];
}

/** https://fetch.spec.whatwg.org/#header-value; @throws PageRequestError for a character that it cannot hold. */
export function readHeaderValue(name: string, text: string): string {
  const value = trimValue(text);
  if (/[\0\n\r]|[^\0-\xff]/.test(value)) {
    throw new PageRequestError(`the value of ${name} has a character that headers cannot have`);
  }
  return value;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

/** A call in words. */
interface PageDescription {
  readonly method: string;
  /** Each `name` or `name: value`; null for those of an API client. */
  readonly headers: readonly string[] | null;
  /** Null for that of an API client. */
  readonly body: string | null;
  readonly credentials: boolean;
}

/** @throws PageRequestError for a call that no page can make. */
export function readPage(described: PageDescription): Pick<PageRequest, "method" | "headers" | "body" | "credentials"> {
  const method = readMethod(described.method);
  const headers = readHeaders(described.headers ?? defaultHeaders(method));
  const body = readBody(method, headers, described.body);
  // https://fetch.spec.whatwg.org/#concept-bodyinit-extract: the browser sets the type of a string body itself.
  if (body !== null && !headers.some(([name]) => name === "content-type")) {
    headers.push(["content-type", "text/plain;charset=UTF-8"]);
  }
  return { method, headers, body, credentials: described.credentials ? "include" : "same-origin" };
}

/** The headers of an API call as in `axios.post(url, data, { headers: { authorization } })`. */
function defaultHeaders(method: string): string[] {
  return ["POST", "PUT", "PATCH"].includes(method) ? ["authorization", "content-type"] : ["authorization"];
}

function readBody(method: string, headers: readonly Header[], body: string | null): string | null {
  if (method === "GET" || method === "HEAD") {
    // https://fetch.spec.whatwg.org/#dom-request, step 34: the Request constructor throws.
    if (body !== null) throw new PageRequestError(`a page cannot send a body with ${method}`);
    return null;
  }
  const isJson = headers.some(([name, value]) => name === "content-type" && /^application\/json\b/i.test(value));
  return body ?? (isJson ? "{}" : null);
}
