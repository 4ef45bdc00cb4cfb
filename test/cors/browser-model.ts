/**
 * How a browser judges a reply: the CORS check and the preflight of the Fetch standard over plain values.
 * https://fetch.spec.whatwg.org/#cors-check, https://fetch.spec.whatwg.org/#cors-preflight-fetch
 */
import type { RawReply } from "./raw-request.ts";

export interface Page {
  readonly origin: string;
  /** The credentials mode of the page's request is "include". */
  readonly credentials: boolean;
}

/** The call that the preflight announces. */
export interface WantedCall extends Page {
  readonly method: string;
  /** The names that are not safelisted, in lower case. */
  readonly headers: readonly string[];
}

/** Whether the page may read the reply to its actual request. */
export function passesCorsCheck(page: Page, reply: RawReply): boolean {
  const allowed = combined(reply, "access-control-allow-origin");
  if (allowed === null) return false;
  if (allowed === "*" && !page.credentials) return true;
  if (allowed !== page.origin) return false;
  return !page.credentials || combined(reply, "access-control-allow-credentials") === "true";
}

/** Whether the browser sends the actual request after this reply to its preflight. */
export function passesPreflight(call: WantedCall, reply: RawReply): boolean {
  if (!passesCorsCheck(call, reply) || reply.status < 200 || reply.status > 299) return false;
  const methods = names(combined(reply, "access-control-allow-methods"));
  const headers = names(combined(reply, "access-control-allow-headers"));
  if (methods === null || headers === null) return false;
  const anyMethod = methods.includes("*") && !call.credentials;
  const anyHeader = headers.includes("*") && !call.credentials;
  const safelisted = call.method === "GET" || call.method === "HEAD" || call.method === "POST";
  if (!safelisted && !anyMethod && !methods.includes(call.method)) return false;
  const listed = headers.map((header) => header.toLowerCase());
  return call.headers.every(
    (header) => listed.includes(header.toLowerCase()) || (anyHeader && header.toLowerCase() !== "authorization"),
  );
}

/** All lines of a header joined as https://fetch.spec.whatwg.org/#concept-header-list-get does; null when absent. */
function combined(reply: RawReply, name: string): string | null {
  return reply.headers.get(name)?.join(", ") ?? null;
}

/** The elements of a list of tokens; null when one is not a token. */
function names(list: string | null): string[] | null {
  const elements = (list ?? "")
    .split(",")
    .map((element) => element.trim())
    .filter((element) => element !== "");
  return elements.every((element) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(element)) ? elements : null;
}
