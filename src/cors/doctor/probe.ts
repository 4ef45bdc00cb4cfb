import http from "node:http";
import https from "node:https";
import { type BrowserIdentity, browserHeaders } from "./browser-headers.ts";
import type { FailureCode } from "./explanations.ts";
import type { Header } from "./header-list.ts";
import type { Probe, WireOutcome, WireRequest } from "./wire.ts";

/** How requests are sent. */
export interface ProbeOptions extends BrowserIdentity {
  /** Until the head of the response has come, for each request by itself. */
  readonly timeoutMs: number;
}

/** Chromium's own limit. */
const headBytesMax = 262_144;

/** Makes a probe over node:http, which keeps double header lines apart and lets Origin be set, as global fetch does not. */
export function createProbe(options: ProbeOptions): Probe {
  return async (request) => {
    try {
      return await exchange(request, options);
    } catch (error) {
      return { noResponse: classify(error, request.url, options.timeoutMs) };
    }
  };
}

function exchange(request: WireRequest, options: ProbeOptions): Promise<WireOutcome> {
  const { url, method, body } = request;
  return new Promise((resolve, reject) => {
    const client = url.protocol === "https:" ? https : http;
    const sent = client.request(url, {
      method,
      headers: Object.fromEntries(browserHeaders(request, options)),
      agent: false,
      setHost: false,
      signal: AbortSignal.timeout(options.timeoutMs),
      // Browsers put up with bytes in headers that Node refuses by default, and the browser's view is what counts.
      insecureHTTPParser: true,
      maxHeaderSize: headBytesMax,
    });
    // The constructor puts it in upper case; a browser sends patch as patch.
    sent.method = method;
    sent.on("error", reject);
    // Switching protocols is no answer to a page.
    sent.on("upgrade", (_response, socket) => {
      socket.destroy();
      reject(new Error("the server switches protocols"));
    });
    sent.on("response", (response) => {
      const headers: Header[] = [];
      const { rawHeaders, statusCode = 0 } = response;
      for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.push([rawHeaders[i] ?? "", rawHeaders[i + 1] ?? ""]);
      // The head decides everything, and a body may be endless.
      response.destroy();
      resolve({ response: { status: statusCode, headers } });
    });
    sent.end(body ?? undefined);
  });
}

function classify(error: unknown, url: URL, timeoutMs: number): { code: FailureCode; detail: string } {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError")) {
    return { code: "timed_out", detail: `nothing came within ${timeoutMs / 1000} s` };
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return { code: "host_not_found", detail: `the name ${url.hostname} cannot be resolved (${code})` };
  }
  if (code === "ECONNREFUSED") return { code: "connection_refused", detail: `nothing listens on ${url.host}` };
  if (code === "ETIMEDOUT") return { code: "timed_out", detail: `${url.host} cannot be reached (${code})` };
  if (code === "ECONNRESET" && message === "socket hang up") {
    return { code: "empty_response", detail: `${url.host} closes the connection` };
  }
  if (code.startsWith("HPE_")) return { code: "not_http", detail: `what came is not HTTP (${code})` };
  if (isTlsError(code)) return { code: "tls_failed", detail: `TLS fails: ${message.trim()} (${code})` };
  return { code: "connection_failed", detail: code === "" ? message : `${message} (${code})` };
}

/** https://nodejs.org/api/tls.html#x509-certificate-error-codes, https://nodejs.org/api/errors.html#openssl-error-codes */
function isTlsError(code: string): boolean {
  return /^(ERR_SSL|ERR_TLS|EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/.test(
    code,
  );
}
