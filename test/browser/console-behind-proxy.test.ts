/** The console during outages, with its API behind HAProxy as shipped. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goTo, signIn, startTestConsole, type TestConsole } from "../setup/console.ts";
import { hasHaproxy } from "../setup/haproxy.ts";

describe.skipIf(!hasHaproxy && process.env["CI"] === undefined)(
  "behind HAProxy (skipped where it is not installed)",
  () => {
    let service: TestConsole;
    beforeAll(async () => {
      service = await startTestConsole({ behindProxy: true });
    });
    afterAll(() => service?.close());

    /** What a page's own fetch may read of a call without a token. */
    async function readByPage(page: Page): Promise<unknown> {
      return await page.evaluate(async (url) => {
        const reply = await fetch(url, {
          method: "POST",
          headers: { "content-type": "application/json", authorization: "Bearer nothing" },
          body: "{}",
        });
        return [reply.status, reply.headers.get("x-request-id"), await reply.json()];
      }, `${service.apiUrl}/twirp/finance.v1.FinanceService/GetTrialBalance`);
    }

    test("while the database is away the page says so, not that CORS is to blame, and it recovers by itself", async () => {
      await service.visit(async (page) => {
        await signIn(page);
        service.network.refuse();
        service.network.cut();
        await goTo(page, "/activity");
        const banner = page.getByRole("status").filter({ hasText: "This page keeps trying." });
        await banner.getByText("The service takes no calls: the database can't be reached; try again.").waitFor();
        expect(await banner.innerText()).not.toContain("CORS");
        await banner.getByRole("link", { name: "Check the connection" }).click();
        const browser = page.getByRole("region", { name: "What this browser says" });
        await browser.getByText(/^.*Yes: HTTP \d+, after a preflight/).waitFor();
        expect(await browser.getByText("No:").count()).toBe(0);

        service.network.accept();
        await goTo(page, "/activity");
        await page.getByRole("table", { name: "Transfers" }).waitFor({ timeout: 20_000 });
      });
    });

    test("while there is no process the page reads the proxy's error, and it recovers by itself", async () => {
      await service.visit(async (page) => {
        await signIn(page);
        await service.stopService();
        await expect
          .poll(() => readByPage(page))
          .toEqual([
            503,
            expect.stringMatching(/^[\da-f-]{36}$/),
            { code: "unavailable", msg: "no server takes calls now; try again", meta: {} },
          ]);
        await goTo(page, "/activity");
        await page.getByText("The service takes no calls: no server takes calls now; try again.").waitFor();

        await service.startService();
        await page.getByRole("table", { name: "Transfers" }).waitFor({ timeout: 20_000 });
      });
    });
  },
);
