/**
 * Compares the doctor with the browser on servers that answer at random: both must come to the same verdict, send the same
 * requests and read the same headers, and the browser must print the line that the doctor predicts.
 *
 * RANDOM_SERVERS is the number of servers; RANDOM_SERVERS_SEED repeats a run.
 */
import { readFile } from "node:fs/promises";
import type { Browser, Frame, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  createProbe,
  type Diagnosis,
  diagnose,
  type PageRequest,
  type Reply,
} from "../../../packages/cors/src/doctor/index.ts";
import { readHeaders, readMethod } from "../../../packages/cors/src/doctor/page-request.ts";
import { launchChromium } from "../../setup/chromium.ts";
import { seededRandom } from "../../setup/random.ts";
import { type Behaviour, type BrokenServer, type SeenRequest, startBrokenServer } from "./broken-server.ts";
import { comparable, expectedLine, normalizeLines } from "./chromium-view.ts";
import { type PlaceName, type RandomServer, randomServer } from "./random-servers.ts";

const seed = Number(process.env["RANDOM_SERVERS_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const count = Number(process.env["RANDOM_SERVERS"] ?? 200);
const random = seededRandom(seed);
const servers = Array.from({ length: count }, () => randomServer(random));

const pageBytes =
  'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<!doctype html><iframe sandbox="allow-scripts" srcdoc="<p></p>"></iframe>';

/** How many servers the doctor calls at a time. */
const doctorsMax = 16;

interface Place {
  readonly origin: string;
  readonly asker: Page | Frame;
}

/** What the page receives from a call; null when it is blocked. */
type Got = Pick<Reply, "status" | "readable"> | null;

let browser: Browser;
let plain: BrokenServer;
let secure: BrokenServer;
/** Our own certificates, which the browser ignores and the doctor trusts. */
let certificate: string;
let places: ReadonlyMap<PlaceName, Place>;
const seen: SeenRequest[] = [];
/** Lines of the console by the number of the server that they are about. */
const linesOf = new Map<number, string[]>();

beforeAll(async () => {
  const fixture = (name: string) => readFile(new URL(`./fixtures/${name}`, import.meta.url), "utf8");
  const key = await fixture("self-signed.key.pem");
  certificate = await fixture("self-signed.cert.pem");
  plain = await startBrokenServer(behaviourOf, fillIn, { seen });
  secure = await startBrokenServer(behaviourOf, fillIn, { seen, tls: { key, cert: certificate } });
  browser = await launchChromium();
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  context.on("console", (line) => {
    const index = indexOf(`${line.text()} ${line.location().url}`);
    if (index !== null) linesOf.set(index, [...(linesOf.get(index) ?? []), line.text()]);
  });
  const open = async (origin: string) => {
    const page = await context.newPage();
    await page.goto(`${origin}/`);
    return page;
  };
  const origins = { http: `http://localhost:${plain.port}`, https: `https://localhost:${secure.port}` };
  const [http, https, around] = [await open(origins.http), await open(origins.https), await open(origins.http)];
  places = new Map<PlaceName, Place>([
    ["http", { origin: origins.http, asker: http }],
    ["https", { origin: origins.https, asker: https }],
    ["sandbox", { origin: "null", asker: around.frames()[1] ?? around }],
  ]);
});
afterAll(async () => {
  await browser?.close();
  await Promise.all([plain?.close(), secure?.close()]);
});

test(`${count} random servers: Chromium and the doctor agree (RANDOM_SERVERS_SEED=${seed})`, async () => {
  const inChromium = await askChromium();
  const diagnoses = await askDoctors();
  const foretold = diagnoses.map(expectedLine);
  const isPrinted = (index: number) => {
    const line = foretold[index] ?? null;
    return line === null || normalizeLines(linesOf.get(index) ?? []).includes(line);
  };
  // Lines may arrive shortly after the page's promise.
  await vi.waitUntil(() => servers.every((_, index) => isPrinted(index)), { timeout: 10_000 }).catch(() => {});
  const differences = servers.flatMap((server, index) => {
    const chromium = inChromium[index] ?? [];
    const doctor = factsOf(index, diagnoses[index]?.reply ?? null);
    const chromiumAlone = chromium.filter((fact) => !doctor.includes(fact));
    const doctorAlone = doctor.filter((fact) => !chromium.includes(fact));
    if (!isPrinted(index)) {
      chromiumAlone.push(...(linesOf.get(index) ?? []));
      doctorAlone.push(foretold[index] ?? "");
    }
    return chromiumAlone.length + doctorAlone.length === 0 ? [] : [{ chromiumAlone, doctorAlone, server }];
  });
  expect(differences).toEqual([]);
}, 600_000);

/** Everything about a call that is visible from outside, one line each. */
function factsOf(index: number, got: Got): string[] {
  const outcome = got === null ? ["blocked"] : [`status ${got.status}`, ...got.readable.map((name) => `reads ${name}`)];
  return [...outcome, ...sentTo(index)];
}

/** One page of each origin calls its servers one after the other. */
async function askChromium(): Promise<string[][]> {
  seen.length = 0;
  const got = new Map<number, Got>();
  const asked = [...places].map(async ([name, { asker }]) => {
    for (const [index, server] of servers.entries()) {
      if (server.from === name) got.set(index, await fetchFrom(asker, urlOf(index), server));
    }
  });
  await Promise.all(asked);
  return servers.map((_, index) => factsOf(index, got.get(index) ?? null));
}

async function fetchFrom(
  asker: Page | Frame,
  url: string,
  { method, headers, body, credentials }: RandomServer,
): Promise<Got> {
  const init = { method, headers: headers.map(([name, value]) => [name, value]), credentials, body };
  return await asker.evaluate(
    async ({ url, init }) => {
      try {
        const { status, headers } = await fetch(url, init);
        return { status, readable: [...headers.keys()].sort() };
      } catch {
        return null;
      }
    },
    { url, init },
  );
}

async function askDoctors(): Promise<Diagnosis[]> {
  seen.length = 0;
  const probe = createProbe({ userAgent: "doctor", timeoutMs: 20_000, ca: certificate });
  const diagnoses: Diagnosis[] = [];
  for (let start = 0; start < count; start += doctorsMax) {
    const some = servers.slice(start, start + doctorsMax);
    diagnoses.push(...(await Promise.all(some.map((server, index) => diagnose(pageOf(server, start + index), probe)))));
  }
  return diagnoses;
}

function pageOf({ from, method, headers, body, credentials }: RandomServer, index: number): PageRequest {
  const read = readHeaders(headers.map(([name, value]) => `${name}: ${value}`));
  // The browser sets the type of a string body itself.
  const needsType = body !== null && !read.some(([name]) => name === "content-type");
  return {
    url: new URL(urlOf(index)),
    origin: placeOf(from).origin,
    method: readMethod(method),
    headers: needsType ? [...read, ["content-type", "text/plain;charset=UTF-8"]] : read,
    body,
    credentials,
  };
}

/** The requests that the servers received, in order, without headers that depend on the browser's build and language. */
function sentTo(index: number): string[] {
  const ownLanguage = servers[index]?.headers.some(([name]) => name === "accept-language");
  const requests = seen
    .filter(({ path }) => indexOf(path) === index)
    .map((request) => ({ ...comparable(request), request }));
  return requests.flatMap(({ method, headers, request }, at) => {
    const language =
      ownLanguage && method !== "OPTIONS" ? { "accept-language": request.headers.get("accept-language") } : {};
    const lines = Object.entries({ ...headers, ...language }).map(([name, value]) => `${at} ${name}: ${value}`);
    return [`${at} ${method} ${request.path}`, ...lines];
  });
}

function placeOf(name: PlaceName): Place {
  const place = places.get(name);
  if (place === undefined) throw new RangeError(`no page at ${name}`);
  return place;
}

function urlOf(index: number, hop = 0): string {
  return fillIn(`${servers[index]?.hops[hop]?.base}/case-${index}/${hop}`, "");
}

function indexOf(text: string): number | null {
  const digits = /case-(\d+)\//.exec(text)?.[1];
  return digits === undefined ? null : Number(digits);
}

function behaviourOf(path: string): Behaviour | undefined {
  if (path === "/") return { reply: { bytes: pageBytes } };
  const [, index, hop] = /^\/case-(\d+)\/(\d+)$/.exec(path) ?? [];
  return servers[Number(index)]?.hops[Number(hop)];
}

function fillIn(text: string, path: string): string {
  const index = indexOf(`${path}/`);
  const hop = Number(path.split("/")[2]);
  const origin = index === null ? "" : placeOf(servers[index]?.from ?? "http").origin;
  return text
    .replaceAll("{next}", index === null ? "" : urlOf(index, hop + 1))
    .replaceAll("{first}", index === null ? "" : urlOf(index))
    .replaceAll("{origin}", origin)
    .replaceAll("{path}", path)
    .replaceAll("{case}", `case-${index}`)
    .replaceAll("{step}", String(hop + 1))
    .replaceAll("{http_port}", String(plain.port))
    .replaceAll("{https_port}", String(secure.port));
}
