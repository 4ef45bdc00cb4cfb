/** Finding things in the console, by the keyboard alone: the search, filters in the address, sorted tables, shortcuts. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { enterToken, goTo, signIn, startTestConsole, statementOf, type TestConsole } from "../setup/console.ts";

let service: TestConsole;
/** A transfer of alice's made by the admin with a key, and one between strangers. */
let keyed: { ours: string; strangers: string };
beforeAll(async () => {
  service = await startTestConsole();
  const post = async (change: object) => {
    const { id } = await service.call("CreateTransfer", { debit_account_id: "4", credit_account_id: "6", ...change });
    return `${id}`;
  };
  keyed = {
    ours: await post({
      amount: "4321",
      description: "Keyed",
      idempotency_key: "order-1042",
      metadata: { order: "1042" },
    }),
    strangers: await post({
      debit_account_id: "5",
      amount: "8765",
      description: "Apart",
      idempotency_key: "order-1043",
    }),
  };
});
afterAll(() => service?.close());

const search = (page: Page) => page.getByRole("combobox", { name: "Account, transfer or key" });
const options = (page: Page) => page.getByRole("option");
const dialog = (page: Page, name: string) => page.getByRole("dialog", { name });
const titled = (page: Page, title: string) => page.getByRole("heading", { level: 1, name: title }).waitFor();
const rows = (page: Page, table: string) => page.getByRole("table", { name: table }).locator("tbody").getByRole("row");
const query = (page: Page) => decodeURIComponent(new URL(page.url()).hash.split("?")[1] ?? "");

describe("the search", () => {
  test.each([
    ["an account's number", "4", "Account 4", "Alice, everyday"],
    ["a part of an account's name", "GROC", "Account 6", "Corner Grocery"],
    ["an idempotency key", "order-1042", "Keyed", "$43.21"],
  ])("finds by %s, and Enter opens the result", async (_, text, shown, title) => {
    await service.visit(async (page) => {
      await signIn(page);
      await page.keyboard.press("/");
      await page.keyboard.type(text);
      await options(page).filter({ hasText: shown }).waitFor();
      expect(await options(page).first().getAttribute("aria-selected")).toBe("true");
      await page.keyboard.press("Enter");
      await dialog(page, "Find").waitFor({ state: "detached" });
      await page.getByRole("heading", { level: 1 }).or(page.locator("main")).getByText(title).first().waitFor();
    });
  });

  test("finds a transfer by its number; arrows choose, and Escape closes and returns the focus", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await page.getByRole("button", { name: "Find", exact: true }).focus();
      await page.keyboard.press("Control+k");
      await page.keyboard.type("4");
      await options(page).filter({ hasText: "Transfer 4" }).waitFor();
      const active = async () => {
        const id = await search(page).getAttribute("aria-activedescendant");
        return await page.locator(`[id="${id}"]`).innerText();
      };
      expect(await active()).toContain("Account 4");
      await page.keyboard.press("ArrowDown");
      expect(await active()).toContain("Transfer 4");
      await page.keyboard.press("ArrowDown");
      expect(await active()).toContain("Account 4");
      await page.keyboard.press("ArrowUp");
      expect(await active()).toContain("Transfer 4");
      await page.keyboard.press("Escape");
      await dialog(page, "Find").waitFor({ state: "detached" });
      expect(await page.locator(":focus").innerText()).toContain("Find");
      await page.keyboard.press("Control+k");
      await page.keyboard.type("4");
      await options(page).filter({ hasText: "Transfer 4" }).click();
      await expect.poll(() => page.url()).toMatch(/#\/transfers\/4$/);
    });
  });

  test("says what it searched when it finds nothing", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await page.keyboard.press("/");
      await page.keyboard.type("no such thing");
      const status = dialog(page, "Find").getByRole("status");
      await status.getByText("Nothing found for “no such thing”.").waitFor();
      expect(await status.innerText()).toContain("transfers by idempotency key");
      expect(await search(page).getAttribute("aria-expanded")).toBe("false");
      await page.keyboard.press("Enter");
      await search(page).waitFor();
    });
  });

  test("shows nothing of an earlier text while it asks about the next, or when its answer comes last", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      const releases: (() => void)[] = [];
      await page.route("**/GetTransfer", async (route) => {
        if (!route.request().postData()?.includes('"5"')) await new Promise<void>((resolve) => releases.push(resolve));
        // The page may have given up the call.
        await route.continue().catch(() => undefined);
      });
      await page.keyboard.press("/");
      const transfer = (id: number) => options(page).filter({ hasText: new RegExp(`Transfer ${id}\\b`) });
      await page.keyboard.type("5");
      await transfer(5).waitFor();
      const asked = page.waitForRequest(/GetTransfer/);
      await page.keyboard.type("0");
      expect(await transfer(5).count()).toBe(0);
      await asked;
      await dialog(page, "Find").getByText("Searching…").waitFor();
      await page.keyboard.press("Backspace");
      await transfer(5).waitFor();
      for (const release of releases) release();
      await page.evaluate("new Promise((done) => setTimeout(done, 50))");
      expect(await transfer(50).count()).toBe(0);
      expect(await transfer(5).count()).toBe(1);
    });
  });

  test("finds only what the token may see", async () => {
    await service.visit(async (page) => {
      await enterToken(page, await service.token("alice", "finance.read finance.write"));
      await titled(page, "Overview");
      await page.keyboard.press("/");
      for (const text of ["Bob", "order-1042", "order-1043", keyed.strangers]) {
        await search(page).fill(text);
        await page.getByText(`Nothing found for “${text}”.`).waitFor();
      }
      await search(page).fill(keyed.ours);
      await options(page).filter({ hasText: "Keyed" }).waitFor();
    });
  });
});

