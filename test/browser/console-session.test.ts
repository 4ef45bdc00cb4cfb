/** Signing in and out, and expired tokens. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { enterToken, fillTransfer, goTo, signIn, startTestConsole, type TestConsole } from "../setup/console.ts";

let service: TestConsole;
beforeAll(async () => {
  service = await startTestConsole();
});
afterAll(() => service?.close());

test("signing in with the development token loads data from the API's origin", async () => {
  await service.visit(async (page) => {
    const reply = page.waitForResponse(/GetTrialBalance/);
    await signIn(page);
    const request = (await reply).request();
    expect(new URL(request.url()).origin).toBe(service.apiUrl);
    expect(await request.headerValue("origin")).toBe(service.consoleUrl);
    await page.getByText("Signed in as alice").waitFor();
  });
});

test.each<[what: string, pasted: string, problem: string]>([
  ["nothing", "", "Paste a token."],
  ["words", "not a token", "This is not a bearer token: it contains spaces or characters that no token has."],
  ["no JWT", "not.a.token", "The service refused the token: the token is not a signed JWT."],
])("%s for a token is refused at the field, and nobody is signed in", async (_, pasted, problem) => {
  await service.visit(async (page) => {
    await enterToken(page, pasted);
    await page.getByText(problem).waitFor();
    expect(await page.getByLabel("Bearer token").getAttribute("aria-invalid")).toBe("true");
    expect(await page.locator(":focus").getAttribute("name")).toBe("token");
    await page.reload();
    await page.getByLabel("Bearer token").waitFor();
    expect(await page.getByText(problem).count()).toBe(0);
  });
});

test("an expired token is refused with the reason", async () => {
  await service.visit(async (page) => {
    await enterToken(page, await service.token("alice", "finance.read", -600));
    await page.getByText(/The service refused the token: .*expired/).waitFor();
  });
});

test("a caller without finance.admin sees their own accounts", async () => {
  await service.visit(async (page) => {
    await enterToken(page, await service.token("alice", "finance.read"));
    await page.getByText("Signed in as alice").waitFor();
    await goTo(page, "/accounts");
    const rows = page.getByRole("region", { name: "Accounts found" }).locator("tbody").getByRole("row");
    await expect.poll(() => rows.count()).toBe(2);
  });
});

test("a session survives a reload, and signing out ends it", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    await goTo(page, "/accounts/4");
    await page.getByRole("heading", { level: 1, name: "Alice, everyday" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { level: 1, name: "Alice, everyday" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Bearer token").waitFor();
    await page.reload();
    await page.getByLabel("Bearer token").waitFor();
  });
});

test("when the token expires a dialog asks for a new one, and the form below keeps its values and posts", async () => {
  await service.visit(async (page) => {
    await enterToken(page, await service.token("alice", "finance.read finance.write"));
    await goTo(page, "/transfer?from=4");
    await fillTransfer(page, "6", "12.34", "Typed before");
    const expired = await service.token("alice", "finance.read finance.write", -600);
    await page.route("**/CreateTransfer", async (route) => {
      if (route.request().postData()?.includes('"dry_run":true')) return await route.continue();
      const headers = { ...route.request().headers(), authorization: `Bearer ${expired}` };
      await route.continue({ headers });
    });
    await page.getByRole("button", { name: "Transfer", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Sign in again" });
    await dialog.waitFor();
    expect(await dialog.innerText()).toContain("expired");

    await page.unroute("**/CreateTransfer");
    await enterToken(page, await service.token("alice", "finance.read finance.write"));
    await dialog.waitFor({ state: "detached" });
    expect(await page.getByLabel("Amount in USD").inputValue()).toBe("12.34");
    expect(await page.getByLabel("Description").inputValue()).toBe("Typed before");
    await page.getByRole("button", { name: "Transfer", exact: true }).click();
    await page.getByText("Transferred $12.34 to account 6.").waitFor();
  });
});
