/** The call that pasted heads are about, and its verdict with their responses as answers. */

import { isOfBrowser } from "../doctor/browser-headers.ts";
import { findUnsafeHeaders, getHeader, type WireResponse } from "../doctor/checks.ts";
import type { Diagnosis, WireRequest } from "../doctor/diagnosis.ts";
import { fetchAlgorithm } from "../doctor/fetch.ts";
import { type PageRequest, PageRequestError, readHeaders, readMethod, readUrl } from "../doctor/page-request.ts";
import { isLoopback } from "../origins.ts";
import type { PastedExchange } from "./pasted-heads.ts";

/** The fields of the form, as text. */
export interface CallFields {
  readonly origin: string;
  readonly url: string;
  readonly method: string;
  /** Names of headers that the page sets, separated by commas. */
  readonly headers: string;
  readonly credentials: boolean;
  /** What a response without a request answers. */
  readonly answers: "preflight" | "call";
}

const requestMethod = "access-control-request-method";
const requestHeaders = "access-control-request-headers";

/** What the heads say about the call; the rest is empty or as in a call to an API. */
export function guessFields(exchanges: readonly PastedExchange[]): CallFields {
  const preflight = exchanges.find(isPreflight) ?? null;
  const call = exchanges.find((exchange) => exchange.method !== null && !isPreflight(exchange)) ?? null;
  const sent = (name: string): string | null =>
    exchanges.map((each) => getHeader(each.requestHeaders, name)).find((value) => value !== null) ?? null;
  const referer = sent("referer") ?? "";
  // A preflight names all headers that need permission.
  const asked = sent(requestHeaders) ?? (sent(requestMethod) === null ? null : "");
  const ofPage = call?.requestHeaders.map(([name]) => name).filter((name) => !isOfBrowser(name));
  return {
    origin: sent("origin") ?? (URL.canParse(referer) ? new URL(referer).origin : ""),
    url: call?.url ?? preflight?.url ?? "",
    method: call?.method ?? sent(requestMethod) ?? "POST",
    headers: (asked ?? ofPage?.join(",") ?? "authorization,content-type")
      .split(",")
      .map((name) => name.trim())
      .join(", "),
    credentials: sent("cookie") !== null,
    answers: exchanges.some(({ response }) => response !== null && looksLikePreflight(response)) ? "preflight" : "call",
  };
}

/** Whether the heads do not show what their one response answers. */
export function isUnclear(exchanges: readonly PastedExchange[]): boolean {
  return exchanges.length === 1 && exchanges[0]?.method === null;
}

function isPreflight({ method }: PastedExchange): boolean {
  return method === "OPTIONS";
}

function looksLikePreflight({ headers }: WireResponse): boolean {
  return headers.some(([name]) => /^access-control-(?:allow-methods|allow-headers|max-age)$/i.test(name));
}

/** The verdict, as far as the heads go. */
export interface PastedVerdict {
  /** Null when not even the preflight can be judged. */
  readonly diagnosis: Diagnosis | null;
  /** What else to paste, and the command that shows it; null when nothing is missing. */
  readonly missing: { readonly what: string; readonly command: string } | null;
}

/** @throws PageRequestError for fields that no browser would send. */
export function judgePasted(exchanges: readonly PastedExchange[], fields: CallFields): PastedVerdict {
  const page = readFields(fields);
  const first = judge(page, exchanges, fields, false);
  if (!("request" in first)) return { diagnosis: first, missing: null };
  const { request } = first;
  const command = curlFor(request);
  if (request.kind === "preflight") {
    const why = findUnsafeHeaders(page.headers, false).map((header) => header.why);
    const reason = why[0] ?? `the method ${page.method} is not GET, HEAD or POST`;
    return { diagnosis: null, missing: { what: `A preflight comes first: ${reason}. Paste its answer too.`, command } };
  }
  const passed = judge(page, exchanges, fields, true);
  const what = "What you pasted passes. Browsers check the reply to the call itself too: paste it as well.";
  return { diagnosis: "request" in passed ? null : passed, missing: { what, command } };
}

function readFields({ origin, url, method, headers, credentials }: CallFields): PageRequest {
  if (url.trim() === "") throw new PageRequestError("Enter the URL that the page calls.");
  const names = headers.split(",").map((name) => name.trim());
  return {
    url: readUrl(url.trim()),
    origin: readPageOrigin(origin.trim()),
    method: readMethod(method.trim()),
    headers: readHeaders(names.filter((name) => name !== "")),
    body: null,
    credentials: credentials ? "include" : "same-origin",
  };
}

/** Like `readOriginOfPage`, which knows more mistakes and would add 3 KB to the page. */
function readPageOrigin(text: string): string {
  if (text === "null" || /^(?!https?:)[a-z][a-z\d+.-]*:\/\/[\w.-]*$/.test(text)) return text;
  const { origin } = URL.canParse(text) ? new URL(text) : { origin: "null" };
  if (origin === text && !text.includes("*")) return text;
  const meant = origin === "null" || origin === text ? "for example http://localhost:5173" : origin;
  throw new PageRequestError(`Enter the origin of the page as browsers send it: ${meant}.`);
}

/** Runs the algorithm until the end or the first request whose response is missing. */
function judge(
  page: PageRequest,
  exchanges: readonly PastedExchange[],
  { answers }: CallFields,
  preflightOnly: boolean,
): Diagnosis | { readonly request: WireRequest } {
  const conversation = fetchAlgorithm(page, { preflightOnly });
  const left = exchanges.filter(({ response }) => response !== null);
  let turn = conversation.next();
  while (!turn.done) {
    const request = turn.value;
    const at = left.findIndex((exchange) => fits(exchange, request, isUnclear(exchanges) ? answers : null));
    const [found] = at < 0 ? [] : left.splice(at, 1);
    if (found?.response == null) return { request };
    turn = conversation.next({ response: found.response, address: addressOf(request.url) });
  }
  return turn.value;
}

/** The address of the server, if the host shows it: a page on the internet may need permission for a local one. */
function addressOf({ hostname }: URL): string {
  return isLoopback(hostname) ? "127.0.0.1" : hostname.replace(/^\[|\]$/g, "");
}

function fits(exchange: PastedExchange, { kind, url }: WireRequest, answers: CallFields["answers"] | null): boolean {
  if (exchange.method !== null) return isPreflight(exchange) === (kind === "preflight") && isAt(exchange, url);
  if (answers !== null) return (answers === "preflight") === (kind === "preflight");
  // Of several responses without requests, the first answers the preflight.
  return true;
}

/** A different host may be the same server, such as one behind a proxy, so only the path counts. */
function isAt({ url }: PastedExchange, asked: URL): boolean {
  return url === null || new URL(url).pathname === asked.pathname;
}

/** The command that shows the response that is missing. */
function curlFor({ method, url, headers, origin }: WireRequest): string {
  const lines = headers.map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`);
  if (origin !== null) lines.unshift(`-H ${quote(`Origin: ${origin}`)}`);
  return [`curl -i -X ${quote(method)} ${quote(url.href)}`, ...lines].join(" \\\n  ");
}

/** For a shell. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
