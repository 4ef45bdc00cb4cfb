/**
 * The head of a response as Chromium reads it, which is more than RFC 9112 allows: hand-written servers send it, pages work
 * with it, and a stricter parser would call them broken.
 *
 * https://source.chromium.org/chromium/chromium/src/+/main:net/http/http_stream_parser.cc,
 * http_response_headers.cc and http_util.cc in the same folder.
 */

import { isToken } from "../names.ts";
import type { WireResponse } from "./checks.ts";
import { getHeader, type Header } from "./checks.ts";

/** Bytes of a response, one character each. */
export interface ReceivedBytes {
  readonly text: string;
  /** Of the request. */
  readonly method: string;
  /** No more will come. */
  readonly ended: boolean;
  readonly secure: boolean;
  /** Whether the port is the scheme's own: only there does Chromium still speak HTTP/0.9. */
  readonly defaultPort: boolean;
}

/** What the bytes say so far; an error is Chromium's own name for it, without `net::ERR_`. */
export type HeadReading =
  | { readonly kind: "incomplete" }
  | { readonly kind: "response"; readonly response: WireResponse }
  | { readonly kind: "error"; readonly error: string };

const headBytesMax = 262_144;
const statusMax = 2 ** 31 - 1;
/** How many characters may stand before the status line. */
const slopMax = 4;
/** Enough to know that no status line comes. */
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
    // A head that is cut off could have been cut by somebody on the way, which TLS is meant to rule out.
    if (end === null && received.secure) return { kind: "error", error: "RESPONSE_HEADERS_TRUNCATED" };
    const head = rest.slice(0, end ?? rest.length);
    const reading = head.includes("\0") ? invalid : parseHead(head.slice(statusLine));
    if (end === null || reading.kind !== "response" || !isInformational(reading.response)) return reading;
    start += end;
  }
}

const tooBig: HeadReading = { kind: "error", error: "RESPONSE_HEADERS_TOO_BIG" };
const invalid: HeadReading = { kind: "error", error: "INVALID_HTTP_RESPONSE" };

function isInformational({ status }: WireResponse): boolean {
  return status >= 100 && status <= 199;
}

function findStatusLine(text: string): number {
  return text
    .slice(0, slopMax + "http".length)
    .toLowerCase()
    .indexOf("http");
}

/** @returns the position after the blank line, or null when it has not come. */
function endOfHead(text: string, from: number): number | null {
  const blankLine = /\n\r?\n/g;
  blankLine.lastIndex = from;
  return blankLine.test(text) ? blankLine.lastIndex : null;
}

/** HTTP/0.9 has no head at all, and `ICY` is how radio stations begin. */
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
  // HTTP/0.9 knows no such method.
  if (method === "PUT") return { kind: "error", error: "METHOD_NOT_SUPPORTED" };
  return { kind: "response", response: withoutStatusLine };
}

function parseHead(head: string): HeadReading {
  const [statusLine = "", ...lines] = splitLines(head);
  const headers = parseHeaders(lines);
  const error = findAmbiguity(statusLine, headers);
  if (error !== null) return { kind: "error", error };
  const status = parseStatus(statusLine);
  // Only a proxy may ask for that, and none was asked.
  if (status === 407) return { kind: "error", error: "UNEXPECTED_PROXY_AUTH" };
  return { kind: "response", response: { status, headers } };
}

/** The status line and the header lines, those joined that go on after white space. */
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

/** Lines that are no headers are skipped. */
function parseHeaders(lines: readonly string[]): Header[] {
  return lines.flatMap((line): Header[] => {
    const colon = line.indexOf(":");
    if (colon < 1 || /^[ \t]/.test(line)) return [];
    const name = trimBlanks(line.slice(0, colon));
    return isToken(name) ? [[name, trimBlanks(line.slice(colon + 1))]] : [];
  });
}

function trimBlanks(text: string): string {
  let first = 0;
  let last = text.length;
  while (first < last && isBlank(text[first])) first++;
  while (first < last && isBlank(text[last - 1])) last--;
  return text.slice(first, last);
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t";
}

/** What is not a number is 200. */
function parseStatus(statusLine: string): number {
  const digits = /^[^ ]* +(\d+)/.exec(statusLine)?.[1];
  return digits === undefined ? 200 : Math.min(Number(digits), statusMax);
}

/** Headers that may come twice only with one value, since two layers could read the reply as two different ones. */
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

/** The elements of a comma list, of all its lines; commas in quotes part nothing. */
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
  return [...elements, value.slice(start)].map(trimBlanks);
}
