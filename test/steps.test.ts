/** Through the whole server, headers, paths and tokens take at most linear steps. */
import { generateKeyPairSync } from "node:crypto";
import { exportJWK, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createAuthenticator } from "../src/auth/index.ts";
import { readPageToken, writePageToken } from "../src/finance/records/page.ts";
import { type Form, type Forms, steepOf, steepOfAsync } from "./setup/growth.ts";
import { startTestService, type TestService } from "./setup/service.ts";
import { StepCounter } from "./setup/step-counter.ts";

/** The smaller of the two compared sizes: the larger must fit into a header. */
const SIZE = 2048;

const METHOD = "/twirp/finance.v1.FinanceService/GetAccount";

// Counting blocks makes code slow.
vi.setConfig({ testTimeout: 120_000 });

let counter: StepCounter;
let service: TestService;
let token: string;

beforeAll(async () => {
  // Start before the server's code is compiled, so that its blocks are counted.
  counter = new StepCounter();
  const environment = { TRUST_PROXY: "loopback", CORS_ALLOWED_ORIGINS: "http://localhost:*,https://*.example.com" };
  service = await startTestService({ LOG_LEVEL: "info", ...environment }, { sweepIntervalMs: 3_600_000 });
  token = await service.token("alice");
});
afterAll(async () => {
  counter.close();
  await service.close();
});

const of =
  (text: string): Form =>
  (size) =>
    text.repeat(size / text.length);

const texts: Forms = {
  letters: of("a"),
  capitals: of("A"),
  digits: of("1"),
  zeros: of("0"),
  blanks: (size) => `a${" ".repeat(size)}a`,
  tabs: (size) => `a${"\t".repeat(size)}a`,
  commas: of(","),
  "commas and blanks": of(", "),
  semicolons: of("; "),
  names: of("ab, "),
  "many names": (size) => Array.from({ length: size / 8 }, (_, index) => `x${index}`).join(","),
  parameters: of("a=b;"),
  quotes: of('"'),
  backslashes: of('"\\'),
  slashes: of("/"),
  "media types": of("application/json;"),
  points: of("."),
  colons: of(":"),
  dashes: of("-"),
  "starts of an origin": of("http://"),
  labels: (size) => `https://${"a.".repeat(size / 2)}example.com`,
  "a long port": (size) => `http://localhost:${"1".repeat(size)}`,
  addresses: of("10.0.0.1,"),
  "addresses of version 6": of("::1,"),
  "parts of an address": of("0:"),
  elements: of("for=1.2.3.4;by=x,"),
  "a percent sign": of("%41"),
  "what is not ASCII": of("\u00e9"),
  credentials: (size) => `Bearer ${"a".repeat(size)}`,
  "credentials of points": (size) => `Bearer ${".".repeat(size)}`,
  "credentials of three parts": (size) => `Bearer ${["a", "b", "c"].map((part) => part.repeat(size / 3)).join(".")}`,
  "credentials after blanks": (size) => `Bearer ${" ".repeat(size)}a`,
  "credentials with blanks after": (size) => `Bearer a${" ".repeat(size)}b`,
  "many schemes": of("Bearer "),
};

/** Headers that alone decide whether the rest of a call is read, so each is tested alone; the others are sent together. */
const DECIDING = ["content-type", "content-encoding", "authorization", "twirp-timeout-ms", "idempotency-key", "host"];
const OTHERS = [
  "accept",
  "accept-encoding",
  "x-request-id",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "forwarded",
  "traceparent",
  "tracestate",
  "origin",
  "access-control-request-method",
  "access-control-request-headers",
  "access-control-request-private-network",
  "cookie",
  "expect",
  "user-agent",
  "x-anything",
];

function request(headers: Record<string, string>, url = METHOD) {
  const ordinary = { "content-type": "application/json", authorization: `Bearer ${token}`, host: "localhost" };
  return { method: "POST", url, headers: { ...ordinary, ...headers }, payload: "{}" } as const;
}

const others = (value: string) => Object.fromEntries(OTHERS.map((name) => [name, value]));

