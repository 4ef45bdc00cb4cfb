import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildConsole } from "../src/console.ts";
import { freePort } from "./setup/process.ts";

let root: string;
let pages: FastifyInstance;
let apiPort: number;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "finance-console-"));
  apiPort = await freePort();
  const log = pino({ level: "silent" });
  pages = await buildConsole({ root, log, apiPort, twirpPrefix: "/twirp", developmentToken: "a.b.c" });
});
afterAll(async () => {
  await pages?.close();
  await rm(root, { recursive: true, force: true });
});

test("on this machine a page gets the API's address, on the name it was reached by, and the development token", async () => {
  const reply = await pages.inject({ url: "/settings.json", headers: { host: "127.0.0.1:5173" } });
  expect(reply.json()).toEqual({
    apiUrl: `http://127.0.0.1:${apiPort}`,
    twirpPrefix: "/twirp",
    developmentToken: "a.b.c",
  });
  expect(reply.headers["cache-control"]).toBe("no-store");
});

test("the doctor's diagnosis is of the API, for a page on the console's own origin", async () => {
  const reply = await pages.inject({ url: "/diagnosis.json", headers: { host: "localhost:5173" } });
  expect(reply.json()).toMatchObject({
    allowed: false,
    request: {
      origin: "http://localhost:5173",
      url: `http://localhost:${apiPort}/twirp/finance.v1.FinanceService/GetAccount`,
    },
    failure: { code: "connection_refused" },
  });
});

test("a page that chose its own name gets no token, and nobody is asked on its behalf", async () => {
  const headers = { host: "attacker.example:5173" };
  expect((await pages.inject({ url: "/settings.json", headers })).json()).not.toHaveProperty("developmentToken");
  const diagnosis = await pages.inject({ url: "/diagnosis.json", headers });
  expect(diagnosis.statusCode).toBe(404);
});
