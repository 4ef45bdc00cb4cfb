/** What pages on other origins can do under each kind of policy, in every installed browser. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { browsers, type TestBrowser } from "../setup/browsers.ts";
import { startTestService, type TestService } from "../setup/service.ts";

interface CallOptions {
  readonly url: string;
  readonly method?: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly credentials?: string;
}

interface Outcome {
  readonly status?: number;
  readonly code?: string;
  readonly readable?: Record<string, string>;
  readonly blocked?: true;
}

const callSource = `async ({ url, ...options }) => {
  try {
    const response = await fetch(url, { method: "POST", ...options });
    const body = await response.json();
    return { status: response.status, code: body.code, readable: Object.fromEntries(response.headers) };
  } catch {
    return { blocked: true };
  }
}`;

/** The pages' server: the same empty page for every host name and path. */
let pages: Server;
let pagesPort: number;

beforeAll(async () => {
  pages = createServer((_request, response) => response.setHeader("content-type", "text/html").end("<!doctype html>"));
  pages.listen(0, "127.0.0.1");
  await once(pages, "listening");
  pagesPort = (pages.address() as AddressInfo).port;
});
afterAll(async () => {
  pages.closeAllConnections();
  pages.close();
});

describe.each(browsers)("in %s", (_, launch) => {
  if (launch === undefined) {
    test.skipIf(!process.env["CI"])("(skipped where Firefox is not installed)", () => expect.fail("CI needs Firefox"));
    return;
  }

  let browser: TestBrowser;
  let service: TestService;
  /** The requests to the service, as "METHOD cookie". */
  const asked: string[] = [];

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());
  afterEach(() => service?.close());

  async function given(environment: Record<string, string>): Promise<void> {
    service = await startTestService(environment);
    asked.length = 0;
    service.app.server.prependListener("request", ({ method = "", headers }) => {
      asked.push(headers.cookie === undefined ? method : `${method} ${headers.cookie}`);
    });
  }

  /** Makes calls one after the other from a new page at `host`. */
  async function callsFrom(
    host: string,
    changes: readonly Partial<CallOptions>[],
    before?: string,
  ): Promise<Outcome[]> {
    const page = await browser.newPage();
    try {
      await page.goto(`http://${host}:${pagesPort}/`);
      if (before !== undefined) await page.evaluate(before, null);
      const url = `${service.url}/twirp/finance.v1.FinanceService/ListAccounts`.replace("127.0.0.1", "localhost");
      const authorization = `Bearer ${await service.token("alice")}`;
      const outcomes: Outcome[] = [];
      for (const change of changes) {
        const call = { url, headers: { "content-type": "application/json", authorization }, body: "{}", ...change };
        // The source above returns exactly this.
        outcomes.push((await page.evaluate(callSource, call)) as Outcome);
      }
      return outcomes;
    } finally {
      await page.close();
    }
  }

  const callFrom = async (host: string, change: Partial<CallOptions> = {}) => (await callsFrom(host, [change]))[0];

  test("a listed origin may call and another may not, though its port is the same", async () => {
    await given({ CORS_ALLOWED_ORIGINS: `http://localhost:${pagesPort}` });
    expect(await callFrom("localhost")).toMatchObject({ status: 200 });
    expect(await callFrom("127.0.0.1")).toEqual({ blocked: true });
  });

  test("a pattern allows every subdomain, but neither its parent nor a name with the same ending", async () => {
    await given({ CORS_ALLOWED_ORIGINS: "http://*.app.localhost:*" });
    expect(await callFrom("one.app.localhost")).toMatchObject({ status: 200 });
    expect(await callFrom("a.b.app.localhost")).toMatchObject({ status: 200 });
    expect(await callFrom("app.localhost")).toEqual({ blocked: true });
    expect(await callFrom("evilapp.localhost")).toEqual({ blocked: true });
  });

  test("* allows every origin without cookies and none with them", async () => {
    await given({ CORS_ALLOWED_ORIGINS: "*" });
    expect(await callFrom("127.0.0.1")).toMatchObject({ status: 200 });
    expect(await callFrom("127.0.0.1", { credentials: "include" })).toEqual({ blocked: true });
  });

  test("with credentials allowed the cookie is sent and the page reads the reply; the preflight has no cookie", async () => {
    await given({ CORS_ALLOWED_ORIGINS: "http://localhost:*", CORS_ALLOW_CREDENTIALS: "true" });
    const setCookie = `async () => { document.cookie = "session=ada; path=/"; }`;
    expect(await callsFrom("localhost", [{ credentials: "include" }], setCookie)).toMatchObject([{ status: 200 }]);
    expect(asked).toEqual(["OPTIONS", "POST session=ada"]);
  });

  test("without credentials allowed a call with cookies is blocked", async () => {
    await given({ CORS_ALLOWED_ORIGINS: "http://localhost:*" });
    expect(await callFrom("localhost", { credentials: "include" })).toEqual({ blocked: true });
  });

  test("a header must be on the list", async () => {
    await given({ CORS_ALLOWED_HEADERS: "authorization,content-type,x-trace" });
    const authorization = `Bearer ${await service.token("alice")}`;
    const headers = { authorization, "content-type": "application/json" };
    expect(await callFrom("localhost", { headers: { ...headers, "x-trace": "1" } })).toMatchObject({ status: 200 });
    expect(await callFrom("localhost", { headers: { ...headers, "x-other": "1" } })).toEqual({ blocked: true });
  });

  test("a page reads the exposed headers and no others", async () => {
    await given({ CORS_EXPOSED_HEADERS: "x-request-id" });
    const outcome = await callFrom("localhost", { headers: { "content-type": "application/json" } });
    expect(outcome).toMatchObject({ status: 401, code: "unauthenticated" });
    expect(Object.keys(outcome?.readable ?? {})).toContain("x-request-id");
    expect(Object.keys(outcome?.readable ?? {})).not.toContain("www-authenticate");
  });

  test("a page can read every error: a bad token, a bad body, an unknown path, an unknown method", async () => {
    await given({});
    const authorization = `Bearer ${await service.token("alice", "finance.write")}`;
    const headers = { "content-type": "application/json", authorization };
    const outcomes = await callsFrom("localhost", [
      { headers: { ...headers, authorization: "Bearer nonsense" } },
      { body: "{" },
      { headers },
      { url: `${service.url}/nowhere`.replace("127.0.0.1", "localhost") },
      { body: `{"name_prefix":"${"x".repeat(1_100_000)}"}` },
    ]);
    expect(outcomes.map(({ status, code }) => `${status} ${code}`)).toEqual([
      "401 unauthenticated",
      "400 malformed",
      "403 permission_denied",
      "404 bad_route",
      "400 malformed",
    ]);
  });

  test("a cached preflight is not repeated, unless caching is disabled", async () => {
    await given({ CORS_MAX_AGE: "600" });
    await callsFrom("localhost", [{}, {}]);
    expect(asked).toEqual(["OPTIONS", "POST", "POST"]);
    await service.close();
    await given({ CORS_MAX_AGE: "disable" });
    await callsFrom("localhost", [{}, {}]);
    expect(asked).toEqual(["OPTIONS", "POST", "OPTIONS", "POST"]);
  });
});
