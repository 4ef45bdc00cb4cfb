/** The doctor's page in every installed browser: from a file and from the console's server, with a file from a stranger. */
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildPage } from "../../packages/cors/build-page.ts";
import { buildConsole } from "../../src/server/console.ts";
import { makeOwnDirectory } from "../setup/belongings.ts";
import { browsers, type TestBrowser } from "../setup/browsers.ts";
import { launchChromium } from "../setup/chromium.ts";

const folder = makeOwnDirectory("finance-doctor-page-");
const fileUrl = pathToFileURL(join(folder.path, "doctor.html")).href;

/** Counts what a page asks of it. */
let bait: Server;
let baitUrl: string;
const asked: string[] = [];
let pages: FastifyInstance;
let servedUrl: string;

beforeAll(async () => {
  await writeFile(join(folder.path, "doctor.html"), await buildPage());
  bait = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.setHeader("access-control-allow-origin", "*").end("bait");
  });
  bait.listen(0, "127.0.0.1");
  await once(bait, "listening");
  baitUrl = `http://127.0.0.1:${(bait.address() as AddressInfo).port}`;
  pages = await buildConsole({
    root: folder.path,
    log: pino({ level: "silent" }),
    api: { url: baitUrl },
    twirpPrefix: "/twirp",
    developmentToken: undefined,
  });
  servedUrl = `${await pages.listen({ port: 0, host: "127.0.0.1" })}/doctor.html`;
});
afterAll(async () => {
  bait?.close();
  await pages?.close();
  await folder.remove();
});

/** A recording whose every text is a URL or markup that would call the server, if the page used it as such. */
function temptingHar(): string {
  const markup = `<img src="${baitUrl}/img"><script>fetch("${baitUrl}/script")</script>`;
  const header = (name: string, value: string) => ({ name, value });
  const entry = (path: string, status: number) => ({
    startedDateTime: "2026-01-31T12:00:00.000Z",
    time: 5,
    pageref: markup,
    request: {
      method: "GET",
      url: `${baitUrl}/${path}?${markup}`,
      headers: [header("Origin", "http://localhost:5173"), header("Referer", `${baitUrl}/referer`)],
    },
    response: {
      status,
      headers: [
        header("Location", `${baitUrl}/location`),
        header("Link", `<${baitUrl}/link>; rel=preload; as=script`),
        header("Access-Control-Allow-Origin", markup),
        header("Server", markup),
      ],
      _error: "net::ERR_FAILED",
    },
    _resourceType: "fetch",
  });
  const page = { id: markup, title: `${baitUrl}/title?${markup}`, startedDateTime: "2026-01-31T12:00:00.000Z" };
  const log = {
    creator: { name: markup, version: markup },
    pages: [page],
    entries: [entry("ok", 200), entry("no", 302)],
  };
  return JSON.stringify({ log });
}

/** Drops a file on the page, and returns what the page then shows. */
const dropSource = `async (text) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([text], "recording.har"));
  document.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  const results = document.getElementById("results");
  for (let turn = 0; results.childElementCount === 0 && turn < 200; turn++) await new Promise((go) => setTimeout(go, 25));
  for (const details of document.querySelectorAll("details")) details.open = true;
  const made = [...results.querySelectorAll("img, script, a, iframe, link, object")].length;
  return { text: results.textContent, made };
}`;

const pasteSource = `async (text) => {
  const field = document.getElementById("text");
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  return document.getElementById("results").textContent;
}`;

/** Tries every way out that a script has, and returns those that the browser let it begin. */
const escapeSource = `async (url) => {
  const outcomes = await Promise.all([
    fetch(url + "/fetch").then(() => "fetch", () => null),
    new Promise((done) => {
      const image = new Image();
      image.onload = () => done("image");
      image.onerror = () => done(null);
      image.src = url + "/image";
    }),
    new Promise((done) => {
      const request = new XMLHttpRequest();
      request.onload = () => done("xhr");
      request.onerror = () => done(null);
      request.open("GET", url + "/xhr");
      request.send();
    }),
    new Promise((done) => {
      const script = document.createElement("script");
      script.onload = () => done("script");
      script.onerror = () => done(null);
      script.src = url + "/script";
      document.head.append(script);
    }),
  ]);
  try { navigator.sendBeacon(url + "/beacon", "x"); } catch {}
  const form = document.createElement("form");
  form.action = url + "/form";
  form.target = "_blank";
  document.body.append(form);
  try { form.submit(); } catch {}
  await new Promise((go) => setTimeout(go, 300));
  return outcomes.filter((outcome) => outcome !== null);
}`;

const line =
  "Access to fetch at 'https://api.example.com/orders' from origin 'http://localhost:5173' has been blocked by CORS policy: " +
  "No 'Access-Control-Allow-Origin' header is present on the requested resource.";
const heads = `OPTIONS /orders HTTP/1.1
Host: api.example.com
Origin: http://localhost:5173
Access-Control-Request-Method: PUT

HTTP/1.1 204 No Content
Access-Control-Allow-Origin: http://localhost:5174
Access-Control-Allow-Methods: PUT`;

