/**
 * Reads recorded sessions, http://www.softwareishard.com/blog/har-12-spec/, as Chrome, Firefox, Safari, Playwright and proxies
 * write them. A file may come from anyone: everything that is used is checked first.
 */

import { trimValue } from "../names.ts";
import type { Header } from "./checks.ts";
import { JsonError, readJson } from "./json-text.ts";

/** A recorded session. */
export interface Har {
  /** The program that wrote it, with its version. */
  readonly creator: string;
  /** Whether a browser wrote it, and not a proxy. */
  readonly byBrowser: boolean;
  /** In order of time; only those over http and https. */
  readonly entries: readonly HarEntry[];
  /** The number of all entries, with those of other schemes. */
  readonly entryCount: number;
}

/** One request and what came back. */
export interface HarEntry {
  /** Its index in `log.entries`. */
  readonly index: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** The URL of the page, as the browser knew it; null when it is not recorded. */
  readonly pageUrl: string | null;
  readonly method: string;
  readonly url: URL;
  readonly requestHeaders: readonly Header[];
  /** Whether the browser sent cookies. */
  readonly hasCookies: boolean;
  /** 0 when no response is recorded. */
  readonly status: number;
  readonly responseHeaders: readonly Header[];
  /** Whether the browser recorded that the call succeeded. A body does not show it: Firefox records those of blocked calls too. */
  readonly succeeded: boolean;
  /** The error that the browser recorded, such as net::ERR_FAILED; null for none. */
  readonly error: string | null;
  /** Chrome's `_resourceType`, such as fetch; null when it is not recorded. */
  readonly resourceType: string | null;
  /** The address of the server; null when it is not recorded. */
  readonly serverAddress: string | null;
}

/** A file that is no usable recording. The message says where it is wrong and what would be right. */
export class HarError extends Error {
  override readonly name = "HarError";
}

/** More are only counted. */
const mistakesMax = 5;

const howToRecord =
  "in the Network panel of the browser's developer tools, choose Export HAR (Chrome), Save All As HAR (Firefox) or Export (Safari)";

/**
 * Reads the text of a HAR file.
 *
 * @throws HarError
 */
export function readHar(text: string): Har {
  const log = readLog(parse(text));
  const pages = readPages(log["pages"]);
  const mistakes: string[] = [];
  const { entries } = log;
  if (!Array.isArray(entries)) {
    throw new HarError(`This is not a HAR: log.entries is ${describe(entries)}, but must be an array; ${howToRecord}.`);
  }
  const read = entries.flatMap((entry, index) => {
    const result = readEntry(entry, index, pages);
    if (typeof result !== "string") return result === null ? [] : [result];
    mistakes.push(`Entry ${index} is malformed: log.entries[${index}]${result}.`);
    return [];
  });
  if (mistakes.length > 0) {
    const more = mistakes.length > mistakesMax ? [`${mistakes.length - mistakesMax} more entries are malformed.`] : [];
    throw new HarError([...mistakes.slice(0, mistakesMax), ...more].join("\n"));
  }
  const { name, version } = readCreator(log["creator"]);
  return {
    creator: `${name} ${version}`.trim(),
    byBrowser: /webinspector|web inspector|firefox|playwright|chrom|puppeteer|edge|safari/i.test(name),
    // Stable: entries of the same millisecond keep their order.
    entries: read.sort((left, right) => left.startedAt - right.startedAt),
    entryCount: entries.length,
  };
}

type Members = Readonly<Record<string, unknown>>;

