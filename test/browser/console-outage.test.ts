/** The console when CORS or an outage keeps it from calling the API. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { goTo, signIn, startTestConsole, type TestConsole } from "../setup/console.ts";

let service: TestConsole;
beforeAll(async () => {
  service = await startTestConsole();
});
afterAll(() => service?.close());

test("on an allowed origin the connection page shows the browser's view, and each step of the doctor", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    await page.getByRole("link", { name: "Connection", exact: true }).click();
    await page.getByText("✓ A browser lets this page call the API.").waitFor();
    const browser = page.getByRole("region", { name: "What this browser says" });
    await expect.poll(() => browser.getByRole("listitem").count()).toBe(3);
    expect(await browser.getByText("No:").count()).toBe(0);
    expect(await browser.getByText("Reply headers").innerText()).toContain("x-request-id");
    const doctor = page.getByRole("region", { name: "What the doctor finds" });
    await doctor.getByText("OPTIONS → HTTP 204").click();
    const sent = doctor.getByText("access-control-request-headers: authorization,content-type");
    expect(await sent.innerText()).toContain(`origin: ${service.consoleUrl}`);
    await doctor.getByText(`access-control-allow-origin: ${service.consoleUrl}`).first().waitFor();
  });
});

test("on a denied origin nobody can sign in, and the connection page shows why, what the browser printed, and how to fix it", async () => {
  await service.visit(
    async (page) => {
      await page.getByRole("button", { name: "Use the development token" }).click();
      const alert = page.getByRole("alert");
      await alert.waitFor();
      expect(await alert.innerText()).toContain(`blocked it by CORS for this origin, ${service.deniedUrl}.`);
      await alert.getByRole("link", { name: "Check the connection" }).click();

      await page.getByText("✗ A browser blocks this page's calls.").waitFor();
      const browser = page.getByRole("region", { name: "What this browser says" });
      expect(await browser.getByRole("listitem").allInnerTexts()).toEqual([
        expect.stringContaining("Yes: it answers a request without CORS"),
        expect.stringContaining("No: there was no reply that this page may read"),
        expect.stringContaining("No: the preflight or the call was refused"),
      ]);
      const doctor = page.getByRole("region", { name: "What the doctor finds" });
      expect(await doctor.innerText()).toContain(`add ${service.deniedUrl} to CORS_ALLOWED_ORIGINS`);
      expect(await doctor.innerText()).toContain(service.deniedUrl);
      await doctor.getByText("What the browser's console prints").click();
      await doctor.getByText("has been blocked by CORS policy").waitFor();
    },
    { url: service.deniedUrl },
  );
});

test("during a restart of the service the page says so, keeps its data, and recovers by itself", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    await goTo(page, "/accounts/4");
    await page.getByRole("heading", { level: 1, name: "Alice, everyday" }).waitFor();
    await service.stopService();
    await goTo(page, "/activity");
    await page.getByText("The service is not responding.").waitFor();
    await goTo(page, "/accounts/4");
    await page.getByRole("heading", { level: 1, name: "Alice, everyday" }).waitFor();

    await service.startService();
    await page.getByText("The service is not responding.").waitFor({ state: "hidden", timeout: 20_000 });
    await goTo(page, "/activity");
    await page.getByRole("table", { name: "Transfers" }).waitFor();
  });
});

test("pages open for the first time even while the service is away, and after it was replaced", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    // The names of accounts are loaded now.
    await page.getByRole("link", { name: "Corner Grocery" }).first().waitFor();
    await service.stopService();
    await goTo(page, "/activity");
    await page.getByText("The service is not responding.").waitFor();
    await page.getByRole("status").getByRole("link", { name: "Check the connection" }).click();
    await page.getByText("No answer at all: the API is down or can't be reached").waitFor();
    await page.getByRole("link", { name: "New transfer" }).click();
    await page.getByLabel("Amount").fill("12.50");
    await goTo(page, "/accounts/4");
    await page.getByRole("heading", { level: 1, name: "Alice, everyday" }).waitFor();
    await service.startService();
    await page.getByText("Drag across the chart").waitFor({ timeout: 20_000 });
  });
});

test.each(["en-US@posix", "C", "", "de_DE.UTF-8", undefined])(
  "a browser whose language is %j shows every page",
  async (language) => {
    await service.visit(async (page) => {
      await page.addInitScript(`for (const [name, value] of [["language", ${JSON.stringify(language)}], ["languages", [${JSON.stringify(language)}]]])
      Object.defineProperty(Navigator.prototype, name, { get: () => value, configurable: true })`);
      await page.reload();
      await signIn(page);
      await goTo(page, "/accounts/4");
      await page.getByText("Drag across the chart").waitFor();
      await page.locator(".u-over").waitFor();
      await goTo(page, "/transfer?from=4&to=6&amount=1");
      await page.getByRole("region", { name: "Balances afterwards" }).waitFor();
      await goTo(page, "/");
      await page.getByText("Balanced").first().waitFor();
    });
  },
);

test("an exception in a page is shown there, and the rest of the console works", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    await page.route("**/finance.v1.FinanceService/GetAccount", async (route) => {
      if (route.request().method() !== "POST") return await route.continue();
      const response = await route.fetch();
      // A reply that no service sends, to make the page's own code fail.
      await route.fulfill({ response, json: { ...(await response.json()), currency: "?!" } });
    });
    await goTo(page, "/accounts/4");
    const alert = page.getByRole("alert");
    await alert.getByText("This page failed:").waitFor();
    await page.getByRole("link", { name: "Activity", exact: true }).click();
    await page.getByRole("table", { name: "Transfers" }).waitFor();
    expect(await alert.count()).toBe(0);

    await goTo(page, "/accounts/4");
    await alert.waitFor();
    await page.unroute("**/finance.v1.FinanceService/GetAccount");
    await alert.getByRole("button", { name: "Reload the console" }).click();
    await page.getByText("Drag across the chart").waitFor();
  });
});

test("without a network the page says that the device is offline", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    await page.context().setOffline(true);
    await goTo(page, "/activity");
    await page.getByText("This device is offline.").waitFor();
    await page.context().setOffline(false);
    await page.getByRole("table", { name: "Transfers" }).waitFor({ timeout: 20_000 });
    await page.getByText("This device is offline.").waitFor({ state: "hidden" });
  });
});
