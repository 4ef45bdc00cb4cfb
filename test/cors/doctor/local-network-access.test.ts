/**
 * Compares the doctor with the browser where a page calls into the local network. Ports of this machine play the three
 * address spaces in Chromium, and get an address of that space in the doctor.
 */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AddressSpace, addressSpaces } from "../../../packages/cors/src/doctor/address-spaces.ts";
import {
  type Diagnosis,
  diagnose,
  type FailureCode,
  type FetchOptions,
  type Probe,
} from "../../../packages/cors/src/doctor/index.ts";
import { launchChromium } from "../../setup/chromium.ts";
import { expectedLine } from "./chromium-view.ts";

/** The space stands where the port would be. */
type Place = string;

interface Case {
  readonly page: Place;
  readonly calls: Place;
  readonly target?: AddressSpace;
  /** The call has a header that needs a preflight. */
  readonly preflight?: true;
  /** The outcome if the user allows the permission. */
  readonly granted: "allowed" | FailureCode;
  /** Default: the same. */
  readonly denied?: "allowed" | FailureCode;
  /** The permission that the call needs. */
  readonly needs?: "local-network" | "loopback-network";
}

const secure = "https://app.test:public";
const insecure = "http://app.test:public";
const asksLocal = { granted: "allowed", denied: "local_network_denied", needs: "local-network" } as const;
const asksLoopback = { granted: "allowed", denied: "local_network_denied", needs: "loopback-network" } as const;
const allowed = { granted: "allowed" } as const;
const insecurePage = { granted: "local_network_insecure_page" } as const;
const mismatch = { granted: "address_space_mismatch" } as const;
const mixed = { granted: "mixed_content" } as const;

const cases: readonly Case[] = [
  // Which page reaches which space.
  { page: secure, calls: "https://api.test:public/", ...allowed },
  { page: secure, calls: "https://api.test:local/", ...asksLocal },
  { page: secure, calls: "https://api.test:loopback/", ...asksLoopback },
  { page: insecure, calls: "http://api.test:public/", ...allowed },
  { page: insecure, calls: "http://api.test:local/", ...insecurePage },
  { page: insecure, calls: "https://api.test:local/", ...insecurePage },
  { page: insecure, calls: "http://api.test:loopback/", ...insecurePage },
  { page: insecure, calls: "http://localhost:loopback/", ...insecurePage },
  { page: "https://app.test:local", calls: "https://api.test:public/", ...allowed },
  { page: "https://app.test:local", calls: "https://api.test:local/", ...allowed },
  { page: "https://app.test:local", calls: "https://api.test:loopback/", ...allowed },
  { page: "http://app.test:local", calls: "http://api.test:loopback/", ...allowed },
  { page: "http://localhost:loopback", calls: "http://localhost:loopback/", ...allowed },
  { page: "http://localhost:loopback", calls: "http://api.test:local/", ...allowed },
  // The check comes before the preflight.
  { page: secure, calls: "https://api.test:local/", preflight: true, ...asksLocal },
  { page: insecure, calls: "http://api.test:loopback/", preflight: true, ...insecurePage },
  // A page on http is secure on localhost.
  { page: "http://localhost:public", calls: "http://api.test:local/", ...asksLocal },
  { page: "http://a.localhost:public", calls: "http://127.0.0.1:loopback/", ...asksLoopback },
  // Plain http, from a page on https.
  { page: secure, calls: "http://localhost:loopback/", ...asksLoopback },
  { page: secure, calls: "http://a.localhost:loopback/", preflight: true, ...asksLoopback },
  { page: secure, calls: "http://127.0.0.1:loopback/", ...asksLoopback },
  { page: secure, calls: "http://0.0.0.0:loopback/", ...asksLoopback },
  { page: secure, calls: "http://192.168.7.7:local/", ...asksLocal },
  { page: secure, calls: "http://[fd00::7]:local/", ...asksLocal },
  { page: secure, calls: "http://printer.local:local/", preflight: true, ...asksLocal },
  { page: secure, calls: "http://printer.local:loopback/", ...asksLoopback },
  { page: secure, calls: "http://printer.local:public/", ...allowed },
  { page: secure, calls: "http://203.0.113.7:local/", ...mixed },
  { page: secure, calls: "http://api.test:local/", ...mixed },
  { page: secure, calls: "http://api.test:loopback/", ...mixed },
  { page: "https://app.test:local", calls: "http://192.168.7.7:local/", ...allowed },
  { page: "https://app.test:loopback", calls: "http://api.test:local/", ...mixed },
  // The option targetAddressSpace.
  { page: secure, calls: "http://api.test:local/", target: "local", ...asksLocal },
  { page: secure, calls: "http://api.test:loopback/", target: "loopback", ...asksLoopback },
  { page: secure, calls: "https://api.test:local/", target: "local", ...asksLocal },
  { page: secure, calls: "http://api.test:loopback/", target: "local", ...mismatch },
  { page: secure, calls: "http://api.test:local/", target: "loopback", ...mismatch },
  { page: secure, calls: "http://localhost:loopback/", target: "local", ...mismatch },
  { page: secure, calls: "http://api.test:public/", target: "local", ...mismatch },
  { page: secure, calls: "https://api.test:public/", target: "public", ...allowed },
  { page: secure, calls: "https://api.test:local/", target: "public", ...mismatch },
  { page: secure, calls: "http://192.168.7.7:local/", target: "public", ...mismatch },
  { page: secure, calls: "http://api.test:local/", target: "public", ...mixed },
  { page: insecure, calls: "http://api.test:local/", target: "local", ...insecurePage },
  { page: insecure, calls: "http://api.test:local/", target: "loopback", ...mismatch },
  { page: insecure, calls: "http://api.test:local/", target: "loopback", preflight: true, ...insecurePage },
  {
    page: secure,
    calls: "https://api.test:local/",
    target: "public",
    preflight: true,
    ...{ granted: "address_space_mismatch", denied: "local_network_denied", needs: "local-network" },
  },
  { page: "https://app.test:loopback", calls: "http://api.test:local/", target: "local", ...allowed },
  { page: "https://app.test:loopback", calls: "https://api.test:public/", target: "local", ...mismatch },
  // Within a secure origin nothing is checked.
  { page: secure, calls: "https://app.test:public/", target: "local", ...allowed },
  { page: insecure, calls: "http://app.test:public/", target: "local", ...mismatch },
  // Redirects.
  { page: secure, calls: "https://api.test:public/?https://third.test:local/", ...asksLocal },
  { page: secure, calls: "https://api.test:public/?https://third.test:loopback/", preflight: true, ...asksLoopback },
  { page: secure, calls: "https://api.test:public/?http://192.168.7.7:local/", ...asksLocal },
  { page: secure, calls: "https://api.test:public/?http://third.test:local/", ...mixed },
  { page: secure, calls: "https://api.test:local/?https://third.test:public/", ...asksLocal },
  { page: insecure, calls: "http://api.test:public/?http://third.test:local/", ...insecurePage },
  { page: "https://app.test:local", calls: "https://api.test:public/?https://third.test:loopback/", ...allowed },
  {
    page: secure,
    calls: "https://api.test:local/?https://third.test:public/",
    target: "local",
    ...mismatch,
    denied: "local_network_denied",
    needs: "local-network",
  },
  { page: secure, calls: "http://api.test:local/?http://third.test:local/", target: "local", ...asksLocal },
];

