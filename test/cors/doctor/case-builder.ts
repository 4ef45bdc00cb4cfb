/** Functions to write the cases of servers. */

import type { FailureCode } from "../../../packages/cors/src/doctor/index.ts";
import type { Answer, Behaviour } from "./broken-server.ts";

/** The result of a call. */
export type End = "allowed" | FailureCode;

export interface ServerCase {
  /** Unique; what the server does. */
  readonly name: string;
  readonly ends: End;
  readonly behaviour: Behaviour;
  readonly asks: Asks;
  /** The header names that the page can read, if the case is about them. */
  readonly reads?: readonly string[];
}

/** The call of a page. */
export interface Asks {
  /** Default GET, as in fetch. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Default false. */
  readonly credentials?: boolean;
  /** The place of the page: its own origin, or a sandboxed frame, whose origin is null. Default: `page`. */
  readonly from?: "page" | "sandbox";
  /** The server to call: the API on another origin, or the page's own. Default: `api`. */
  readonly of?: "api" | "page";
}

const get: Asks = {};
export const getWithCredentials: Asks = { credentials: true };
export const put: Asks = { method: "PUT" };
export const articleCall: Asks = {
  method: "POST",
  headers: { authorization: "Bearer token", "content-type": "application/json" },
  body: '{"id":4}',
};
export const articleCallWithCredentials: Asks = { ...articleCall, credentials: true };

export const origin = "Allow-Origin: {page}";
export const any = "Allow-Origin: *";
export const allowsNull = "Allow-Origin: null";
export const credentials = "Allow-Credentials: true";
export const headers = "Allow-Headers: authorization, content-type";

/** `Allow-Origin` stands for `Access-Control-Allow-Origin`, and so on. */
export function answer(status: number, ...lines: readonly string[]): Answer {
  return { status, headers: lines.map((line) => line.replace(/^(Allow-|Expose-|Max-Age)/, "Access-Control-$1")) };
}

export const reply = answer(200, origin);
/** Allows the article's call. */
export const open = answer(204, origin, headers);

/** A request without preflight and the lines of its reply. */
export function simple(name: string, ends: End, lines: readonly string[], asks: Asks = get): ServerCase {
  return { name, ends, behaviour: { reply: answer(200, ...lines) }, asks };
}

/** The answer to a preflight, by default for the article's call; the reply to the call is correct. */
export function preflight(name: string, ends: End, preflight: Answer, asks: Asks = articleCall): ServerCase {
  return { name, ends, behaviour: { preflight, reply }, asks };
}

/** The answer to the article's call itself, after a correct preflight. */
export function actual(name: string, ends: End, reply: Answer, asks: Asks = articleCall): ServerCase {
  return { name, ends, behaviour: { preflight: open, reply }, asks };
}

/** A header of the page, on a server without OPTIONS: allowed only if there is no preflight. */
export function sends(name: string, ends: End, asks: Asks): ServerCase {
  return preflight(name, ends, answer(404), asks);
}

/** A redirect, with Allow-Origin unless `lines` are given, and the answer on the path followed by /next. */
export function redirect(
  name: string,
  ends: End,
  [status, location, lines = [origin]]: readonly [status: number, location: string, lines?: readonly string[]],
  next: NonNullable<Behaviour["next"]>,
  asks: Asks = get,
): ServerCase {
  const reply = answer(status, ...lines, `Location: ${location}`);
  return { name, ends, behaviour: { preflight: open, reply, next }, asks };
}

/** The headers that a page can read. */
export function reads(name: string, lines: readonly string[], names: readonly string[], asks: Asks = get): ServerCase {
  return { ...simple(name, "allowed", lines, asks), reads: names };
}
