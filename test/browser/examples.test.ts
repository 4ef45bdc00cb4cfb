/** The examples that are pages do what their READMEs say, against the service. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandsOf, copyProject, type Running, runCommands } from "../examples/project.ts";
import { launchChromium } from "../setup/chromium.ts";
import { openAccount, openFunded } from "../setup/ledger.ts";
import { freePort } from "../setup/process.ts";
import { startTestService, type TestService } from "../setup/service.ts";

const SECRET = "a secret for tests, 32 bytes or more";

let project: string;
let service: TestService;
let browser: Browser;
beforeAll(async () => {
  [project, service, browser] = await Promise.all([
    copyProject(),
    startTestService({ CORS_ALLOWED_ORIGINS: "http://localhost:*", AUTH_JWT_SECRET: SECRET }),
    launchChromium(),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await service?.close();
});

/** Serves an example's pages as its README says, on a free port. */
async function serve(example: string): Promise<Running & { readonly port: number }> {
  const [start, pages = ""] = await commandsOf(example);
  expect(start).toMatch(/^(npm run build:packages\n)?npm start\n$/);
  expect(pages).toBe(`npx vite examples/${example} --port 3000\n`);
  const port = await freePort();
  const commands = pages.replace("3000", `${port} --strictPort`);
  const serving = runCommands(commands, { cwd: project, env: { AUTH_JWT_SECRET: SECRET } });
  await serving.printed("Local:");
  return { ...serving, port };
}

test("article calls the service from a page on another origin", async () => {
  const account = await openFunded(service, "alice", 1234);
  const token = await service.token("alice");
  const pages = await serve("article");
  try {
    const page = await browser.newPage();
    const see = async (api: string, values: Record<string, string>) => {
      await page.goto(`http://localhost:${pages.port}/?${new URLSearchParams({ api, ...values })}`);
      await page.getByRole("button").click();
      await page.getByRole("status").filter({ hasText: /\S/ }).waitFor();
      return await page.getByRole("status").innerText();
    };
    expect(JSON.parse(await see(service.url, { token, id: account }))).toMatchObject({ id: account, balance: "1234" });
    expect(JSON.parse(await see(service.url, { token: "none", id: account }))).toMatchObject({
      code: "unauthenticated",
    });
    const strict = await startTestService({ CORS_ALLOWED_ORIGINS: "https://app.example.com" });
    try {
      expect(await see(strict.url, { token, id: account })).toBe("Network Error");
    } finally {
      await strict.close();
    }
    await page.close();
  } finally {
    await pages.stop();
  }
});

test("react-query refreshes an expired token, and pays once however often a transfer is tried", async () => {
  const from = await openFunded(service, "alice", 10_000);
  const to = await openAccount(service, "bob");
  const expired = await service.token("alice", "finance.read finance.write", -60);
  const pages = await serve("react-query");
  try {
    const page: Page = await browser.newPage();
    let tokens = 0;
    await page.route("**/session/token", async (route) => {
      tokens += 1;
      await (tokens === 1 ? route.fulfill({ body: expired }) : route.continue());
    });
    await page.goto(`http://localhost:${pages.port}/?${new URLSearchParams({ api: service.url, from, to })}`);
    await page.getByRole("status").filter({ hasText: "$100.00" }).waitFor();
    await page.getByRole("row").getByText("$100.00").waitFor();
    expect(tokens).toBe(2);

    // The service posts, and the page never sees the reply.
    const lost: number[] = [];
    await page.route("**/CreateTransfer", async (route) => {
      const reply = await route.fetch();
      lost.push(reply.status());
      await route.abort();
    });
    await page.getByRole("button", { name: "Send $12.50" }).click();
    await page.getByRole("alert").waitFor();
    expect(lost).toEqual([200, 200, 200]);
    await page.unroute("**/CreateTransfer");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("status").filter({ hasText: "$87.50" }).waitFor();
    await expect.poll(() => page.getByRole("row").count()).toBe(2);

    // Done, so the next one is another transfer.
    await page.getByRole("button", { name: "Send $12.50" }).click();
    await page.getByRole("status").filter({ hasText: "$75.00" }).waitFor();
    await page.close();
  } finally {
    await pages.stop();
  }
}, 90_000);
