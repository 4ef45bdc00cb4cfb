/** The built console in a real browser, on its own origin, with the built service and its demo data. */
import type { Browser, BrowserContextOptions, Locator, Page, Request } from "playwright-core";
import { expect } from "vitest";
import { mintToken } from "../../src/auth/index.ts";
import { type FaultyNetwork, openFaultyNetwork } from "../faults/network.ts";
import { launchChromium } from "./chromium.ts";
import { createTestDatabase } from "./database.ts";
import { startHaproxy } from "./haproxy.ts";
import { freePort, type ServiceProcess, startProcess } from "./process.ts";

const SECRET = "a secret for tests, 32 bytes or more";

type VisitOptions = BrowserContextOptions & { readonly url?: string };

export interface TestConsole {
  readonly browser: Browser;
  readonly apiUrl: string;
  /** The URL with the origin that may call the API; the origin with 127.0.0.1 may not. */
  readonly consoleUrl: string;
  readonly deniedUrl: string;
  /** Opens a new page, signed out. `leave` closes it, and throws if the page's code failed. */
  enter(options?: VisitOptions): Promise<{ readonly page: Page; leave(): Promise<void> }>;
  /** Runs a test on such a page. */
  visit(story: (page: Page) => Promise<void>, options?: VisitOptions): Promise<void>;
  token(subject: string, scope: string, lifetimeSeconds?: number): Promise<string>;
  /** Calls the API as someone else. Default caller: an admin. */
  call(method: string, request: object, token?: string): Promise<Record<string, unknown>>;
  /** Stops the service as a deployment does. */
  stopService(): Promise<void>;
  startService(): Promise<void>;
  /** Between the service and its database. */
  readonly network: FaultyNetwork;
  close(): Promise<void>;
}

/** @param behindProxy whether browsers reach the API through HAProxy with the shipped configuration. Default: directly. */
export async function startTestConsole({ behindProxy = false } = {}): Promise<TestConsole> {
  const [database, consolePort, apiPort, browser] = await Promise.all([
    createTestDatabase(),
    freePort(),
    freePort(),
    launchChromium(),
  ]);
  const consoleUrl = `http://localhost:${consolePort}`;
  const allowedOrigins = "http://localhost:*";
  const proxy = behindProxy ? await startHaproxy(await freePort(), [apiPort], { allowedOrigins }) : undefined;
  const apiUrl = proxy?.url ?? `http://localhost:${apiPort}`;
  const network = await openFaultyNetwork({ host: "127.0.0.1", port: Number(new URL(database.url).port) });
  const databaseUrl = new URL(database.url);
  // A socket's directory would win over the port.
  databaseUrl.searchParams.delete("host");
  databaseUrl.host = `127.0.0.1:${network.port}`;
  let service: ServiceProcess;
  const token: TestConsole["token"] = (subject, scope, lifetimeSeconds = 600) =>
    mintToken(SECRET, { subject, scope, lifetimeSeconds });
  const admin = await token("root", "finance.admin");

  const startService = async () => {
    service = startProcess({
      DATABASE_URL: databaseUrl.href,
      AUTH_JWT_SECRET: SECRET,
      PORT: `${apiPort}`,
      CONSOLE_PORT: `${consolePort}`,
      ...(proxy !== undefined && { CONSOLE_API_URL: proxy.url }),
      CORS_ALLOWED_ORIGINS: allowedOrigins,
      DEMO_DATA: "true",
      LOG_LEVEL: "warn",
    });
    await service.printed(consoleUrl);
  };
  const stopService = async () => {
    service.child.kill("SIGTERM");
    await service.ended;
  };
  const enter: TestConsole["enter"] = async ({ url = consoleUrl, ...options } = {}) => {
    const context = await browser.newContext({ locale: "en-US", timezoneId: "UTC", ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    const failures: Error[] = [];
    page.on("pageerror", (failure) => failures.push(failure));
    await page.goto(`${url}/`);
    const leave = async () => {
      // A route that is still at work would fail when the page closes.
      await page.unrouteAll({ behavior: "ignoreErrors" });
      await context.close();
      expect(failures).toEqual([]);
    };
    return { page, leave };
  };
  await startService();

  return {
    browser,
    apiUrl,
    consoleUrl,
    deniedUrl: `http://127.0.0.1:${consolePort}`,
    token,
    startService,
    stopService,
    network,
    enter,
    async visit(story, options) {
      const { page, leave } = await enter(options);
      try {
        await story(page);
      } catch (error) {
        await page.context().close();
        throw error;
      }
      await leave();
    },
    async call(method, request, bearer = admin) {
      const reply = await fetch(`${apiUrl}/twirp/finance.v1.FinanceService/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${bearer}` },
        body: JSON.stringify(request),
      });
      const answer: Record<string, unknown> = JSON.parse(await reply.text());
      expect(reply.status, JSON.stringify(answer)).toBe(200);
      return answer;
    },
    async close() {
      await browser.close();
      await stopService();
      await proxy?.stop();
      await network.close();
      await database.drop();
    },
  };
}

