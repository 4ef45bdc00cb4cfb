/** The console under its Content-Security-Policy, in a real browser, served by itself as in the containers. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchChromium } from "../setup/chromium.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { freePort, type ServiceProcess, startProcess } from "../setup/process.ts";

let database: TestDatabase;
let service: ServiceProcess;
let consolePort: number;
let browser: Browser;

beforeAll(async () => {
  [database, consolePort, browser] = await Promise.all([createTestDatabase(), freePort(), launchChromium()]);
  service = startProcess({
    DATABASE_URL: database.url,
    AUTH_JWT_SECRET: "a secret for tests, 32 bytes or more",
    PORT: `${await freePort()}`,
    CONSOLE_PORT: `${consolePort}`,
    DEMO_DATA: "true",
    LOG_LEVEL: "warn",
  });
  await service.printed(`http://localhost:${consolePort}`);
});
afterAll(async () => {
  await browser?.close();
  service?.child.kill("SIGTERM");
  await service?.ended;
  await database?.drop();
});

test("the console works without breaking its policy, which stops a script that was smuggled in", async () => {
  const page = await browser.newPage();
  await page.addInitScript({
    content: `
      const violations = [];
      window.violations = violations;
      document.addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));`,
  });
  const violations = () => page.evaluate("window.violations");
  await page.goto(`http://localhost:${consolePort}/`);
  const answered = page.waitForResponse(/ListAccounts/);
  await page.getByRole("button", { name: "Use the development token" }).click();
  expect((await answered).status()).toBe(200);
  await page.getByRole("link", { name: "Alice, everyday" }).click();
  await page.getByRole("heading", { level: 1, name: "Alice, everyday" }).waitFor();
  expect(await violations()).toEqual([]);

  await page.evaluate(`
    const script = document.createElement("script");
    script.textContent = "window.smuggled = true";
    document.body.append(script)`);
  await expect.poll(violations).toEqual(["script-src-elem"]);
  expect(await page.evaluate("window.smuggled")).toBeUndefined();
  await page.close();
});
