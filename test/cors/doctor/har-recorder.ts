/**
 * Records a session of Chromium as its developer tools export it: they build the HAR from the same events of the protocol.
 * https://github.com/ChromeDevTools/devtools-frontend/blob/main/front_end/models/har/Log.ts
 */
import type { CDPSession, Page } from "playwright-core";

interface Recorded {
  readonly order: number;
  readonly startedAt: number;
  readonly issuedAt: number;
  readonly method: string;
  readonly url: string;
  readonly type: string;
  readonly initiator: unknown;
  requestHeaders: Readonly<Record<string, string>>;
  responseHeaders: Readonly<Record<string, string>>;
  status: number;
  error: string | null;
  endedAt: number;
  address: string;
}

export interface Recorder {
  /** The HAR of the events so far. The last of them can arrive shortly after the promise of the page. */
  har(): string;
}

export interface RecorderOptions {
  /** Leaves out cookies and tokens, as Chrome does by default. Default: false. */
  readonly sanitized?: boolean;
}

export async function recordSession(page: Page, { sanitized = false }: RecorderOptions = {}): Promise<Recorder> {
  const session: CDPSession = await page.context().newCDPSession(page);
  const requests: Recorded[] = [];
  /** Redirects keep their id, so each id has a list. */
  const byId = new Map<string, Recorded[]>();
  const extraResponses = new Map<string, number>();
  const extraRequests = new Map<string, number>();
  const last = (id: string) => byId.get(id)?.at(-1);

  session.on(
    "Network.requestWillBeSent",
    ({ requestId, request, wallTime, timestamp, type, initiator, redirectResponse }) => {
      const earlier = last(requestId);
      if (earlier !== undefined && redirectResponse !== undefined) {
        earlier.status = redirectResponse.status;
        if (Object.keys(earlier.responseHeaders).length === 0) earlier.responseHeaders = redirectResponse.headers;
        earlier.endedAt = timestamp;
      }
      const recorded: Recorded = {
        order: requests.length,
        startedAt: wallTime * 1000,
        issuedAt: timestamp,
        method: request.method,
        url: request.url,
        type: (type ?? "other").toLowerCase(),
        initiator: { type: initiator.type, ...(initiator.url !== undefined && { url: initiator.url }) },
        requestHeaders: request.headers,
        responseHeaders: {},
        status: 0,
        error: null,
        endedAt: timestamp,
        address: "",
      };
      requests.push(recorded);
      const list = byId.get(requestId);
      if (list === undefined) byId.set(requestId, [recorded]);
      else list.push(recorded);
    },
  );
  // The events with all headers come once for each redirect, in order.
  session.on("Network.requestWillBeSentExtraInfo", ({ requestId, headers }) => {
    const index = extraRequests.get(requestId) ?? 0;
    extraRequests.set(requestId, index + 1);
    later(requestId, index, (recorded) => {
      recorded.requestHeaders = headers;
    });
  });
  session.on("Network.responseReceivedExtraInfo", ({ requestId, headers, statusCode }) => {
    const index = extraResponses.get(requestId) ?? 0;
    extraResponses.set(requestId, index + 1);
    later(requestId, index, (recorded) => {
      recorded.responseHeaders = headers;
      recorded.status = statusCode;
    });
  });
  session.on("Network.responseReceived", ({ requestId, response }) => {
    const recorded = last(requestId);
    if (recorded === undefined) return;
    recorded.address = response.remoteIPAddress ?? "";
    if (recorded.status === 0) recorded.status = response.status;
    if (Object.keys(recorded.responseHeaders).length === 0) recorded.responseHeaders = response.headers;
  });
  session.on("Network.loadingFailed", ({ requestId, errorText, timestamp }) => {
    const recorded = last(requestId);
    if (recorded === undefined) return;
    recorded.error = errorText;
    recorded.endedAt = timestamp;
  });
  session.on("Network.loadingFinished", ({ requestId, timestamp }) => {
    const recorded = last(requestId);
    if (recorded !== undefined) recorded.endedAt = timestamp;
  });
  await session.send("Network.enable");

  const waiting: { id: string; index: number; change: (recorded: Recorded) => void }[] = [];
  function later(id: string, index: number, change: (recorded: Recorded) => void): void {
    const recorded = byId.get(id)?.[index];
    if (recorded === undefined) waiting.push({ id, index, change });
    else change(recorded);
  }

  return {
    har() {
      for (const { id, index, change } of waiting.splice(0)) {
        const recorded = byId.get(id)?.[index];
        if (recorded !== undefined) change(recorded);
      }
      return JSON.stringify(buildHar(requests, page.url(), sanitized));
    },
  };
}

function buildHar(requests: readonly Recorded[], pageUrl: string, sanitized: boolean) {
  const pages = [{ startedDateTime: new Date(0).toJSON(), id: "page_1", title: pageUrl, pageTimings: {} }];
  return {
    log: {
      version: "1.2",
      creator: { name: "WebInspector", version: "537.36" },
      pages,
      entries: requests.map((recorded) => buildEntry(recorded, sanitized)),
    },
  };
}

function buildEntry(recorded: Recorded, sanitized: boolean) {
  const location =
    Object.entries(recorded.responseHeaders).find(([name]) => name.toLowerCase() === "location")?.[1] ?? "";
  return {
    _initiator: recorded.initiator,
    _priority: "High",
    _resourceType: recorded.type,
    cache: {},
    pageref: "page_1",
    request: {
      method: recorded.method,
      url: recorded.url,
      httpVersion: "http/1.1",
      headers: listHeaders(recorded.requestHeaders, sanitized ? /^(authorization|cookie)$/i : null),
      queryString: [],
      cookies: [],
      headersSize: -1,
      bodySize: 0,
    },
    response: {
      status: recorded.status,
      statusText: "",
      httpVersion: "http/1.1",
      headers: listHeaders(recorded.responseHeaders, sanitized ? /^set-cookie$/i : null),
      cookies: [],
      content: { size: 0, mimeType: "x-unknown" },
      redirectURL: location,
      headersSize: -1,
      bodySize: -1,
      _transferSize: 0,
      _error: recorded.error,
    },
    serverIPAddress: recorded.address,
    startedDateTime: new Date(recorded.startedAt).toJSON(),
    time: (recorded.endedAt - recorded.issuedAt) * 1000,
    timings: {},
  };
}

/** The protocol separates the values of repeated lines by line feeds. */
function listHeaders(headers: Readonly<Record<string, string>>, left: RegExp | null) {
  return Object.entries(headers)
    .filter(([name]) => left === null || !left.test(name))
    .flatMap(([name, value]) => value.split("\n").map((line) => ({ name, value: line })));
}
