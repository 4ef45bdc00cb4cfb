import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestService, type TestService } from "../setup/service.ts";

let service: TestService;
let token: string;

beforeAll(async () => {
  service = await startTestService({ LOG_LEVEL: "silent" });
  token = await service.token("alice");
});
afterAll(() => service.close());

const rpc = "/twirp/finance.v1.FinanceService/ListAccounts";
const page = { origin: "http://localhost:5173" };

test.each<[what: string, method: string, path: string, headers: () => Record<string, string>, status: number]>([
  ["a call", "POST", rpc, () => ({ ...page, authorization: `Bearer ${token}` }), 200],
  ["a call without a token", "POST", rpc, () => page, 401],
  ["an unknown path", "GET", "/missing", () => ({}), 404],
  ["a malformed path", "GET", "/%zz", () => ({}), 404],
  ["a preflight", "OPTIONS", rpc, () => ({ ...page, "access-control-request-method": "POST" }), 204],
  [
    "a refused preflight",
    "OPTIONS",
    rpc,
    () => ({ origin: "http://evil.test", "access-control-request-method": "POST" }),
    403,
  ],
  ["a probe", "GET", "/readyz", () => ({}), 200],
  ["a scrape", "GET", "/metrics", () => ({}), 200],
])("%s is answered with headers that let no browser guess, keep, render or embed it", async (...row) => {
  const [, method, path, headers, status] = row;
  const reply = await fetch(`${service.url}${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers() },
    ...(method === "POST" && { body: "{}" }),
  });
  await reply.arrayBuffer();
  expect(reply.status).toBe(status);
  expect(Object.fromEntries(reply.headers)).toMatchObject({
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
  });
});

test("any page may see without CORS that the service is up, and nothing else", async () => {
  const reply = await fetch(`${service.url}/healthz`);
  expect(await reply.json()).toEqual({ status: "ok" });
  expect(reply.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
});
