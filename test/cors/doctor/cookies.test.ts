/**
 * Compares the doctor with the browser on the cookies of a reply: a page in a real Chromium makes a call that sets a cookie,
 * and another that shows whether the browser sends it.
 */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CookieProblem, cookieProblems, judgeCookie } from "../../../packages/cors/src/doctor/cookies.ts";
import { siteOf } from "../../../packages/cors/src/doctor/sites.ts";
import { launchChromium } from "../../setup/chromium.ts";

/** The page and the API, without ports: each scheme has one server. */
type Places = readonly [page: string, api: string];

const sameOriginSite: Places = ["https://app.example.test", "https://api.example.test"];
const crossSite: Places = ["https://app.example.test", "https://api.other.test"];
const otherScheme: Places = ["http://app.example.test", "https://api.example.test"];
const plain: Places = ["http://app.example.test", "http://api.example.test"];
const plainCrossSite: Places = ["http://app.example.test", "http://api.other.test"];
const local: Places = ["http://localhost", "http://localhost"];
const localAddress: Places = ["http://127.0.0.1", "http://127.0.0.1"];
const localNames: Places = ["http://localhost", "http://127.0.0.1"];
const suffixes: Places = ["https://one.github.io", "https://two.github.io"];
const countries: Places = ["https://app.one.co.uk", "https://api.one.co.uk"];

