/**
 * Reads the heads of requests and responses as people copy them: raw HTTP, the output of `curl -i` and `curl -v`, and the headers
 * in the Network panels of browsers. It ignores everything else, such as bodies.
 */

import { getHeader, type Header, type WireResponse } from "../doctor/checks.ts";
import { isServerHeader, trimValue } from "../names.ts";
import { isLoopback } from "../origins.ts";

/** A request and its response, as far as they were pasted. */
export interface PastedExchange {
  /** Null when unknown. */
  readonly method: string | null;
  /** Absolute; null when unknown. */
  readonly url: string | null;
  readonly requestHeaders: readonly Header[];
  /** Null when only the request was pasted. */
  readonly response: WireResponse | null;
}

/** The lines between two blank lines or headings. */
interface Block {
  /** `general` is the part of a Network panel with the URL and the status. */
  kind: "general" | "request" | "response" | "unknown";
  method: string | null;
  /** An absolute URL or a path. */
  target: string | null;
  status: number | null;
  readonly headers: Header[];
}

const responseLine = /^HTTP\/\d(?:\.\d)?[ \t]+(\d{3})\b/i;
const requestLine = /^([A-Z]+)[ \t]+(\S+)[ \t]+HTTP\/\d(?:\.\d)?$/;
// A URL is no header.
const headerLine = /^(:?[\w!#$%&'*+.^`|~-]+):(?!\/\/)(.*)$/s;
const heading = /^(general|request headers|response headers)\b[^:]*:?$/i;
const generalLine = /^(request url|request method|status code|remote address|referrer policy):?(.*)$/is;

/** The exchanges in a text; empty when there are none. */
export function readHeads(text: string): PastedExchange[] {
  return pair(readBlocks(linesOf(text))).map(finish);
}

/** Of the output of `curl -v`, only the heads, which it marks. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (!lines.some((line) => /^[<>] (?:HTTP\/|[A-Z]+ )/.test(line))) return lines;
  return lines.filter((line) => /^[<>](?: |$)/.test(line)).map((line) => line.slice(2));
}

function readBlocks(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  let block: Block | null = null;
  const begin = (kind: Block["kind"]): Block => {
    const begun: Block = { kind, method: null, target: null, status: null, headers: [] };
    blocks.push(begun);
    return begun;
  };
  // After a head comes a body.
  let inBody = false;
  for (let at = 0; at < lines.length; at++) {
    const line = trimValue(lines[at] ?? "");
    // Browsers put the value of a header on the next line.
    const valueOr = (value: string): string => {
      const next = trimValue(lines[at + 1] ?? "");
      if (value !== "" || next === "" || headerLine.test(next) || isStart(next)) return value;
      at += 1;
      return next;
    };
    const [, status] = responseLine.exec(line) ?? [];
    const [, method, target] = requestLine.exec(line) ?? [];
    const [, title] = heading.exec(line) ?? [];
    const [, field, untrimmedField = ""] = generalLine.exec(line) ?? [];
    const [, name, untrimmedValue = ""] = headerLine.exec(line) ?? [];
    const [fieldValue, value] = [trimValue(untrimmedField), trimValue(untrimmedValue)];
    if (status !== undefined) {
      block = begin("response");
      block.status = Number(status);
    } else if (method !== undefined && target !== undefined) {
      block = begin("request");
      Object.assign(block, { method, target });
    } else if (title !== undefined) {
      const [kind = ""] = title.toLowerCase().split(" ");
      block = begin(kind === "request" || kind === "response" ? kind : "general");
    } else if (field !== undefined) {
      if (block?.kind !== "general") block = begin("general");
      setField(block, field.toLowerCase(), valueOr(fieldValue));
    } else if (name !== undefined && !inBody) {
      block ??= begin("unknown");
      block.headers.push([name.toLowerCase(), valueOr(value)]);
    } else if (line === "") {
      inBody = block?.kind === "response" && block.status !== null;
      block = null;
      continue;
    }
    if (block !== null && isStart(line)) inBody = false;
  }
  return blocks;
}

function isStart(line: string): boolean {
  return [responseLine, requestLine, heading, generalLine].some((pattern) => pattern.test(line));
}

function setField(block: Block, field: string, value: string): void {
  if (field === "request url") block.target = value;
  if (field === "request method") block.method = value;
  if (field === "status code") block.status = Number.parseInt(value, 10) || null;
}

/** An exchange that is not yet complete. */
interface Draft {
  request: Block | null;
  response: Block | null;
}

function pair(blocks: readonly Block[]): Draft[] {
  const drafts: Draft[] = [];
  for (const block of blocks) {
    const kind = block.kind === "unknown" ? kindOf(block) : block.kind;
    const last = drafts.at(-1);
    if (kind === "general") {
      drafts.push({ request: block, response: null });
    } else if (kind === "request") {
      const isOfLast =
        last !== undefined && (last.request?.kind === "general" || (last.request === null && block.target === null));
      if (!isOfLast) drafts.push({ request: block, response: null });
      else last.request = last.request === null ? block : { ...last.request, kind: "request", headers: block.headers };
    } else if (block.status === null || block.status >= 200) {
      const status = block.status ?? statusOf(block, last?.request ?? null);
      const response = { ...block, status };
      if (last !== undefined && last.response === null) last.response = response;
      else drafts.push({ request: null, response });
    }
  }
  return drafts;
}

const requestNames =
  /^(?::method|:authority|:path|access-control-request-.*|host|origin|referer|sec-fetch-.*|user-agent)$/;

function kindOf({ headers }: Block): "request" | "response" {
  const names = headers.map(([name]) => name);
  if (names.some((name) => requestNames.test(name))) return "request";
  return names.some(isServerHeader) || names.includes("date") ? "response" : "request";
}

/** In a Network panel the status is in the general part. Without any it is probably a success. */
function statusOf({ headers }: Block, request: Block | null): number {
  return Number(getHeader(headers, ":status") ?? request?.status ?? 200);
}

function finish({ request, response }: Draft): PastedExchange {
  const requestHeaders = request?.headers ?? [];
  return {
    method: request?.method ?? getHeader(requestHeaders, ":method"),
    url: request === null ? null : urlOf(request),
    requestHeaders,
    response: response === null ? null : { status: response.status ?? 200, headers: response.headers },
  };
}

function urlOf({ target, headers }: Block): string | null {
  if (target !== null && /^https?:\/\//.test(target)) return URL.canParse(target) ? target : null;
  const host = getHeader(headers, ":authority") ?? getHeader(headers, "host");
  if (host === null || !URL.canParse(`http://${host}`)) return null;
  const guessed = isLoopback(new URL(`http://${host}`).hostname) ? "http" : "https";
  const url = `${getHeader(headers, ":scheme") ?? guessed}://${host}${target ?? getHeader(headers, ":path") ?? "/"}`;
  return URL.canParse(url) ? url : null;
}