function parse(text: string): unknown {
  try {
    return readJson(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new HarError(`This is not JSON, and a HAR is JSON: ${error.message}; ${howToRecord}.`);
  }
}

function readLog(document: unknown): Members {
  const log = isObject(document) ? document["log"] : undefined;
  if (isObject(log)) return log;
  throw new HarError(`This is not a HAR: log is ${describe(log)}, but must be an object with entries; ${howToRecord}.`);
}

function readCreator(creator: unknown): { readonly name: string; readonly version: string } {
  if (!isObject(creator)) return { name: "an unknown program", version: "" };
  const text = (value: unknown) => (typeof value === "string" ? value.slice(0, 60) : "");
  return { name: text(creator["name"]) || "an unknown program", version: text(creator["version"]) };
}

/** Chrome, Firefox and Safari put the URL of a page into its title. */
function readPages(pages: unknown): ReadonlyMap<string, string> {
  const urls = new Map<string, string>();
  for (const page of Array.isArray(pages) ? pages : []) {
    if (!isObject(page)) continue;
    const { id, title } = page;
    if (typeof id === "string" && typeof title === "string" && URL.canParse(title)) urls.set(id, title);
  }
  return urls;
}

/** @returns the entry, null if its scheme is not http or https, or what is wrong, after the entry's path. */
function readEntry(entry: unknown, index: number, pages: ReadonlyMap<string, string>): HarEntry | null | string {
  if (!isObject(entry)) return ` is ${describe(entry)}, but must be an object`;
  const { request, response } = entry;
  if (!isObject(request)) return `.request is ${describe(request)}, but must be an object`;
  if (!isObject(response)) return `.response is ${describe(response)}, but must be an object`;
  const { url, method } = request;
  if (typeof url !== "string" || !URL.canParse(url)) {
    return `.request.url is ${describe(url)}, but must be an absolute URL`;
  }
  if (typeof method !== "string" || method === "")
    return `.request.method is ${describe(method)}, but must be a method such as GET`;
  const { status } = response;
  // Playwright writes -1 for a request without a response.
  if (typeof status !== "number")
    return `.response.status is ${describe(status)}, but must be a number, 0 for no response`;
  const requestHeaders = readHeaderList(request["headers"]);
  if (typeof requestHeaders === "string") return `.request.headers${requestHeaders}`;
  const responseHeaders = readHeaderList(response["headers"]);
  if (typeof responseHeaders === "string") return `.response.headers${responseHeaders}`;
  const startedAt = Date.parse(String(entry["startedDateTime"]));
  if (Number.isNaN(startedAt)) {
    return `.startedDateTime is ${describe(entry["startedDateTime"])}, but must be a time such as 2026-01-31T12:00:00.000Z`;
  }
  const parsed = new URL(url);
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") return null;
  const { time, pageref, serverIPAddress, _resourceType: resourceType } = entry;
  const { cookies } = request;
  const error = readError(response["_error"]) ?? readError(response["_failureText"]);
  const isPlaywright = entry["_monotonicTime"] !== undefined;
  return {
    index,
    startedAt,
    endedAt: startedAt + (typeof time === "number" && time > 0 ? time : 0),
    pageUrl: typeof pageref === "string" ? (pages.get(pageref) ?? null) : null,
    method,
    url: parsed,
    requestHeaders,
    hasCookies:
      (Array.isArray(cookies) && cookies.length > 0) ||
      requestHeaders.some(([name]) => name.toLowerCase() === "cookie"),
    status: Math.max(status, 0),
    responseHeaders,
    // Chrome writes null, Playwright nothing, and both a string for a failure.
    succeeded: response["_error"] === null || (isPlaywright && error === null),
    error,
    resourceType: typeof resourceType === "string" ? resourceType : null,
    serverAddress: typeof serverIPAddress === "string" && serverIPAddress !== "" ? serverIPAddress : null,
  };
}

/** @returns the headers, or what is wrong. A line feed in a value separates the values of repeated lines. */
function readHeaderList(headers: unknown): Header[] | string {
  if (!Array.isArray(headers)) return ` is ${describe(headers)}, but must be an array`;
  const lines: Header[] = [];
  for (const [index, header] of headers.entries()) {
    if (!isObject(header)) return `[${index}] is ${describe(header)}, but must be an object with name and value`;
    const { name, value } = header;
    if (typeof name !== "string") return `[${index}].name is ${describe(name)}, but must be a string`;
    if (typeof value !== "string") return `[${index}].value is ${describe(value)}, but must be a string`;
    for (const line of value.split("\n")) lines.push([name, trimValue(line)]);
  }
  return lines;
}

function readError(error: unknown): string | null {
  return typeof error === "string" && error !== "" ? error : null;
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What the file has instead, for people. */
function describe(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "an array";
  if (isObject(value)) return "an object";
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 60)}...`;
}