describe("filters in the address", () => {
  test("of activity are set by the keyboard, and stay on reload, Back and in another session", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, "/activity");
      await rows(page, "Transfers").first().waitFor();
      await page.getByLabel("State").focus();
      await page.keyboard.type("Posted");
      await expect.poll(() => query(page)).toBe("state=posted");
      await page.getByText("More filters").focus();
      await page.keyboard.press("Enter");
      await page.getByLabel("Minimum amount").focus();
      await page.keyboard.type("43.21");
      await page.keyboard.press("Tab");
      await page.keyboard.type("43.21");
      await page.keyboard.press("Tab");
      await page.keyboard.type("order=1042");
      await expect.poll(() => query(page)).toBe("state=posted&min=43.21&max=43.21&metadata=order=1042");
      await expect.poll(() => rows(page, "Transfers").allInnerTexts()).toHaveLength(1);
      expect(await page.getByLabel("Metadata").and(page.locator(":focus")).count(), "the focus stays").toBe(1);

      await page.reload();
      const expectFilters = async (shown: Page) => {
        await expect.poll(() => rows(shown, "Transfers").count()).toBe(1);
        expect(await shown.getByLabel("Minimum amount").inputValue()).toBe("43.21");
        expect(await shown.getByLabel("State").inputValue()).toBe("posted");
      };
      await expectFilters(page);
      await page.getByRole("link", { name: "Keyed" }).click();
      await expect.poll(() => page.url()).toMatch(/#\/transfers\/\d+$/);
      await page.goBack();
      await expectFilters(page);

      const other = await service.enter();
      await goTo(other.page, new URL(page.url()).hash.slice(1));
      await other.page.getByRole("button", { name: "Use the development token" }).click();
      await expectFilters(other.page);
      await other.leave();
    });
  });

  test("of activity follow Back, Forward and a changed address", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, "/activity");
      await page.getByLabel("State").selectOption("posted");
      await expect.poll(() => query(page)).toBe("state=posted");
      await page.goBack();
      await expect.poll(() => page.getByLabel("State").inputValue()).toBe("");
      await page.goForward();
      await expect.poll(() => page.getByLabel("State").inputValue()).toBe("posted");
      expect(await page.getByLabel("Idempotency key").isVisible()).toBe(false);
      await goTo(page, `/activity?account=4&counterparty=6&key=order-1042`);
      await page.getByLabel("Idempotency key").waitFor();
      await expect.poll(() => rows(page, "Transfers").count()).toBe(1);
      expect(await page.getByLabel("State").inputValue()).toBe("");
      await goTo(page, "/activity?state=voided");
      await page.getByText("No transfers match these filters.").waitFor();
      await page.getByRole("button", { name: "Show all transfers" }).click();
      await rows(page, "Transfers").first().waitFor();
      expect(query(page)).toBe("");
    });
  });

  test("that are wrong are said and ignored", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, "/activity?state=lost&from=yesterday&min=much&account=x&sort=luck&metadata=z");
      await rows(page, "Transfers").first().waitFor();
      for (const problem of [
        "This is not a state. It is ignored.",
        "This is not a date, such as 2026-01-31.",
        "Enter a number greater than zero",
        "Choose an account, or enter its number.",
        "Enter a key and its value",
        "There is no column “luck” to sort by. It is ignored.",
      ]) {
        await page.getByText(problem).waitFor();
      }
      await goTo(page, "/accounts?type=debt&currency=%25&q=");
      await page.getByText("This is not a type of account. It is ignored.").waitFor();
      await page.getByRole("link", { name: "Alice, everyday" }).waitFor();
      await goTo(page, "/accounts/4?counterparty=4&until=0");
      await page.getByText("Choose another account, or enter its number.").waitFor();
      await statementOf(page).first().waitFor();
      await goTo(page, "/accounts/4/statement?from=2026-02-30&until=0");
      await page.getByText("The address has no two days in order. This month is shown instead.").waitFor();
    });
  });

  test("of a statement select its entries", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, "/accounts/4");
      await statementOf(page).first().waitFor();
      await page.getByText("Filter the statement").click();
      await page.getByLabel("Other account").fill("Corner");
      await options(page).first().click();
      await page.getByLabel("Metadata").fill("order=1042");
      await expect.poll(() => statementOf(page).count()).toBe(1);
      expect(query(page)).toBe("counterparty=6&metadata=order=1042");
      await page.reload();
      await expect.poll(() => statementOf(page).count()).toBe(1);
      await page.getByLabel("Minimum amount").fill("43.22");
      await page.getByRole("button", { name: "Show the whole statement" }).click();
      await expect.poll(() => statementOf(page).count()).toBe(50);
      expect(query(page)).toBe("");
    });
  });

  test("of accounts find a number that is not among the first pages", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await page.route("**/ListAccounts", async (route) => {
        if (route.request().method() !== "POST") return await route.continue();
        const response = await route.fetch();
        const { accounts = [] } = await response.json();
        const others = accounts.filter(({ id }: { id: string }) => id !== "7");
        await route.fulfill({ response, json: { accounts: others, next_page_token: "more" } });
      });
      await goTo(page, "/accounts?q=7");
      await page.getByRole("link", { name: "Settlement bank, euros" }).waitFor();
      await goTo(page, "/accounts?q=7&currency=USD");
      await page.getByRole("link", { name: "Settlement bank, euros" }).waitFor({ state: "detached" });
    });
  });

  test("of accounts stay on reload and Back", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, "/accounts");
      await page.getByLabel("Search").fill("alice");
      await page.getByLabel("Currency").selectOption("EUR");
      const link = page.getByRole("link", { name: "Alice, savings in euros" });
      await page.getByRole("link", { name: "Alice, everyday" }).waitFor({ state: "detached" });
      await page.reload();
      await link.waitFor();
      expect(query(page)).toBe("q=alice&currency=EUR");
      await link.click();
      await titled(page, "Alice, savings in euros");
      await page.goBack();
      await expect.poll(() => page.getByLabel("Search").inputValue()).toBe("alice");
      await page.goBack();
      await expect.poll(() => page.getByLabel("Currency").inputValue()).toBe("");
      expect(await page.getByLabel("Search").inputValue()).toBe("alice");
    });
  });
});