const cases: readonly (readonly [places: Places, line: string, problems: readonly CookieProblem[]])[] = [
  // Which site: https://html.spec.whatwg.org/multipage/browsers.html#same-site
  [sameOriginSite, "a=1", []],
  [sameOriginSite, "a=1; SameSite=Strict", []],
  [crossSite, "a=1", ["same_site_missing"]],
  [crossSite, "a=1; SameSite=Lax", ["same_site"]],
  [crossSite, "a=1; SameSite=Strict; Secure", ["same_site"]],
  [crossSite, "a=1; SameSite=None; Secure", []],
  [crossSite, "a=1; samesite=NONE; secure=no", []],
  [crossSite, "a=1; SameSite=; Secure", ["same_site_missing"]],
  [crossSite, "a=1; SameSite=Never; Secure", ["same_site_missing"]],
  [crossSite, "a=1; SameSite=Lax; SameSite=None; Secure", []],
  [crossSite, "a=1; SameSite=None; SameSite=Lax; Secure", ["same_site"]],
  [otherScheme, "a=1", ["same_site_missing"]],
  [otherScheme, "a=1; SameSite=None; Secure", []],
  [plain, "a=1", []],
  [plainCrossSite, "a=1", ["same_site_missing"]],
  [local, "a=1", []],
  [local, "a=1; SameSite=Strict", []],
  [localAddress, "a=1", []],
  [localNames, "a=1", ["same_site_missing"]],
  [localNames, "a=1; SameSite=None; Secure", []],
  [suffixes, "a=1", ["same_site_missing"]],
  [countries, "a=1", []],
  // Secure
  [crossSite, "a=1; SameSite=None", ["none_without_secure"]],
  [sameOriginSite, "a=1; SameSite=None", ["none_without_secure"]],
  [plain, "a=1; SameSite=None", ["none_without_secure"]],
  [plain, "a=1; Secure", ["secure_over_http"]],
  [plainCrossSite, "a=1; SameSite=None; Secure", ["secure_over_http"]],
  [local, "a=1; Secure", []],
  [local, "a=1; SameSite=None; Secure", []],
  [local, "a=1; SameSite=None", ["none_without_secure"]],
  [localAddress, "a=1; Secure", []],
  [sameOriginSite, "a=1; Secure", []],
  // Partitioned
  [crossSite, "a=1; SameSite=None; Secure; Partitioned", []],
  [crossSite, "a=1; SameSite=None; Partitioned", ["none_without_secure", "partitioned_without_secure"]],
  [sameOriginSite, "a=1; Partitioned", ["partitioned_without_secure"]],
  [crossSite, "a=1; Secure; Partitioned", ["same_site_missing"]],
  // Domain
  [sameOriginSite, "a=1; Domain=example.test", []],
  [sameOriginSite, "a=1; Domain=.EXAMPLE.test", []],
  [sameOriginSite, "a=1; Domain=api.example.test", []],
  [sameOriginSite, "a=1; Domain=", []],
  [sameOriginSite, "a=1; Domain=app.example.test", ["domain"]],
  [sameOriginSite, "a=1; Domain=v2.api.example.test", ["domain"]],
  [sameOriginSite, "a=1; Domain=other.test", ["domain"]],
  [sameOriginSite, "a=1; Domain=ample.test", ["domain"]],
  [sameOriginSite, "a=1; Domain=test", ["domain"]],
  [sameOriginSite, "a=1; Domain=.", ["domain"]],
  [sameOriginSite, "a=1; Domain=example.test.", ["domain"]],
  [sameOriginSite, "a=1; Domain=other.test; Domain=example.test", []],
  [["https://api.example.test.", "https://api.example.test."], "a=1; Domain=example.test.", []],
  [["https://app.example.test", "https://api.example.test."], "a=1", ["same_site_missing"]],
  [countries, "a=1; Domain=co.uk", ["domain"]],
  [countries, "a=1; Domain=one.co.uk", []],
  [["https://github.io", "https://github.io"], "a=1; Domain=github.io", []],
  [["https://one.github.io", "https://one.github.io"], "a=1; Domain=github.io", ["domain"]],
  [local, "a=1; Domain=localhost", []],
  [localAddress, "a=1; Domain=127.0.0.1", []],
  [localAddress, "a=1; Domain=0.0.1", ["domain"]],
  [["http://a.localhost", "http://b.localhost"], "a=1; Domain=localhost", ["domain", "same_site_missing"]],
  [["http://a.localhost", "http://b.localhost"], "a=1", ["same_site_missing"]],
  // Prefixes
  [sameOriginSite, "__Secure-a=1; Secure", []],
  [sameOriginSite, "__Secure-a=1", ["prefix"]],
  [sameOriginSite, "__SECURE-a=1", ["prefix"]],
  [local, "__Secure-a=1; Secure", []],
  [plain, "__Secure-a=1; Secure", ["prefix", "secure_over_http"]],
  [sameOriginSite, "__Host-a=1; Secure; Path=/", []],
  [sameOriginSite, "__Host-a=1; Secure", ["prefix"]],
  [sameOriginSite, "__Host-a=1; Secure; Path=/set", ["prefix"]],
  [sameOriginSite, "__Host-a=1; Path=/", ["prefix"]],
  [sameOriginSite, "__Host-a=1; Secure; Path=/; Domain=api.example.test", ["prefix"]],
  [sameOriginSite, "__Host-a=1; Secure; Path=/; Domain=", []],
  [local, "__Host-a=1; Secure; Path=/", []],
  [sameOriginSite, "__Http-a=1; Secure; HttpOnly", []],
  [sameOriginSite, "__Http-a=1; Secure", ["prefix"]],
  [sameOriginSite, "__Host-Http-a=1; Secure; Path=/; HttpOnly", []],
  [sameOriginSite, "__Host-Http-a=1; Secure; Path=/", ["prefix"]],
  [sameOriginSite, "__Host-Http-a=1; Secure; HttpOnly", ["prefix"]],
  [sameOriginSite, "=__Secure-a=1", ["prefix"]],
  [sameOriginSite, "__Secure-a", ["prefix"]],
  [sameOriginSite, "=__Secure-a=1; Secure", ["prefix"]],
  [sameOriginSite, "__Host-a; Secure; Path=/", ["prefix"]],
  [sameOriginSite, "__hOsT-hTtP-a=1; Secure; Path=/", ["prefix"]],
  [sameOriginSite, "__Host-a=1; Secure; Path=/; Path=/x", ["prefix"]],
  // The line itself
  [sameOriginSite, "a", []],
  [sameOriginSite, "a=", []],
  [sameOriginSite, "=", ["invalid"]],
  [sameOriginSite, "; Secure", ["invalid"]],
  [sameOriginSite, "a=\x01", ["invalid"]],
  [sameOriginSite, "a=1\t2", ["invalid"]],
  [sameOriginSite, "a\tb=1", ["invalid"]],
  [sameOriginSite, "a\t=\t1\t;\tSecure\t", []],
  [sameOriginSite, "a=1; x=1\t2", ["invalid"]],
  [sameOriginSite, "a=1; x=\x7f", ["invalid"]],
  [sameOriginSite, `a=${"1".repeat(4095)}`, []],
  [sameOriginSite, `a=${"1".repeat(4096)}`, ["invalid"]],
  [sameOriginSite, `a=1; Domain=${"x".repeat(1025)}`, []],
  [sameOriginSite, "a=1; Max-Age=0x", []],
  [crossSite, "a=1; HttpOnly; SameSite=None; Secure; Path=/; Max-Age=60", []],
];

const servers: Server[] = [];
const ports = new Map<string, number>();
/** The Set-Cookie line of the next reply, and the Cookie headers received since. */
let nextLine = "";
const sent: (string | undefined)[] = [];
let browser: Browser;

