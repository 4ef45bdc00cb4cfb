/**
 * Reads the head of a response as Chromium does. Chromium accepts more than RFC 9112 allows, and pages work with such
 * servers, so a stricter parser would give wrong verdicts.
 *
 * https://source.chromium.org/chromium/chromium/src/+/main:net/http/http_stream_parser.cc,
 * http_response_headers.cc and http_util.cc in the same folder.
 */

import { isToken, trimValue } from "../names.ts";
import { getHeader, type Header, type WireResponse } from "./checks.ts";

/** The bytes of a response so far, one character for each. */
export interface ReceivedBytes {
  readonly text: string;
  /** The method of the request. */
  readonly method: string;
  /** Whether the connection has ended. */
  readonly ended: boolean;
  readonly secure: boolean;
  /** Whether the port is the scheme's default. Chromium accepts HTTP/0.9 only there. */
  readonly defaultPort: boolean;
}

/** An error has the name that Chromium gives it, without `net::ERR_`. */
export type HeadReading =
  | { readonly kind: "incomplete" }
  | { readonly kind: "response"; readonly response: WireResponse }
  | { readonly kind: "error"; readonly error: string };

const headBytesMax = 262_144;
const statusMax = 2 ** 31 - 1;
/** How many characters may come before the status line. */
const slopMax = 4;
/** With this many characters, it is certain that there is no status line. */
const statusLineStartMax = 8;
const withoutStatusLine: WireResponse = { status: 200, headers: [] };

/** Reads the first response that is not informational (1xx). */
export function readResponseHead(received: ReceivedBytes): HeadReading {
  const { text, ended } = received;
  let start = 0;
  while (true) {
    const rest = text.slice(start);
    const statusLine = findStatusLine(rest);
    if (statusLine < 0) return readWithoutStatusLine(received, rest, start > 0);
    const end = endOfHead(rest, statusLine);
    if (end === null && !ended) return rest.length < headBytesMax ? { kind: "incomplete" } : tooBig;
    // An attacker could have cut off the head, which TLS must prevent.
    if (end === null && received.secure) return { kind: "error", error: "RESPONSE_HEADERS_TRUNCATED" };
    const head = rest.slice(0, end ?? rest.length);
    const reading = head.includes("\0") ? invalid : parseHead(head.slice(statusLine));
    const isInformational =
      reading.kind === "response" && reading.response.status >= 100 && reading.response.status < 200;
    if (end === null || !isInformational) return reading;
    start += end;
  }
}

const tooBig: HeadReading = { kind: "error", error: "RESPONSE_HEADERS_TOO_BIG" };
const invalid: HeadReading = { kind: "error", error: "INVALID_HTTP_RESPONSE" };

function findStatusLine(text: string): number {
  return text
    .slice(0, slopMax + "http".length)
    .toLowerCase()
    .indexOf("http");
}

/** @returns the position after the blank line, or null if there is none yet. */
function endOfHead(text: string, from: number): number | null {
  const blankLine = /\n\r?\n/g;
  blankLine.lastIndex = from;
  return blankLine.test(text) ? blankLine.lastIndex : null;
}

/** HTTP/0.9 has no head. Radio stations begin with `ICY`. */
function readWithoutStatusLine(received: ReceivedBytes, rest: string, hadHead: boolean): HeadReading {
  const { method, ended, secure, defaultPort } = received;
  if (rest.length < statusLineStartMax) {
    if (!ended) return { kind: "incomplete" };
    if (rest === "") return { kind: "error", error: "EMPTY_RESPONSE" };
    if (secure) return { kind: "error", error: "RESPONSE_HEADERS_TRUNCATED" };
  }
  if (hadHead) return invalid;
  const isRadio = !secure && rest.slice(0, 3).toLowerCase() === "icy";
  if (!defaultPort && !isRadio) return invalid;
  // HTTP/0.9 does not have this method.
  if (method === "PUT") return { kind: "error", error: "METHOD_NOT_SUPPORTED" };
  return { kind: "response", response: withoutStatusLine };
}

function parseHead(head: string): HeadReading {
  const [statusLine = "", ...lines] = splitLines(head);
  const headers = parseHeaders(lines);
  const error = findAmbiguity(statusLine, headers);
  if (error !== null) return { kind: "error", error };
  const status = parseStatus(statusLine);
  // Only a proxy may send this, and no proxy is in use.
  if (status === 407) return { kind: "error", error: "UNEXPECTED_PROXY_AUTH" };
  return { kind: "response", response: { status, headers } };
}

/** The status line and the header lines; continuation lines, which begin with white space, are joined. */
function splitLines(head: string): string[] {
  const [statusLine = "", ...segments] = head.split(/[\r\n]+/);
  const lines = [statusLine];
  for (const segment of segments.filter((text) => text !== "")) {
    const last = lines.length - 1;
    if (last > 0 && /^[ \t]/.test(segment) && /^[^ \t:][^:]*:/.test(lines[last] ?? "")) {
      lines[last] = `${lines[last]} ${segment.replace(/^[ \t]+/, "")}`;
    } else {
      lines.push(segment);
    }
  }
  return lines;
}

/** Skips lines that are not headers. */
function parseHeaders(lines: readonly string[]): Header[] {
  return lines.flatMap((line): Header[] => {
    const colon = line.indexOf(":");
    if (colon < 1 || /^[ \t]/.test(line)) return [];
    const name = trimValue(line.slice(0, colon));
    return isToken(name) ? [[name, trimValue(line.slice(colon + 1))]] : [];
  });
}

/** A status that is not a number counts as 200. */
function parseStatus(statusLine: string): number {
  const digits = /^[^ ]* +(\d+)/.exec(statusLine)?.[1];
  return digits === undefined ? 200 : Math.min(Number(digits), statusMax);
}

/** Finds headers with different values, with which two programs could read different responses. */
function findAmbiguity(statusLine: string, headers: readonly Header[]): string | null {
  const version = /^http\/(\d)[^.]*\.(\d)/i.exec(statusLine);
  const knowsChunks = version !== null && `${version[1]}.${version[2]}` >= "1.1";
  const codings = elementsOf(headers, "transfer-encoding").map((coding) => coding.toLowerCase());
  if (!(knowsChunks && codings.includes("chunked")) && differ(elementsOf(headers, "content-length"))) {
    return "RESPONSE_HEADERS_MULTIPLE_CONTENT_LENGTH";
  }
  if (differ(elementsOf(headers, "content-disposition"))) return "RESPONSE_HEADERS_MULTIPLE_CONTENT_DISPOSITION";
  const locations = headers.filter(([name]) => name.toLowerCase() === "location").map(([, value]) => value);
  return differ(locations) ? "RESPONSE_HEADERS_MULTIPLE_LOCATION" : null;
}

function differ(values: readonly string[]): boolean {
  return new Set(values).size > 1;
}

/** The elements of a comma list, of all its lines; commas in quotes do not separate elements. */
function elementsOf(headers: readonly Header[], name: string): string[] {
  const value = getHeader(headers, name);
  if (value === null) return [];
  const elements: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i < value.length; i++) {
    const character = value[i];
    if (character === '"') quoted = !quoted;
    else if (character === "\\" && quoted) i++;
    else if (character === "," && !quoted) {
      elements.push(value.slice(start, i));
      start = i + 1;
    }
  }
  return [...elements, value.slice(start)].map(trimValue);
}
