import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { pino } from "pino";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { buildConsole, type ConsoleOptions } from "../src/server/console.ts";
import { freePort } from "./setup/process.ts";

const root = join(inject("scratch"), "console-pages");

beforeAll(async () => {
  await mkdir(root, { recursive: true });
  for (const name of ["index.html", "doctor.html"]) await writeFile(join(root, name), "<!doctype html>");
});

async function get(
  path: string,
  host: string,
  change: Partial<ConsoleOptions> = {},
  remoteAddress = "127.0.0.1",
  headers: Record<string, string> = {},
) {
  const app = await buildConsole({
    root,
    log: pino({ level: "silent" }),
    api: { port: 9707 },
    twirpPrefix: "/twirp",
    developmentToken: "a token",
    ...change,
  });
  const reply = await app.inject({ url: path, headers: { host, ...headers }, remoteAddress });
  await app.close();
  return reply;
}

test.each(["/", "/settings.json", "/missing"])("%s has the headers that keep other pages out", async (path) => {
  const { headers } = await get(path, "localhost:5173");
  expect(headers).toMatchObject({
    "content-security-policy":
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
      "connect-src 'self' http://localhost:9707; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "origin-agent-cluster": "?1",
    "permissions-policy": expect.stringContaining("camera=()"),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
  });
});

test("the doctor's page has an origin of its own and no connections", async () => {
  const { statusCode, headers } = await get("/doctor.html", "localhost:5173");
  expect(statusCode).toBe(200);
  expect(headers).toMatchObject({
    "content-security-policy": "sandbox allow-scripts; connect-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "unsafe-none",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
  });
});

describe("the API is", () => {
  const elsewhere = { api: { url: "https://api.example.com" } };
  test.each<[where: string, host: string, change: Partial<ConsoleOptions>, apiUrl: string]>([
    ["on the page's own host", "books.example:5173", {}, "http://books.example:9707"],
    ["on an address of version 6", "[::1]:5173", {}, "http://[::1]:9707"],
    ["at the URL that was set", "localhost:5173", elsewhere, "https://api.example.com"],
    ["not at a Host that no browser sends", "x;script-src*", {}, "http://localhost:9707"],
  ])("%s", async (_, host, change, apiUrl) => {
    const { headers, payload } = await get("/settings.json", host, change);
    expect(JSON.parse(payload)).toMatchObject({ apiUrl, twirpPrefix: "/twirp" });
    expect(headers["content-security-policy"]).toContain(`connect-src 'self' ${apiUrl};`);
  });
});

test.each([
  ["localhost:5173", "127.0.0.1", "a token"],
  ["localhost:5173", "127.8.0.1", "a token"],
  ["localhost:5173", "::1", "a token"],
  ["localhost:5173", "::ffff:127.0.0.1", "a token"],
  ["rebound.example:5173", "127.0.0.1", undefined],
  ["localhost:5173", "192.0.2.7", undefined],
  ["127.0.0.1:5173", "::ffff:192.0.2.7", undefined],
  ["[::1]:5173", "2001:db8::7", undefined],
])("at %s, for a client at %s, the development token is %s", async (host, remoteAddress, token) => {
  const { payload } = await get("/settings.json", host, {}, remoteAddress);
  expect(JSON.parse(payload).developmentToken).toBe(token);
});

test.each(["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"])(
  "a request that a proxy on this machine forwarded with %s gets no token and no diagnosis",
  async (name) => {
    const { payload } = await get("/settings.json", "localhost:5173", {}, "127.0.0.1", { [name]: "192.0.2.7" });
    expect(JSON.parse(payload).developmentToken).toBeUndefined();
    const diagnosis = await get("/diagnosis.json", "localhost:5173", {}, "127.0.0.1", { [name]: "192.0.2.7" });
    expect(diagnosis.statusCode).toBe(404);
  },
);

test.each(["localhost:", "localhost:80"])("the page at %s has the origin that browsers write", async (host) => {
  const reply = await get("/diagnosis.json", host, { api: { port: await freePort() } });
  expect(JSON.parse(reply.payload)).toMatchObject({ request: { origin: "http://localhost" } });
});

test("the doctor diagnoses the API on this machine, for a page on the console's own origin", async () => {
  const port = await freePort();
  const reply = await get("/diagnosis.json", "localhost:5173", { api: { port } });
  expect(JSON.parse(reply.payload)).toMatchObject({
    allowed: false,
    request: {
      origin: "http://localhost:5173",
      url: `http://localhost:${port}/twirp/finance.v1.FinanceService/GetAccount`,
    },
    failure: { code: "connection_refused" },
  });
});

test.each<[why: string, host: string, change: Partial<ConsoleOptions>]>([
  ["a page that chose its own name", "rebound.example:5173", {}],
  ["a host with a malformed port", "localhost:abc", {}],
  ["a host whose port is too large", "localhost:99999", {}],
  ["a host whose port is 0", "localhost:0", {}],
  ["an API elsewhere", "localhost:5173", { api: { url: "https://api.example.com" } }],
])("the doctor asks nobody on behalf of %s", async (_, host, change) => {
  expect((await get("/diagnosis.json", host, change)).statusCode).toBe(404);
});

test("the console closes in spite of a browser that connected in advance and sent nothing", async () => {
  const app = await buildConsole({
    root,
    log: pino({ level: "silent" }),
    api: { port: 9707 },
    twirpPrefix: "/twirp",
    developmentToken: undefined,
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new Error("it does not listen on a port");
  const socket = connect(address.port, "127.0.0.1");
  await once(socket, "connect");
  const cut = once(socket, "close");
  socket.on("error", () => undefined);
  await app.close();
  await cut;
});
