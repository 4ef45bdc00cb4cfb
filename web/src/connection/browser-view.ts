/** What a browser lets a page find out about CORS by itself: what it gets, and what it is refused. */

/** One question that the page put to the API. */
export interface Finding {
  readonly what: string;
  readonly answer: string;
  readonly isGood: boolean;
}

export interface BrowserView {
  readonly findings: readonly Finding[];
  /** Of the API's answer to a call, those that the page may read; undefined when it may read nothing. */
  readonly readableHeaders: readonly string[] | undefined;
}

/**
 * Tries the API three ways from this page.
 *
 * Without CORS a browser sends the request and keeps the answer to itself, which tells a server that is down from one that
 * refuses. A plain GET needs no preflight. A call with a token and JSON does.
 *
 * @param url of a method of the service.
 * @param token absent: the call is sent with none, which the service refuses with an answer that the page can read.
 */
export async function askAsBrowser(apiUrl: string, url: string, token: string | undefined): Promise<BrowserView> {
  const health = `${apiUrl}/healthz`;
  const [reached, plain, call] = await Promise.all([
    attempt(() => fetch(health, { mode: "no-cors", cache: "no-store" })),
    attempt(() => fetch(health, { cache: "no-store" })),
    attempt(() =>
      fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token ?? "none"}` },
        body: "{}",
      }),
    ),
  ]);
  return {
    findings: [
      {
        what: "Is anything there?",
        answer: reached
          ? "Yes: a request without CORS is answered"
          : "No answer at all: the API is down, or out of reach",
        isGood: reached !== undefined,
      },
      {
        what: "May this page read a plain GET?",
        answer: plain ? `Yes: HTTP ${plain.status}` : "No: no answer that the page may read",
        isGood: plain !== undefined,
      },
      {
        what: "May it send a call, with a token and JSON?",
        answer: call
          ? `Yes: HTTP ${call.status}, after a preflight that the browser keeps to itself`
          : "No: the preflight or the call was refused, or nothing answered",
        isGood: call !== undefined,
      },
    ],
    readableHeaders: call && [...call.headers.keys()].sort(),
  };
}

async function attempt(send: () => Promise<Response>): Promise<Response | undefined> {
  return await send().catch(() => undefined);
}