describe.each(browsers)("in %s", (_, launch) => {
  if (launch === undefined) {
    test.skipIf(!process.env["CI"])("(skipped where Firefox is not installed)", () => expect.fail("CI needs Firefox"));
    return;
  }

  let browser: TestBrowser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  describe.each([
    ["from a file", () => fileUrl],
    ["from the console's server", () => servedUrl],
  ])("%s", (_where, urlOf) => {
    async function onPage(source: string, argument: unknown): Promise<unknown> {
      const page = await browser.newPage();
      try {
        await page.goto(urlOf());
        return await page.evaluate(source, argument);
      } finally {
        await page.close();
      }
    }

    test("it judges a dropped recording, and neither opens its URLs nor makes elements of its markup", async () => {
      asked.length = 0;
      const shown = await onPage(dropSource, temptingHar());
      expect(shown).toEqual({ text: expect.stringContaining("✗ BLOCKED by the request: allow_origin_list"), made: 0 });
      expect(asked).toEqual([]);
    });

    test("it explains a line of a console and judges heads", async () => {
      expect(await onPage(pasteSource, line)).toContain("allow_origin_missing");
      expect(await onPage(pasteSource, heads)).toContain("✗ BLOCKED by the preflight: origin_not_allowed");
      expect(await onPage(pasteSource, "hello")).toContain("This is no console line");
      expect(await onPage(pasteSource, "{}")).toContain("This is not a HAR");
    });

    test("a file that cannot be read is named", async () => {
      const unreadable = `async (text) => {
        File.prototype.text = () => Promise.reject(new DOMException("", "NotReadableError"));
        return await (${dropSource})(text);
      }`;
      expect(await onPage(unreadable, "{}")).toMatchObject({ text: "The browser cannot read this file." });
    });

    test("even a script in it could not send anything", async () => {
      asked.length = 0;
      expect(await onPage(escapeSource, baitUrl)).toEqual([]);
      expect(asked).toEqual([]);
    });
  });

  test("on the console's server it cannot read what the console stores", async () => {
    const page = await browser.newPage();
    await page.goto(servedUrl);
    const source = "async () => { try { return localStorage.length; } catch (error) { return error.name; } }";
    expect(await page.evaluate(source, null)).toBe("SecurityError");
    await page.close();
  });
});

describe("for people", () => {
  let chromium: Browser;
  beforeAll(async () => {
    chromium = await launchChromium();
  });
  afterAll(() => chromium?.close());

  async function visit(story: (page: Page) => Promise<void>, colorScheme: "light" | "dark" = "light"): Promise<void> {
    const context = await chromium.newContext({ colorScheme });
    const page = await context.newPage();
    const requests: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    const failures: string[] = [];
    page.on("pageerror", ({ message }) => failures.push(message));
    await page.goto(fileUrl);
    await story(page);
    await context.close();
    expect(failures).toEqual([]);
    expect(requests).toEqual([fileUrl]);
  }

  const states: [what: string, fill: (page: Page) => Promise<unknown>][] = [
    ["empty", async () => undefined],
    ["with a console line", (page) => page.fill("#text", line)],
    ["with heads", (page) => page.fill("#text", heads)],
    ["with a text that it does not know", (page) => page.fill("#text", `${"x".repeat(300)} ?`)],
    ["with a recording", (page) => page.evaluate(`(${dropSource})(${JSON.stringify(temptingHar())})`)],
  ];

  describe.each(["light", "dark"] as const)("in the %s theme", (theme) => {
    test.each(states)("%s it keeps axe's rules and fits every width", async (_what, fill) => {
      await visit(async (page) => {
        await fill(page);
        await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true");
        await page.evaluate(axe.source);
        const found: { violations: { id: string; nodes: { html: string }[] }[] } = await page.evaluate("axe.run()");
        expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
        for (const width of [320, 390, 768, 1280]) {
          await page.setViewportSize({ width, height: 800 });
          const beyond = await page.evaluate(
            "[...document.body.querySelectorAll('*')].filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5).map(({ outerHTML }) => outerHTML.slice(0, 80))",
          );
          expect(beyond, `at ${width} pixels`).toEqual([]);
        }
      }, theme);
    });
  });

  test("with the keyboard alone one can paste, correct the call, choose a framework and copy the fix", async () => {
    await visit(async (page) => {
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      const press = async (key: string, times = 1) => {
        for (let count = 0; count < times; count++) await page.keyboard.press(key);
      };
      const focused = () => page.evaluate("document.activeElement.id || document.activeElement.textContent");
      await press("Tab");
      expect(await focused()).toBe("text");
      await page.keyboard.insertText(heads);
      const reached = [];
      for (let stop = 0; stop < 11; stop++) {
        await press("Tab");
        reached.push(await focused());
      }
      expect(reached).toEqual([
        "file",
        "clear",
        "console line",
        "response head",
        "origin",
        "url",
        "method",
        "headers",
        "credentials",
        "framework",
        "How to fix it: finance-service",
      ]);
      await press("Shift+Tab");
      await page.keyboard.type("nginx");
      await press("Tab", 3);
      expect(await focused()).toBe("Copy");
      await press("Enter");
      await page.getByRole("button", { name: "Copied" }).waitFor();
      expect(await page.getByRole("heading", { name: "How to fix it: nginx" }).count()).toBe(1);
      expect(await page.evaluate("navigator.clipboard.readText()")).toContain("add_header Access-Control-Allow-Origin");
      expect(await page.getByRole("status").textContent()).toBe("✗ BLOCKED by the preflight: origin_not_allowed");
      await press("Shift+Tab", 8);
      expect(await focused()).toBe("origin");
      await press("Control+a");
      await page.keyboard.insertText("http://localhost:5174");
      expect(await page.getByRole("status").textContent()).toBe("✓ Passed so far");
    });
  });
});
