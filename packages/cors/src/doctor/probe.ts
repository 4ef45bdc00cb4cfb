import { connect as connectTcp, isIP, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { isLoopback, isLoopbackName } from "../origins.ts";
import { spaceOfAddress } from "./address-spaces.ts";
import type { Header } from "./checks.ts";
import { isThirdParty } from "./cookies.ts";
import type { NoResponse, Probe, WireOutcome, WireRequest } from "./diagnosis.ts";
import { readResponseHead } from "./response-head.ts";
import { siteOf } from "./sites.ts";

/** A recent Chrome. */
export const chromeUserAgent =
  "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36";

/**
 * All header lines that Chromium sends, including those of the page, except client hints such as sec-ch-ua, because no
 * server decides CORS by them.
 */
function browserHeaders(request: WireRequest, userAgent: string): Header[] {
  const { url, method, body, origin } = request;
  const ofPage = new Set(request.headers.map(([name]) => name));
  const headers: Header[] = [
    ["Host", url.host],
    ["Connection", "keep-alive"],
  ];
  if (body !== null || method === "POST" || method === "PUT") {
    headers.push(["Content-Length", String(Buffer.byteLength(body ?? ""))]);
  }
  if (request.revalidates && !ofPage.has("cache-control")) headers.push(["Cache-Control", "max-age=0"]);
  if (!ofPage.has("accept")) headers.push(["Accept", "*/*"]);
  // Chromium does not let a page choose its User-Agent.
  headers.push(...request.headers.filter(([name]) => name !== "user-agent"));
  if (origin !== null) headers.push(["Origin", origin]);
  headers.push(["User-Agent", userAgent]);
  const trustworthy = isTrustworthy(url);
  if (trustworthy || request.kind === "preflight") headers.push(["Sec-Fetch-Mode", "cors"]);
  if (trustworthy) headers.push(["Sec-Fetch-Site", siteRelation(request)], ["Sec-Fetch-Dest", "empty"]);
  const referer = referrerOf(request);
  if (referer !== null) headers.push(["Referer", referer]);
  // Chromium offers newer codings only where an old proxy cannot break them.
  const codings = trustworthy ? "gzip, deflate, br, zstd" : "gzip, deflate";
  headers.push(["Accept-Encoding", ofPage.has("range") ? "identity" : codings]);
  if (!ofPage.has("accept-language")) headers.push(["Accept-Language", "en-US,en;q=0.9"]);
  return headers;
}

/** https://w3c.github.io/webappsec-secure-contexts/#is-origin-trustworthy: only such URLs get fetch metadata. */
function isTrustworthy(url: URL): boolean {
  return url.protocol === "https:" || isLoopback(url.hostname);
}

/** https://w3c.github.io/webappsec-fetch-metadata/#sec-fetch-site-header, for the most distant of all URLs. */
function siteRelation({ pageOrigin, redirectedFrom, url }: WireRequest): string {
  const relations = [...redirectedFrom, url].map((each) => relationTo(pageOrigin, each));
  return ["cross-site", "same-site"].find((relation) => relations.includes(relation)) ?? "same-origin";
}

function relationTo(pageOrigin: string, url: URL): string {
  if (pageOrigin === url.origin) return "same-origin";
  return isThirdParty({ origin: pageOrigin, url, siteOf }) ? "cross-site" : "same-site";
}

/** https://w3c.github.io/webappsec-referrer-policy/: strict-origin-when-cross-origin, every browser's default. */
function referrerOf({ pageOrigin, sendsReferrer }: WireRequest): string | null {
  return sendsReferrer && /^https?:/.test(pageOrigin) ? `${pageOrigin}/` : null;
}

/** How to send requests. */
export interface ProbeOptions {
  /** The User-Agent of the browser to imitate. */
  readonly userAgent: string;
  /** For each request, until the head of the response is complete. */
  readonly timeoutMs: number;
  /** Certificates to trust, in PEM. Default: those that Node trusts. */
  readonly ca?: string;
}

/**
 * Makes a probe over plain sockets, because node:http refuses heads that browsers accept, and accepts some that they
 * refuse. The body is not read: the head decides everything, and a body may be endless.
 */
export function createProbe(options: ProbeOptions): Probe {
  return (request) => exchange(request, options);
}

function exchange(request: WireRequest, options: ProbeOptions): Promise<WireOutcome> {
  const { url } = request;
  const secure = url.protocol === "https:";
  return new Promise((resolve) => {
    const socket = open(url, secure, options.ca);
    const settle = (outcome: WireOutcome) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ ...outcome, ...(address !== undefined && { address }) });
    };
    const detail = `nothing came within ${options.timeoutMs / 1000} s`;
    const timer = setTimeout(() => settle({ noResponse: { code: "timed_out", detail } }), options.timeoutMs);
    let address: string | undefined;
    socket.on(secure ? "secureConnect" : "connect", () => {
      address = socket.remoteAddress;
      const space = spaceOfAddress(address ?? "");
      if (space === null || !request.blockedSpaces.includes(space)) {
        socket.write(printRequest(request, options.userAgent));
        return;
      }
      settle({ noResponse: { code: "connection_failed", detail: "the connection was closed unused" } });
    });
    let text = "";
    const read = (ended: boolean) => {
      const reading = readResponseHead({ text, method: request.method, ended, secure, defaultPort: url.port === "" });
      if (reading.kind === "response") settle({ response: reading.response });
      if (reading.kind === "error") settle({ noResponse: explainReading(reading.error, url) });
    };
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      read(false);
    });
    socket.on("end", () => read(true));
    socket.on("error", (error) => settle({ noResponse: explainError(error, url) }));
  });
}

