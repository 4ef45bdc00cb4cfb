/**
 * Compares the doctor with the browser: a page in a real Chromium and the doctor send each case to the same server, and must
 * agree on the verdict, the readable headers and the line in the console.
 */
import type { Browser, Frame, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createProbe, type Diagnosis, diagnose, type PageRequest } from "../../../packages/cors/src/doctor/index.ts";
import { launchChromium } from "../../setup/chromium.ts";
import { type Behaviour, type BrokenServer, startBrokenServer } from "./broken-server.ts";
import type { ServerCase } from "./case-builder.ts";
import { comparable, expectedLine, normalizeLines } from "./chromium-view.ts";
import { serverCases } from "./server-cases.ts";

/** What a page learned from a call. */
interface Outcome {
  readonly allowed: boolean;
  readonly readable: readonly string[];
}

let browser: Browser;
let page: Page;
/** A frame in the page, whose origin is null. */
let sandbox: Frame;
let pageServer: BrokenServer;
let apiServer: BrokenServer;
let thirdServer: BrokenServer;
let consoleTexts: string[] = [];

const pathOf = (serverCase: ServerCase): string => `/case-${serverCases.indexOf(serverCase)}`;
const casesByPath = new Map(serverCases.map((serverCase) => [pathOf(serverCase), serverCase]));

const pageBytes = [
  "HTTP/1.1 200 OK",
  "Content-Type: text/html",
  "Connection: close",
  "",
  '<!doctype html><iframe sandbox="allow-scripts" srcdoc="<p></p>"></iframe>',
].join("\r\n");
const behaviourOf = (path: string): Behaviour | undefined =>
  path === "/" ? { reply: { bytes: pageBytes } } : casesByPath.get(path)?.behaviour;

beforeAll(async () => {
  const start = () => startBrokenServer(behaviourOf, fillIn);
  [pageServer, apiServer, thirdServer] = await Promise.all([start(), start(), start()]);
  browser = await launchChromium();
  page = await browser.newPage();
  page.on("console", (line) => consoleTexts.push(line.text()));
  await page.goto(`http://localhost:${pageServer.port}/`);
  sandbox = page.frames()[1] ?? page.mainFrame();
});
afterAll(async () => {
  await browser?.close();
  await Promise.all([pageServer?.close(), apiServer?.close(), thirdServer?.close()]);
});

describe("a page in Chromium and the doctor agree on", () => {
  test.each(serverCases.map((serverCase) => [serverCase.name, serverCase] as const))("%s", async (_, serverCase) => {
    const browserOutcome = await askChromium(serverCase);
    const diagnosis = await askDoctor(serverCase);

    expect(diagnosis.failure?.code ?? "allowed").toBe(serverCase.ends);
    expect(diagnosis.allowed).toBe(browserOutcome.allowed);
    expect(diagnosis.reply?.readable ?? []).toEqual(browserOutcome.readable);
    if (serverCase.reads !== undefined) expect(browserOutcome.readable).toEqual(serverCase.reads);
    if (diagnosis.failure !== null) {
      // The line may arrive shortly after the page's promise.
      const line = expectedLine(diagnosis);
      if (line !== null) await expect.poll(() => normalizeLines(consoleTexts)).toContain(line);
    }
  });
});

test("the doctor sends what Chromium sends, except its name, its languages and its client hints", async () => {
  const serverCase = caseOf("OPTIONS is 204 with the page's origin");
  // Another URL than in the case, because Chromium caches the answer to that preflight.
  const seenFrom = async (ask: (serverCase: ServerCase, query: string) => Promise<unknown>) => {
    apiServer.seen.length = 0;
    await ask(serverCase, "?again");
    return apiServer.seen.map(comparable);
  };
  const fromBrowser = await seenFrom(askChromium);
  expect(fromBrowser.map(({ method }) => method)).toEqual(["OPTIONS", "POST"]);
  expect(await seenFrom(askDoctor)).toEqual(fromBrowser);
});

/** Calls the case's server from a page; `consoleTexts` then has the lines that the browser printed. */
async function askChromium(serverCase: ServerCase, query = ""): Promise<Outcome> {
  consoleTexts = [];
  const { method = "GET", headers = {}, body, credentials, from } = serverCase.asks;
  const init: RequestInit = { method, headers, credentials: credentials ? "include" : "same-origin" };
  const asker = from === "sandbox" ? sandbox : page;
  return await asker.evaluate(
    async ({ url, init }): Promise<Outcome> => {
      try {
        const response = await fetch(url, init);
        return { allowed: true, readable: [...response.headers.keys()].sort() };
      } catch {
        return { allowed: false, readable: [] };
      }
    },
    { url: `${urlOf(serverCase)}${query}`, init: body === undefined ? init : { ...init, body } },
  );
}

async function askDoctor(serverCase: ServerCase, query = ""): Promise<Diagnosis> {
  const { method = "GET", headers = {}, body = null, credentials, from } = serverCase.asks;
  const names = Object.entries(headers);
  // The browser sets the type of a string body itself.
  if (body !== null && headers["content-type"] === undefined) names.push(["content-type", "text/plain;charset=UTF-8"]);
  const request: PageRequest = {
    url: new URL(`${urlOf(serverCase)}${query}`),
    origin: from === "sandbox" ? "null" : `http://localhost:${pageServer.port}`,
    method: method === "put" ? "PUT" : method,
    headers: names,
    body,
    credentials: credentials ? "include" : "same-origin",
  };
  return await diagnose(request, createProbe({ userAgent: "doctor", timeoutMs: 5_000 }));
}

function urlOf(serverCase: ServerCase): string {
  const { port } = serverCase.asks.of === "page" ? pageServer : apiServer;
  return `http://localhost:${port}${pathOf(serverCase)}`;
}

function caseOf(name: string): ServerCase {
  const found = serverCases.find((serverCase) => serverCase.name === name);
  if (found === undefined) throw new Error(`no case ${name}`);
  return found;
}

function fillIn(text: string, path: string): string {
  return text
    .replaceAll("{page}", `http://localhost:${pageServer.port}`)
    .replaceAll("{page_port}", String(pageServer.port))
    .replaceAll("{api}", `http://localhost:${apiServer.port}`)
    .replaceAll("{api_port}", String(apiServer.port))
    .replaceAll("{third}", `http://127.0.0.1:${thirdServer.port}`)
    .replaceAll("{path}", path);
}
