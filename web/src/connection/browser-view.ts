/** What a page can find out about CORS without the doctor: which requests work and which fail. */

/** One question to the API, and its answer. */
export interface Finding {
  readonly what: string;
  readonly answer: string;
  readonly isGood: boolean;
}

export interface BrowserView {
  readonly findings: readonly Finding[];
  /** Headers of a call's reply that the page may read; undefined if it may read nothing. */
  readonly readableHeaders: readonly string[] | undefined;
}

/**
 * Tries the API three ways from this page.
 *
 * 1. A request without CORS: the reply is hidden, but it shows whether the server is up.
 * 2. A plain GET, which needs no preflight.
 * 3. A call with a token and JSON, which needs one.
 *
 * @param url The URL of a method of the service.
 * @param token Absent: a token that the service refuses, with a reply that the page can read.
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
        what: "Is the API up?",
        answer: reached
          ? "Yes: it answers a request without CORS"
          : "No answer at all: the API is down or can't be reached",
        isGood: reached !== undefined,
      },
      {
        what: "May this page read the reply to a plain GET?",
        answer: plain ? `Yes: HTTP ${plain.status}` : "No: there was no reply that this page may read",
        isGood: plain !== undefined,
      },
      {
        what: "May it make a call, with a token and JSON?",
        answer: call
          ? `Yes: HTTP ${call.status}, after a preflight that browsers hide from pages`
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
