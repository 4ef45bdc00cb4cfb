/** Each example does what its text says, against the service. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { createServer, type ViteDevServer } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchChromium } from "../setup/chromium.ts";
import { openAccount, openFunded } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

const run = promisify(execFile);

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ CORS_ALLOWED_ORIGINS: "http://localhost:*" });
});
afterAll(() => service?.close());

test("node-script posts a transfer and prints the statement", async () => {
  const from = await openFunded(service, "alice", 5000);
  const to = await openAccount(service, "bob");
  const token = await service.token("alice");
  const script = (...args: string[]) =>
    run(process.execPath, ["examples/node-script/transfer.mjs", ...args], {
      env: { ...process.env, API: service.url, TOKEN: token },
    });
  const { stdout } = await script(from, to, "12.50");
  expect(stdout).toMatch(/^Transfer \d+: \$12\.50\n\S+Z −\$12\.50\n\S+Z \$50\.00\n$/);
  await expect(script(from, to, "1000")).rejects.toMatchObject({ code: 1, stderr: /^failed_precondition: / });
  await expect(script(from, to, "1.234")).rejects.toMatchObject({ code: 1 });
  await expect(script()).rejects.toMatchObject({ code: 2 });
});

test("article calls the service from a page on another origin", async () => {
  const account = await openFunded(service, "alice", 1234);
  const token = await service.token("alice");
  let browser: Browser | undefined;
  let pages: ViteDevServer | undefined;
  try {
    pages = await createServer({
      root: "examples/article",
      configFile: false,
      logLevel: "silent",
      cacheDir: "../../node_modules/.cache/article",
      server: { host: "127.0.0.1", port: 0 },
    });
    await pages.listen();
    const address = pages.httpServer?.address();
    if (typeof address !== "object" || address === null) throw new Error("the page is not served");
    browser = await launchChromium();
    const page = await browser.newPage();
    const see = async (host: string, values: Record<string, string>) => {
      await page.goto(`http://${host}:${address.port}/?${new URLSearchParams({ api: service.url, ...values })}`);
      await page.getByRole("button").click();
      await page.getByRole("status").filter({ hasText: /\S/ }).waitFor();
      return await page.getByRole("status").innerText();
    };
    expect(JSON.parse(await see("localhost", { token, id: account }))).toMatchObject({ id: account, balance: "1234" });
    expect(JSON.parse(await see("localhost", { token: "none", id: account }))).toMatchObject({
      code: "unauthenticated",
    });
    // Another origin, which the service does not allow.
    expect(await see("127.0.0.1", { token, id: account })).toBe("Network Error");
  } finally {
    await browser?.close();
    await pages?.close();
  }
});
