/**
 * The article's scenario in a real browser: a page on another origin calls the service with axios, an Authorization
 * header and JSON, so the browser asks by OPTIONS first.
 */
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchChromium } from "../setup/chromium.ts";
import { startTestService, type TestService } from "../setup/service.ts";

const METHOD = "/twirp/finance.v1.FinanceService/GetAccount";

let browser: Browser;
let service: TestService;
let pages: Server;
let pagesPort: number;
/** HTTP methods of the requests to the API since `asked` was last emptied. */
const asked: string[] = [];
let token: string;
let accountId: string;

beforeAll(async () => {
  const axios = await readFile(new URL("../../node_modules/axios/dist/axios.min.js", import.meta.url));
  pages = createServer((request, response) => {
    if (request.url === "/axios.js") response.setHeader("content-type", "text/javascript").end(axios);
    else response.setHeader("content-type", "text/html").end("<!doctype html><script src='/axios.js'></script>");
  });
  await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
  pagesPort = (pages.address() as AddressInfo).port;
  // localhost may call, 127.0.0.1 may not: two origins for the browser, one server for the test.
  service = await startTestService({ CORS_ALLOWED_ORIGINS: "http://localhost:*" });
  service.app.server.prependListener("request", ({ method = "" }) => asked.push(method));
  token = await service.token("alice");
  const wallet = { name: "Wallet", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD" };
  accountId = (await service.call("CreateAccount", wallet, token)).body.id;
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await service?.close();
  pages?.closeAllConnections();
  await new Promise((resolve) => pages.close(resolve));
});

interface Outcome {
  readonly status?: number;
  readonly data?: Record<string, unknown>;
  readonly headers?: Record<string, string>;
  /** axios's error code for a call without a readable reply. */
  readonly code?: string;
}

interface Visit {
  readonly outcome: Outcome;
  /** Messages in the browser's console. */
  readonly console: string;
}

/** Opens a page at `host` and makes the article's call from it. */
async function callFrom(
  host: "localhost" | "127.0.0.1",
  change: { token?: string; url?: string; data?: unknown } = {},
): Promise<Visit> {
  const context = await browser.newContext();
  try {
    const page: Page = await context.newPage();
    const lines: string[] = [];
    page.on("console", (line) => lines.push(line.text()));
    await page.goto(`http://${host}:${pagesPort}/`);
    asked.length = 0;
    const call = { url: `${service.url}${METHOD}`, token, data: { id: accountId }, ...change };
    const outcome = await page.evaluate(async ({ url, token, data }): Promise<Outcome> => {
      const { axios } = globalThis as unknown as { axios: typeof import("axios").default };
      const config = { headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` } };
      try {
        const { status, data: body, headers } = await axios.post(url, data, config);
        return { status, data: body, headers: { ...headers } as Record<string, string> };
      } catch (error) {
        if (!axios.isAxiosError(error)) throw error;
        const { response, code = "" } = error;
        return response ? { status: response.status, data: response.data, code } : { code };
      }
    }, call);
    return { outcome, console: lines.join("\n") };
  } finally {
    await context.close();
  }
}

test("on an allowed origin the browser asks first, the call works, and the page reads the exposed headers", async () => {
  const { outcome } = await callFrom("localhost");
  expect(outcome).toMatchObject({ status: 200, data: { id: accountId, name: "Wallet", owner: "alice" } });
  expect(outcome.headers?.["x-request-id"]).toMatch(/^[\w-]+$/);
  expect(asked).toEqual(["OPTIONS", "POST"]);
});

test("on a denied origin the browser blocks the call, which never reaches the service, and the log says why", async () => {
  const { outcome, console } = await callFrom("127.0.0.1");
  expect(outcome).toEqual({ code: "ERR_NETWORK" });
  expect(console).toContain("Response to preflight request doesn't pass access control check");
  expect(asked).toEqual(["OPTIONS"]);
  expect(service.log).toContainEqual(
    expect.objectContaining({
      cors: expect.objectContaining({ reason: "origin_not_allowed", origin: `http://127.0.0.1:${pagesPort}` }),
    }),
  );
});

test("with an expired token the page can read the 401 and its reason", async () => {
  const { outcome } = await callFrom("localhost", { token: await service.token("alice", "finance.read", -60) });
  expect(outcome).toMatchObject({ status: 401, data: { code: "unauthenticated", meta: { reason: "token_expired" } } });
});

test.each<[what: string, change: { url?: string; data?: unknown }, status: number, code: string]>([
  ["an account that is not there", { data: { id: "999" } }, 404, "not_found"],
  ["a method that is not there", { url: METHOD.replace("GetAccount", "Nope") }, 404, "bad_route"],
  ["a malformed URL", { url: "/twirp/%zz" }, 404, "bad_route"],
  ["a body of 2 MB", { data: { id: "1".repeat(2_000_000) } }, 400, "malformed"],
])("the page can read the refusal of %s", async (_, { url = METHOD, ...change }, status, code) => {
  const { outcome } = await callFrom("localhost", { ...change, url: `${service.url}${url}` });
  expect(outcome).toMatchObject({ status, data: { code } });
});

test("with nobody listening the page gets a network error and no answer", async () => {
  const { outcome } = await callFrom("localhost", { url: `http://127.0.0.1:1${METHOD}` });
  expect(outcome).toEqual({ code: "ERR_NETWORK" });
});