describe("a sorted table", () => {
  const amounts = async (page: Page) =>
    (await rows(page, "Transfers").locator("td.figure").allInnerTexts()).map((text) => text.replaceAll(/[^\d€$]/g, ""));

  test("says its order, reverses it, and returns to the list's own", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, "/activity?account=4");
      await rows(page, "Transfers").first().waitFor();
      const first = await amounts(page);
      const head = page.getByRole("columnheader", { name: "Amount" });
      const button = head.getByRole("button");
      for (const [order, sort] of [
        ["descending", "-amount"],
        ["ascending", "amount"],
      ] as const) {
        await button.focus();
        await page.keyboard.press("Enter");
        await expect.poll(() => head.getAttribute("aria-sort")).toBe(order);
        await expect.poll(() => query(page)).toBe(`account=4&sort=${sort}`);
        await rows(page, "Transfers").nth(60).waitFor({ state: "attached" });
        const numbers = (await amounts(page)).map((text) => Number(text.slice(1)));
        expect(numbers).toEqual(numbers.toSorted((a, b) => (order === "ascending" ? a - b : b - a)));
      }
      await page.keyboard.press("Enter");
      await expect.poll(() => head.getAttribute("aria-sort")).toBeNull();
      await expect.poll(async () => (await amounts(page)).slice(0, 5)).toEqual(first.slice(0, 5));
    });
  });

  test("of more rows than are loaded says so, and loads more only when asked", async () => {
    const transfers = Array.from({ length: 1000 }, () => ({
      debit_account_id: "5",
      credit_account_id: "6",
      amount: "1",
    }));
    await service.call("BatchCreateTransfers", { transfers });
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, "/activity?sort=-amount");
      await page.getByText("Sorted among the first 1000 of the transfers. There are more.").waitFor();
      await page.getByRole("button", { name: "Show more" }).click();
      await page.getByText("Sorted among the first").waitFor({ state: "detached" });
      await expect.poll(() => rows(page, "Transfers").count()).toBeGreaterThan(1000);
    });
  }, 60_000);

  test("lists a statement by date in both directions, from the service", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, "/accounts/4?sort=date");
      await statementOf(page).filter({ hasText: "Opening transfer" }).first().waitFor();
      expect(await statementOf(page).first().innerText()).toContain("Opening transfer");
    });
  });
});

