/**
 * Chromium calls servers that each make one mistake, and its sessions are recorded. The doctor's verdicts on the recordings must
 * be those of the browser and of the doctor that asks the same servers, as chromium.test.ts compares.
 */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { readHar } from "../../../packages/cors/src/doctor/har.ts";
import { type HarReport, judgeHar } from "../../../packages/cors/src/doctor/recorded-calls.ts";
import { launchChromium } from "../../setup/chromium.ts";
import { type BrokenServer, startBrokenServer } from "./broken-server.ts";
import type { ServerCase } from "./case-builder.ts";
import { recordSession } from "./har-recorder.ts";
import { serverCases } from "./server-cases.ts";

let browser: Browser;
let pageServer: BrokenServer;
let apiServer: BrokenServer;
let thirdServer: BrokenServer;

/** A recording does not name a page in a sandbox, and calls within an origin need no verdict. */
const cases = serverCases.filter(({ asks }) => asks.from !== "sandbox" && asks.of !== "page");
const pathOf = (serverCase: ServerCase): string => `/case-${serverCases.indexOf(serverCase)}`;
const behaviours = new Map(serverCases.map((each) => [pathOf(each), each.behaviour]));
const pageBytes = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<!doctype html>";

beforeAll(async () => {
  const behaviourOf = (path: string) => (path === "/" ? { reply: { bytes: pageBytes } } : behaviours.get(path));
  const start = () => startBrokenServer(behaviourOf, fillIn);
  [pageServer, apiServer, thirdServer] = await Promise.all([start(), start(), start()]);
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await Promise.all([pageServer?.close(), apiServer?.close(), thirdServer?.close()]);
});

interface Result {
  readonly name: string;
  readonly end: string;
}

describe.each([
  ["with everything", false],
  ["without cookies and tokens, as Chrome exports by default", true],
])("a session exported by the developer tools %s", (_, sanitized) => {
  test("has the verdict and the failure of the live check for each call", async () => {
    const page = await browser.newPage();
    const recorder = await recordSession(page, { sanitized });
    const allowed = await callAll(page);
    const report = judgeHar(readHar(recorder.har()));
    await page.close();
    expect(endsOf(report)).toEqual(cases.map(({ name, ends }) => ({ name, end: ends })));
    expect(allowed).toEqual(cases.map(({ ends }) => ends === "allowed"));
    const urls = cases.map(urlOf);
    expect(report.calls.filter(({ url }) => !urls.includes(url))).toEqual([]);
    expect(report.calls).toHaveLength(cases.length);
  });
});

test("Playwright records no preflights and no replies of failed calls, so those are unknown, and the others are right", async () => {
  const path = join(inject("scratch"), "playwright.har");
  const context = await browser.newContext({ recordHar: { path, mode: "full" } });
  const allowed = await callAll(await context.newPage());
  await context.close();
  const ends = endsOf(judgeHar(readHar(await readFile(path, "utf8"))));
  await rm(path);
  const wrong = ends.filter(({ end }, index) => end !== cases[index]?.ends && end !== "unknown");
  expect(wrong).toEqual([]);
  const lost = ends.filter(({ end }, index) => end === "unknown" && allowed[index]);
  expect(lost).toEqual([]);
});

/** Makes the call of each case. @returns whether the page could read the replies. */
async function callAll(page: Page): Promise<boolean[]> {
  await page.goto(`http://localhost:${pageServer.port}/`);
  const allowed: boolean[] = [];
  for (const serverCase of cases) {
    const { method = "GET", headers = {}, body, credentials } = serverCase.asks;
    const init: RequestInit = { method, headers, credentials: credentials ? "include" : "same-origin" };
    const outcome = await page.evaluate(
      async ({ url, init }) => {
        const response = await fetch(url, init).catch(() => null);
        // A body that breaks off does not matter here, but an unread one would be cancelled.
        await response?.text().catch(() => null);
        return response !== null;
      },
      { url: urlOf(serverCase), init: body === undefined ? init : { ...init, body } },
    );
    allowed.push(outcome);
  }
  return allowed;
}

function endsOf({ calls }: HarReport): Result[] {
  const byUrl = new Map(calls.map((call) => [call.url, call]));
  return cases.map((serverCase) => {
    const call = byUrl.get(urlOf(serverCase));
    return { name: serverCase.name, end: call?.diagnosis?.failure?.code ?? call?.verdict ?? "not found" };
  });
}

function urlOf(serverCase: ServerCase): string {
  return `http://localhost:${apiServer.port}${pathOf(serverCase)}`;
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