describe("of the header", () => {
  test.each(DECIDING)("%s of a call", async (name) => {
    const send = (value: string) => service.app.inject(request({ [name]: value }));
    expect(await steepOfAsync(counter, SIZE, texts, send)).toEqual([]);
  });

  test("of any other name", async () => {
    expect(await steepOfAsync(counter, SIZE, texts, (value) => service.app.inject(request(others(value))))).toEqual([]);
  });

  test.each(["origin", "access-control-request-method", "access-control-request-headers"])(
    "%s of a preflight",
    async (name) => {
      const preflight = { origin: "http://localhost:5173", "access-control-request-method": "POST" };
      const send = (value: string) => {
        const headers = { ...preflight, "access-control-request-headers": "content-type", [name]: value };
        return service.app.inject({ method: "OPTIONS", url: METHOD, headers });
      };
      expect(await steepOfAsync(counter, SIZE, texts, send)).toEqual([]);
    },
  );
});

test("of the path", async () => {
  const escapes: Forms = { "bad escapes": of("%zz"), "escaped slashes": of("%2f"), "half a letter": of("%c3") };
  const ends: Forms = { ...texts, ...escapes, "a query": (size) => `?${"%41&".repeat(size)}` };
  const paths = Object.entries(ends).flatMap(([name, form]): [string, Form][] => [
    [`${name} after the method`, (size) => `${METHOD}${form(size)}`],
    [`${name} for a service`, (size) => `/twirp/${form(size)}/GetAccount`],
  ]);
  const send = (path: string) => service.app.inject(request({}, path.replace(/[^!-~]/g, "+")));
  expect(await steepOfAsync(counter, SIZE, Object.fromEntries(paths), send)).toEqual([]);
});

describe("of a token", () => {
  const SECRET = "a secret for tests, 32 bytes or more";
  const key = new TextEncoder().encode(SECRET);
  const authenticate = createAuthenticator({ trust: { secret: SECRET }, issuer: "us", audience: "them" });
  const claims = { sub: "alice", iss: "us", aud: "them", scope: "finance.read", exp: 4_000_000_000 };

  test.each<[part: string, change: (size: number) => object]>([
    ["scopes", (size) => ({ scope: "finance.read ".repeat(size) })],
    ["different scopes", (size) => ({ scope: Array.from({ length: size }, (_, index) => `s${index}`).join(" ") })],
    ["blanks in scopes", (size) => ({ scope: " ".repeat(size) })],
    ["a subject", (size) => ({ sub: "a".repeat(size) })],
    ["a subject of surrogates", (size) => ({ sub: "\ud800".repeat(size) })],
    ["audiences", (size) => ({ aud: Array.from({ length: size }, (_, index) => `them${index}`) })],
    ["an issuer", (size) => ({ iss: "u".repeat(size) })],
    ["other claims", (size) => Object.fromEntries(Array.from({ length: size }, (_, index) => [`c${index}`, index]))],
    ["nested claims", (size) => ({ deep: Array.from({ length: size }, () => [[]]) })],
  ])("%s", async (_part, change) => {
    const signed = new Map<number, string>();
    for (const size of [2, SIZE, 2 * SIZE]) {
      signed.set(
        size,
        await new SignJWT({ ...claims, ...change(size) }).setProtectedHeader({ alg: "HS256" }).sign(key),
      );
    }
    const form = { token: (size: number) => `Bearer ${signed.get(size)}` };
    expect(await steepOfAsync(counter, SIZE, form, async (header) => await authenticate(header))).toEqual([]);
  });

  test("keys of the issuer", async () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const jwk = await exportJWK(publicKey);
    const other = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "none" }).sign(key);
    const wrong = `Bearer ${Buffer.from('{"alg":"ES256","kid":"none"}').toString("base64url")}${other.slice(other.indexOf("."))}`;
    const search = async (size: number) => {
      const keys = Array.from({ length: size }, (_, index) => ({ ...jwk, kid: `k${index}`, alg: "ES256" }));
      vi.stubGlobal("fetch", async () => Response.json({ keys }));
      await createAuthenticator({ trust: { jwksUrl: "https://issuer.example/keys" } })(wrong);
    };
    expect(await steepOfAsync(counter, 512, { keys: (size: number) => size }, search)).toEqual([]);
    vi.unstubAllGlobals();
  });
});

test("of a page token", () => {
  const tokens = Object.entries(texts).flatMap(([name, form]): [string, Form][] => [
    [name, form],
    [`${name} for a position`, (size) => Buffer.from(`${form(size)}.00000000`).toString("base64url")],
    [`${name} after a good one`, (size) => `${writePageToken([1n], ["a"])}${form(size)}`],
  ]);
  const forms = Object.fromEntries(tokens);
  expect(steepOf(counter, SIZE, forms, (text) => readPageToken(text, 1, ["a"]))).toEqual([]);
});