export async function signIn(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Use the development token" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
}

/** Pastes a token into the form that asks for one. */
export async function enterToken(page: Page, token: string): Promise<void> {
  await page.getByLabel("Bearer token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Goes to a fragment, as a link or bookmark does. */
export async function goTo(page: Page, fragment: string): Promise<void> {
  await page.evaluate(`window.location.hash = ${JSON.stringify(fragment)}`);
}

/** Opens an account that has entries. */
export async function openAccount(page: Page, id: number): Promise<void> {
  await goTo(page, `/accounts/${id}`);
  await page.getByText(`No. ${id} ·`).waitFor();
  await statementOf(page).first().waitFor();
}

export async function fillTransfer(page: Page, to: string, amount: string, description = ""): Promise<void> {
  await page.getByLabel("To account").fill(to);
  await page.getByLabel("Amount in USD").fill(amount);
  await page.getByLabel("Description").fill(description);
}

/** The text that a screen reader says after the field's label. */
export async function noteOf(page: Page, label: string): Promise<string> {
  const id = await page.getByLabel(label).getAttribute("aria-describedby");
  return (await page.locator(`[id="${id}"]`).innerText()).trim();
}

/** The names of the methods that the page called, and of the calls without a reply. */
export function watchCalls(page: Page): {
  readonly sent: readonly string[];
  pending(): string[];
} {
  const sent: string[] = [];
  const pending = new Map<Request, string>();
  page.on("request", (request) => {
    const name = /FinanceService\/(\w+)$/.exec(request.url())?.[1];
    if (name === undefined || request.method() !== "POST") return;
    sent.push(name);
    pending.set(request, name);
  });
  page.on("response", (response) => pending.delete(response.request()));
  page.on("requestfailed", (request) => pending.delete(request));
  return { sent, pending: () => [...pending.values()] };
}

export function statementOf(page: Page): Locator {
  return page.getByRole("table", { name: "Statement" }).locator("tbody").getByRole("row");
}

/** The balance at the top of an account's page, in cents. */
export async function balanceOf(page: Page): Promise<bigint> {
  return cents(await page.locator(".balance").innerText());
}

/** The chart's last balance in cents, from the text below it. */
export async function chartEnd(page: Page): Promise<bigint> {
  const words = await page.getByText("Drag across the chart").innerText();
  return cents(words.split(" · ")[0]?.split("→")[1] ?? "");
}

/** The only amount of money in a text. */
export function cents(text: string): bigint {
  const sums = text.match(/[−+]?\$[\d,]+\.\d\d/g) ?? [];
  expect(sums, text).toHaveLength(1);
  return BigInt(`${sums[0]}`.replace(/[$,.+]/g, "").replace("−", "-"));
}