/** An address of each space, for the doctor. */
const addresses: Readonly<Record<AddressSpace, string>> = { public: "8.8.8.8", local: "10.0.0.8", loopback: "::1" };

const servers: Server[] = [];
/** By scheme and space. */
const ports = new Map<string, number>();
const seen: string[] = [];
let browser: Browser;

/** Allows everything, and redirects to the URL in the query. */
const answer: RequestListener = ({ method = "", url = "", headers }, response) => {
  if (url.startsWith("/call")) seen.push(`${method} ${headers.host}${url}`);
  const [, location] = url.split("?");
  response.setHeader("access-control-allow-origin", headers.origin ?? "*");
  response.setHeader("access-control-allow-headers", "x-a");
  response.setHeader("access-control-max-age", "0");
  response.setHeader("content-type", "text/html");
  if (location !== undefined && method !== "OPTIONS") response.writeHead(302, { location });
  response.end("<!doctype html>");
};

beforeAll(async () => {
  const fixture = (name: string) => readFile(new URL(`./fixtures/${name}`, import.meta.url), "utf8");
  const tls = { key: await fixture("self-signed.key.pem"), cert: await fixture("self-signed.cert.pem") };
  const overrides: string[] = [];
  for (const space of addressSpaces) {
    for (const scheme of ["http", "https"]) {
      const server = scheme === "http" ? createServer(answer) : createTlsServer(tls, answer);
      servers.push(server.listen(0, "127.0.0.1"));
      await once(server, "listening");
      // A listening TCP server has an address and a port.
      const { port } = server.address() as AddressInfo;
      ports.set(`${scheme} ${space}`, port);
      overrides.push(`127.0.0.1:${port}=${space}`, `0.0.0.0:${port}=${space}`);
    }
  }
  const names = ["*.test", "printer.local", "192.168.7.7", "203.0.113.7", "fd00::7"];
  browser = await launchChromium([
    `--ip-address-space-overrides=${overrides}`,
    `--host-resolver-rules=${names.map((name) => `MAP ${name} 127.0.0.1`)}`,
  ]);
});
afterAll(async () => {
  await browser?.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

describe("Chromium and the doctor agree", () => {
  test.each(cases.map((each) => [describeCase(each), each] as const))("%s", async (_, each) => {
    for (const permission of ["granted", "denied"] as const) {
      const [inBrowser, byDoctor] = [await askChromium(each, permission), await askDoctor(each, { permission })];
      const expected = permission === "granted" ? each.granted : (each.denied ?? each.granted);
      expect(byDoctor.diagnosis.failure?.code ?? "allowed").toBe(expected);
      expect(inBrowser.allowed).toBe(byDoctor.diagnosis.allowed);
      expect(byDoctor.requests).toEqual(inBrowser.requests);
      const line = expectedLine(byDoctor.diagnosis);
      if (line !== null) await expect.poll(() => inBrowser.lines).toContain(line);
    }
    const { diagnosis } = await askDoctor(each, {});
    expect(diagnosis.failure?.code ?? "allowed").toBe(each.granted);
    const { needs } = each;
    expect(diagnosis.permissions).toEqual(needs === undefined ? [] : [{ name: needs, state: "prompt" }]);
  });
});

test.each([
  ["local-network", "local", true],
  ["local-network", "loopback", false],
  ["loopback-network", "local", false],
  ["loopback-network", "loopback", true],
])("the permission %s opens the space %s: %s", async (name, space, opens) => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  const { targetInfo } = await session.send("Target.getTargetInfo");
  const { browserContextId } = targetInfo;
  const permission = {
    permission: { name },
    setting: "granted",
    ...(browserContextId !== undefined && { browserContextId }),
  } as const;
  await (await browser.newBrowserCDPSession()).send("Browser.setPermission", permission);
  await page.goto(fillIn(`${secure}/`));
  const isOpen = await page.evaluate(
    (url) =>
      fetch(url).then(
        () => true,
        () => false,
      ),
    fillIn(`https://api.test:${space}/call`),
  );
  expect(isOpen).toBe(opens);
  await context.close();
});

function describeCase({ page, calls, target, preflight, granted, denied = granted }: Case): string {
  const options = [preflight && "with a preflight", target && `as ${target}`].filter(Boolean).join(", ");
  const outcome = granted === denied ? granted : `${granted}, or ${denied}`;
  return `${page} calls ${calls} ${options}: ${outcome}`;
}

/** Replaces the space by the port. */
function fillIn(url: string): string {
  return url.replace(/(https?)(:\/\/[^/]+):(public|local|loopback)/g, (_, scheme, host, space) => {
    return `${scheme}${host}:${ports.get(`${scheme} ${space}`)}`;
  });
}

function urlOf({ calls }: Case): string {
  return fillIn(calls).replaceAll(/(:\d+)\//g, "$1/call");
}

async function askChromium(each: Case, permission: "granted" | "denied") {
  seen.length = 0;
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  await context.grantPermissions(permission === "granted" ? ["local-network-access"] : []);
  const page = await context.newPage();
  const lines: string[] = [];
  page.on("console", (line) => lines.push(line.text()));
  await page.goto(`${fillIn(each.page)}/`);
  const init = {
    ...(each.target !== undefined && { targetAddressSpace: each.target }),
    ...(each.preflight && { headers: { "x-a": "1" } }),
  };
  const allowed = await page.evaluate(
    ({ url, init }) =>
      fetch(url, init).then(
        () => true,
        () => false,
      ),
    { url: urlOf(each), init },
  );
  const requests = [...seen];
  // The lines of a page that is gone may still arrive.
  await context.close();
  return { allowed, requests, lines };
}

async function askDoctor(each: Case, options: FetchOptions): Promise<{ diagnosis: Diagnosis; requests: string[] }> {
  const requests: string[] = [];
  const spaceOfPort = new Map([...ports].map(([name, port]) => [String(port), name.split(" ")[1] as AddressSpace]));
  const probe: Probe = async ({ url, method, origin, blockedSpaces }) => {
    const space = spaceOfPort.get(url.port) ?? "public";
    const address = addresses[space];
    if (blockedSpaces.includes(space)) return { noResponse: { code: "connection_failed", detail: "" }, address };
    requests.push(`${method} ${url.host}${url.pathname}${url.search}`);
    const location = method === "OPTIONS" ? "" : url.search.slice(1);
    const headers: [string, string][] = [
      ["access-control-allow-origin", origin ?? "*"],
      ["access-control-allow-headers", "x-a"],
      ["location", location],
    ];
    return { response: { status: location === "" ? 200 : 302, headers }, address };
  };
  const page = {
    url: new URL(urlOf(each)),
    origin: fillIn(each.page),
    method: "GET",
    headers: each.preflight ? ([["x-a", "1"]] as const) : [],
    body: null,
    credentials: "same-origin",
    ...(each.target !== undefined && { targetAddressSpace: each.target }),
  } as const;
  const space = new URL(fillIn(each.page)).port;
  const place = { space: spaceOfPort.get(space) ?? "public", why: "as in the test" } as const;
  return { diagnosis: await diagnose(page, probe, { ...options, place }), requests };
}
