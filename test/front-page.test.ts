import Fastify from "fastify";
import { expect, test } from "vitest";
import { readConfig } from "../src/config/config.ts";
import { frontPage, frontPageOf } from "../src/server/greeting.ts";

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

test.each<[asks: string, method: "GET" | "POST" | "HEAD", url: string, accept: string | undefined, shown: boolean]>([
  ["a browser at the root", "GET", "/", BROWSER, true],
  ["curl", "GET", "/", "*/*", false],
  ["a program that names no type", "GET", "/", undefined, false],
  ["a program for JSON", "GET", "/", "application/json", false],
  ["a browser elsewhere", "GET", "/twirp", BROWSER, false],
  ["a form", "POST", "/", BROWSER, false],
])("%s: %s %s", async (_, method, url, accept, shown) => {
  const app = Fastify();
  await app.register(frontPage, { html: "<h1>the page" });
  const reply = await app.inject({ method, url, headers: accept === undefined ? {} : { accept } });
  expect(reply.payload.includes("the page")).toBe(shown);
  expect(reply.statusCode).toBe(shown ? 200 : 404);
  await app.close();
});

test("the page links to the console or says that it is off; in production there is no page", () => {
  const page = (environment: Record<string, string>) => frontPageOf(readConfig(environment));
  expect(page({ HOST: "0.0.0.0", CONSOLE_PORT: "6173" })).toContain('<a href="http://localhost:6173/">');
  expect(page({ CONSOLE_PORT: "off", TWIRP_PREFIX: "/api" })).toMatch(/console is off[\s\S]*POST \/api\/finance\.v1/);
  const production = {
    NODE_ENV: "production",
    DATABASE_URL: "postgres://finance@db/finance",
    AUTH_JWT_SECRET: "a secret for tests, 32 bytes or more",
    CORS_ALLOWED_ORIGINS: "none",
  };
  expect(page(production)).toBeUndefined();
});