function open(url: URL, secure: boolean, ca: string | undefined): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  const target = { host, port, ...(isLoopbackName(host) && hasLabels(host) && { lookup: lookupLoopback }) };
  if (!secure) return connectTcp(target);
  const servername = isIP(host) === 0 ? { servername: host.replace(/\.$/, "") } : {};
  return connectTls({ ...target, ...servername, ...(ca !== undefined && { ca }), ALPNProtocols: ["http/1.1"] });
}

/** A name with an empty or too long label has no address, even under localhost. */
function hasLabels(name: string): boolean {
  const labels = name.replace(/\.$/, "").split(".");
  return labels.every(({ length }) => length >= 1 && length <= 63);
}

/** Browsers do not use a resolver for these names, and some systems do not know them. */
const lookupLoopback: LookupFunction = (_name, _options, answer) => {
  answer(null, [
    { address: "::1", family: 6 },
    { address: "127.0.0.1", family: 4 },
  ]);
};

function printRequest(request: WireRequest, userAgent: string): Buffer {
  const { method, body } = request;
  const lines = browserHeaders(request, userAgent).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${method} ${requestTarget(request.url)} HTTP/1.1\r\n${lines.join("")}\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(body ?? "")]);
}

/** Path and query. Unlike `search`, this keeps a question mark without a query. */
function requestTarget({ href, origin }: URL): string {
  const [target = ""] = href.slice(origin.length).split("#");
  return target;
}

/** Texts for the errors that Chromium has for invalid heads. */
const readingErrors: Readonly<Record<string, string>> = {
  RESPONSE_HEADERS_TRUNCATED: "the connection ended within the head of the response",
  RESPONSE_HEADERS_TOO_BIG: "the head of the response is longer than 256 KiB",
  RESPONSE_HEADERS_MULTIPLE_CONTENT_LENGTH: "Content-Length came with different values",
  RESPONSE_HEADERS_MULTIPLE_CONTENT_DISPOSITION: "Content-Disposition came with different values, or has a bare comma",
  RESPONSE_HEADERS_MULTIPLE_LOCATION: "Location came with different values",
  METHOD_NOT_SUPPORTED: "the response is HTTP/0.9, which has no PUT",
  UNEXPECTED_PROXY_AUTH: "the status is 407, which only a proxy may send",
};

function explainReading(error: string, url: URL): NoResponse {
  if (error === "EMPTY_RESPONSE") return { code: "empty_response", detail: `${url.host} closes the connection` };
  if (error === "INVALID_HTTP_RESPONSE") return { code: "not_http", detail: "the response is not HTTP" };
  return { code: "invalid_response", detail: readingErrors[error] ?? error, chrome: `net::ERR_${error}` };
}

function explainError(error: Error, url: URL): NoResponse {
  const code = codeOf(error);
  // For a name with several addresses, there is an error for each.
  const codes = error instanceof AggregateError ? error.errors.map(codeOf) : [code];
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return { code: "host_not_found", detail: `the name ${url.hostname} cannot be resolved (${code})` };
  }
  if (codes.includes("ECONNREFUSED")) return { code: "connection_refused", detail: `nothing listens on ${url.host}` };
  if (code === "ETIMEDOUT") return { code: "timed_out", detail: `${url.host} cannot be reached (${code})` };
  // If the request was written before the handshake ended, the code is only EPROTO.
  if (error.message.includes("alert no application protocol")) {
    const detail = `${url.host} speaks only HTTP/2, which browsers speak and this check does not: it cannot judge this server`;
    return { code: "tls_failed", detail };
  }
  if (isTlsError(code)) return { code: "tls_failed", detail: `TLS fails: ${error.message.trim()} (${code})` };
  return { code: "connection_failed", detail: code === "" ? error.message : `${error.message} (${code})` };
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** https://nodejs.org/api/tls.html#x509-certificate-error-codes, https://nodejs.org/api/errors.html#openssl-error-codes */
function isTlsError(code: string): boolean {
  return /^(ERR_SSL|ERR_TLS|EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/.test(
    code,
  );
}