describe("shortcuts", () => {
  test("open each page, the search and the list of shortcuts", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      for (const [keys, title] of [
        ["ga", "Accounts"],
        ["gt", "Activity"],
        ["gh", "Holds"],
        ["gc", "Connection"],
        ["go", "Overview"],
        ["n", "New transfer"],
      ] as const) {
        await page.locator("h1").focus();
        for (const key of keys) await page.keyboard.press(key);
        await titled(page, title);
      }
      await page.locator("h1").focus();
      await page.keyboard.press("?");
      await dialog(page, "Keyboard shortcuts").waitFor();
      await page.keyboard.press("Escape");
      await dialog(page, "Keyboard shortcuts").waitFor({ state: "detached" });
    });
  });

  test("do nothing while somebody types, with other keys, in a dialog, or for a caller who may not", async () => {
    await service.visit(async (page) => {
      await enterToken(page, await service.token("alice", "finance.read"));
      await titled(page, "Overview");
      for (const keys of ["n", "a", "Control+g", "a", "Alt+/", "Shift+G", "a"]) await page.keyboard.press(keys);
      await goTo(page, "/accounts");
      await page.getByLabel("Search").focus();
      await page.keyboard.type("go/?n");
      expect(await page.getByLabel("Search").inputValue()).toBe("go/?n");
      await page.keyboard.press("Control+k");
      await page.keyboard.type("go?");
      expect(await search(page).inputValue()).toBe("go?");
      await page.keyboard.press("Tab");
      for (const key of "go?") await page.keyboard.press(key);
      await page.keyboard.press("Escape");
      await dialog(page, "Find").waitFor({ state: "detached" });
      expect(page.url()).toContain("#/accounts?q=go");
      expect(await page.getByRole("dialog").count()).toBe(0);
    });
  });

  test("of single keys can be turned off, for later visits too", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await page.getByRole("button", { name: "Shortcuts" }).click();
      await page.getByLabel("Shortcuts of single keys").uncheck();
      await page.getByText("New transfer").last().waitFor();
      expect(await dialog(page, "Keyboard shortcuts").getByText("then").count()).toBe(0);
      await page.keyboard.press("Escape");
      await page.reload();
      await titled(page, "Overview");
      for (const key of ["g", "a", "n", "/", "?"]) await page.keyboard.press(key);
      expect(await page.getByRole("dialog").count()).toBe(0);
      await page.keyboard.press("Control+k");
      await search(page).waitFor();
      await titled(page, "Overview");
      await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
      await page.getByLabel("Shortcuts of single keys").check();
      await page.keyboard.press("Escape");
      await page.keyboard.press("/");
      await search(page).waitFor();
    });
  });
});