const answer: RequestListener = ({ url, headers }, response) => {
  response.setHeader("access-control-allow-origin", headers.origin ?? "*");
  response.setHeader("access-control-allow-credentials", "true");
  response.setHeader("content-type", "text/html");
  if (url === "/get") sent.push(headers.cookie);
  if (url !== "/set") {
    response.end('<!doctype html><iframe sandbox="allow-scripts" srcdoc="<p></p>"></iframe>');
    return;
  }
  // node:http refuses the control characters that browsers see.
  const head = `HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: ${headers.origin}\r\nAccess-Control-Allow-Credentials: true`;
  response.socket?.end(
    `${head}\r\nSet-Cookie: ${nextLine}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    "latin1",
  );
};

beforeAll(async () => {
  const fixture = (name: string) => readFile(new URL(`./fixtures/${name}`, import.meta.url), "utf8");
  const tls = { key: await fixture("self-signed.key.pem"), cert: await fixture("self-signed.cert.pem") };
  for (const scheme of ["http", "https"]) {
    const server = scheme === "http" ? createServer(answer) : createTlsServer(tls, answer);
    servers.push(server.listen(0, "127.0.0.1"));
    await once(server, "listening");
    // A listening TCP server has an address and a port.
    ports.set(scheme, (server.address() as AddressInfo).port);
  }
  browser = await launchChromium(["--host-resolver-rules=MAP * 127.0.0.1"]);
});
afterAll(async () => {
  await browser?.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

describe("Chromium and the doctor agree", () => {
  test.each([
    ["Max-Age=0", true],
    ["Max-Age=-1", true],
    ["Max-Age=+0", true],
    ["Max-Age=1000", false],
    ["Max-Age=soon", false],
    ["Max-Age=", false],
    ["Expires=Thu, 01 Jan 1970 00:00:00 GMT", true],
    ["Expires=Thu, 01-Jan-1970 00:00:00 GMT", true],
    ["Expires=Thu Jan  1 00:00:00 1970", true],
    ["Expires=Fri, 01 Jan 2100 00:00:00 GMT", false],
    ["Expires=0", false],
    ["Expires=-1", false],
    ["Expires=yesterday", false],
    ["Expires=1970-01-01", false],
    ["Expires=Thu, 31 Feb 1970 00:00:00 GMT", false],
    ["Expires=Thu, 01 Jan 1970 24:00:00 GMT", false],
    ["Expires=01 Jan 69 00:00:00", false],
    ["Expires=01 Jan 70 00:00:00", true],
    ["Expires=00:00:00 1970 January 1", true],
    ["Expires=Thu, 01 Jan 1970 00:00:00 PST", true],
    ["Max-Age=1000; Expires=Thu, 01 Jan 1970 00:00:00 GMT", false],
    ["Max-Age=soon; Expires=Thu, 01 Jan 1970 00:00:00 GMT", true],
    ["Max-Age=0; Expires=Fri, 01 Jan 2100 00:00:00 GMT", true],
  ])("%s deletes a cookie: %s", async (attributes, expires) => {
    const [page, api] = sameOriginSite;
    const line = `a=1; ${attributes}`;
    expect(judgeCookie(line, { origin: page, url: new URL(api), siteOf })).toMatchObject({ problems: [], expires });
    expect(await isSent(page, api, line)).toBe(!expires);
  });

  test.each([
    ["a=1", ["same_site_missing"]],
    ["a=1; SameSite=None; Secure", []],
  ])(
    "the cookie %j for a sandboxed frame of the same site, whose origin is null, is a third party's",
    async (line, problems) => {
      const [page, api] = sameOriginSite;
      expect(judgeCookie(line, { origin: "null", url: new URL(api), siteOf }).problems).toEqual(problems);
      expect(await isSent(page, api, line, "sandbox")).toBe(problems.length === 0);
    },
  );

  test.each(cases)("%s sets %j: %j", async ([page, api], line, problems) => {
    const judged = judgeCookie(line, { origin: page, url: new URL(api), siteOf });
    expect(judged.problems).toEqual(problems);
    expect(await isSent(page, api, line)).toBe(problems.length === 0);
  });
});

test("the documentation lists every problem with its meaning and fix, in this order", async () => {
  const document = await readFile(new URL("../../../docs/doctor.md", import.meta.url), "utf8");
  const [, chapter = ""] = document.split("\n## Cookies\n");
  const rows = [...chapter.matchAll(/^\| `(\w+)` \| (.+) \| (.+) \|$/gm)].map(([, code, meaning, fix]) => ({
    code,
    meaning,
    fix,
  }));
  const expected = Object.entries(cookieProblems).map(([code, text]) => ({ code, ...text }));
  expect(rows.slice(0, expected.length)).toEqual(expected);
});

/** Whether the browser sends the cookie with the page's next call. */
async function isSent(page: string, api: string, line: string, from: "page" | "sandbox" = "page"): Promise<boolean> {
  nextLine = line;
  sent.length = 0;
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const tab = await context.newPage();
  await tab.goto(`${withPort(page)}/`);
  const frame = from === "page" ? tab.mainFrame() : tab.frames()[1];
  await frame?.evaluate(async (api) => {
    await fetch(`${api}/set`, { credentials: "include" });
    await fetch(`${api}/get`, { credentials: "include" });
  }, withPort(api));
  await context.close();
  expect(sent).toHaveLength(1);
  return sent[0] !== undefined;
}

function withPort(origin: string): string {
  return `${origin}:${ports.get(origin.split(":")[0] ?? "")}`;
}
