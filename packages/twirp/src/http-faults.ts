import { type IncomingMessage, METHODS } from "node:http";
import { TwirpError, TwirpErrorCode } from "twirp-ts";
import { STATUS_OF_CODE } from "./errors.ts";
import { badRoute } from "./paths.ts";
import { quote } from "./quote.ts";

/** Why something is no request that this server answers, as far as HTTP is concerned. */
export interface HttpFault {
  /** Twirp has no code for some statuses, which proxies and browsers know all the same. */
  readonly status: number;
  readonly error: TwirpError;
  /** Whether it is unclear where the next request starts, so that the connection cannot go on. */
  readonly closes: boolean;
}

/** Most header lines of a request: Node drops further ones in silence unless it is asked for more. */
export const HEADER_LINES_MAX = 1000;

/** What Go's servers allow: https://pkg.go.dev/golang.org/x/net/http/httpguts#ValidHostHeader */
const HOST = /^[\w!$%&'()*+,.:;=[\]~-]*$/;

/** What HTTP does not allow of a request that Node has read; undefined when there is nothing. */
export function findFault(request: IncomingMessage): HttpFault | undefined {
  const { httpVersion, headers, rawHeaders, method = "", url = "" } = request;
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return unsupportedVersion(`HTTP/${httpVersion}`);
  if (rawHeaders.length > 2 * HEADER_LINES_MAX) {
    return malformed(`its header has more than ${HEADER_LINES_MAX} lines`, { status: 431, closes: true });
  }
  if (!isMethod(method)) return unknownMethod(method, url);
  const coding = headers["transfer-encoding"];
  if (coding !== undefined) {
    // https://www.rfc-editor.org/rfc/rfc9112#section-6.1
    if (httpVersion === "1.0") return malformed("HTTP/1.0 has no Transfer-Encoding", { closes: true });
    if (coding.toLowerCase() !== "chunked") return unsupportedCoding(coding);
  }
  // https://www.rfc-editor.org/rfc/rfc9112#section-3.2
  const { host } = headers;
  if (host === undefined) return httpVersion === "1.1" ? malformed("it has no Host header") : undefined;
  if (!HOST.test(host)) return malformed(`its Host ${quote(host)} is no host`);
  return countHosts(rawHeaders) > 1 ? malformed("it has more than one Host header") : undefined;
}

/** `headers` keeps the first of several Hosts only. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (name.length === 4 && name.toLowerCase() === "host") count += 1;
  }
  return count;
}

/** Whether Node knows a method: its parser also takes some of RTSP, which resembles HTTP/1.0. */
export function isMethod(method: string): boolean {
  return KNOWN_METHODS.has(method);
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);

/** No route takes a method that Node does not know. */
export function unknownMethod(method: string, target: string): HttpFault {
  const error = badRoute(method, target, { prefix: "", services: new Set() });
  return { status: STATUS_OF_CODE.get(error.code) ?? 404, error, closes: true };
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-15.6.6 */
export function unsupportedVersion(version: string): HttpFault {
  return malformed(`${version} is not supported: send HTTP/1.1`, { status: 505, closes: true });
}

/** https://www.rfc-editor.org/rfc/rfc9112#section-6.1 */
export function unsupportedCoding(coding: string): HttpFault {
  return fault(TwirpErrorCode.Unimplemented, `Transfer-Encoding ${quote(coding)} is not supported: only chunked is`, {
    closes: true,
  });
}

/** A request that is `malformed`, for a reason that reads on from "failed to read request:". */
export function malformed(reason: string, how: Partial<Pick<HttpFault, "status" | "closes">> = {}): HttpFault {
  return fault(TwirpErrorCode.Malformed, reason, how);
}

export function fault(
  code: TwirpErrorCode,
  reason: string,
  { status = STATUS_OF_CODE.get(code) ?? 500, closes = false }: Partial<Pick<HttpFault, "status" | "closes">> = {},
): HttpFault {
  return { status, error: new TwirpError(code, `failed to read request: ${reason}`), closes };
}
