/** The console follows what others do, by the feed of events. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  balanceOf,
  chartEnd,
  enterToken,
  fillTransfer,
  goTo,
  openAccount,
  signIn,
  startTestConsole,
  statementOf,
  type TestConsole,
  watchCalls,
} from "../setup/console.ts";

let service: TestConsole;
beforeAll(async () => {
  service = await startTestConsole();
});
afterAll(() => service?.close());

/** Machines that run other tests too may need a moment. */
const eventually: typeof expect.poll = (read, options) => expect.poll(read, { timeout: 10_000, ...options });

/** Waits for the words of the mark that says whether the page is live. */
async function marked(page: Page, words: string): Promise<void> {
  await page.getByRole("banner").getByRole("status").getByText(words, { exact: true }).waitFor({ timeout: 20_000 });
}

async function signInLive(page: Page): Promise<void> {
  await signIn(page);
  await marked(page, "Live");
}

/** A new account of alice, who has the development token. */
async function openWallet(name: string): Promise<number> {
  const { id } = await service.call("CreateAccount", {
    name,
    type: "ACCOUNT_TYPE_LIABILITY",
    currency: "USD",
    owner: "alice",
    unlimited_overdraft: true,
  });
  return Number(id);
}

async function post(debit: number, credit: number, change: object = {}): Promise<string> {
  const transfer = { debit_account_id: debit, credit_account_id: credit, amount: "100", ...change };
  return `${(await service.call("CreateTransfer", transfer))["id"]}`;
}

/** Posts transfers of a dollar, "Number 1.", "Number 2." and so on, in one call. */
async function postMany(debit: number, credit: number, count: number): Promise<void> {
  const transfers = Array.from({ length: count }, (_, index) => ({
    debit_account_id: debit,
    credit_account_id: credit,
    amount: "100",
    description: `Number ${index + 1}.`,
  }));
  await service.call("BatchCreateTransfers", { transfers });
}

/** Fails if the page loads again. */
async function expectNoReload(page: Page, story: () => Promise<void>): Promise<void> {
  await page.evaluate("window.isFirstLoad = true");
  await story();
  expect(await page.evaluate("window.isFirstLoad")).toBe(true);
}

test("balance, statement, chart and activity follow the transfer of another page", async () => {
  await service.visit(async (reader) => {
    await signInLive(reader);
    await openAccount(reader, 6);
    const before = await balanceOf(reader);
    const poster = await service.enter();
    const activity = await service.enter();
    await signInLive(activity.page);
    await goTo(activity.page, "/activity");
    await activity.page.getByRole("table", { name: "Transfers" }).waitFor();
    await expectNoReload(reader, async () => {
      await signIn(poster.page);
      await goTo(poster.page, "/transfer?from=4");
      await fillTransfer(poster.page, "6", "12.34", "Seen by others");
      await poster.page.getByRole("button", { name: "Transfer", exact: true }).click();
      await eventually(() => balanceOf(reader)).toBe(before + 1234n);
      await eventually(() => statementOf(reader).first().innerText()).toContain("Seen by others");
      await eventually(() => chartEnd(reader)).toBe(before + 1234n);
    });
    await activity.page.getByRole("row", { name: "Seen by others" }).waitFor();
    await poster.leave();
    await activity.leave();
  });
});

test("holds appear, and disappear when they are settled; the open dialog keeps what was typed", async () => {
  const from = await openWallet("Holder");
  await service.visit(async (page) => {
    await signInLive(page);
    await goTo(page, "/holds");
    await page.getByText("There are no holds.").waitFor();
    const id = await post(from, 6, { pending: true, description: "Deposit" });
    const row = page.getByRole("row", { name: "Deposit" });
    await row.getByRole("button", { name: /^Capture/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Amount in USD").fill("0.55");
    await service.call("CaptureTransfer", { id, amount: "60" });
    await row.waitFor({ state: "detached" });
    expect(await dialog.getByLabel("Amount in USD").inputValue()).toBe("0.55");
    await dialog.getByRole("button", { name: "Cancel" }).click();

    await openAccount(page, from);
    const voided = await post(from, 6, { pending: true, description: "Voided later" });
    const table = page.getByRole("table", { name: "Holds" });
    await table.getByRole("link", { name: "Voided later" }).waitFor();
    await service.call("VoidTransfer", { id: voided });
    await table.waitFor({ state: "detached" });
  });
});

test("a transfer's page follows its hold, and says who settled it", async () => {
  const from = await openWallet("Settler");
  await service.visit(async (page) => {
    await signInLive(page);
    const id = await post(from, 6, { pending: true });
    await goTo(page, `/transfers/${id}`);
    await page.getByText("Held").first().waitFor();
    await service.call("CaptureTransfer", { id });
    await page.getByText("Captured").first().waitFor();
    const settledBy = page.getByRole("term").filter({ hasText: "Settled by" }).locator("xpath=..");
    expect(await settledBy.getByRole("definition").innerText()).toBe("root");
    await service.call("ReverseTransfer", { id });
    await page.getByText("Reversed by").waitFor();
  });
});

test("new accounts and transfers appear on the overview and in the list of accounts", async () => {
  await service.visit(async (page) => {
    await signInLive(page);
    const sums = page.getByRole("table", { name: "USD" }).first();
    const before = await sums.innerText();
    const from = await openWallet("Appears");
    await eventually(() => sums.innerText()).not.toBe(before);
    await post(from, 6, { description: "On the overview" });
    await page.getByRole("row", { name: "On the overview" }).waitFor();
    await goTo(page, "/accounts");
    await page.getByRole("row", { name: "Appears" }).waitFor();
    await openWallet("Appears later");
    await page.getByRole("row", { name: "Appears later" }).waitFor();
  });
});

test("the audit trail says who opened the account and who changed what, when, by which request, and follows", async () => {
  const id = await openWallet("Audited");
  await service.visit(async (page) => {
    await signInLive(page);
    await goTo(page, `/accounts/${id}`);
    await page.getByRole("cell", { name: "Account opened" }).waitFor();
    await service.call("UpdateAccount", { id, overdraft_limit: "5000", unlimited_overdraft: false });
    const changes = page.getByRole("table", { name: "Audit trail" }).locator("tbody").getByRole("row");
    await eventually(() => changes.count()).toBe(3);
    const cells = async () => {
      const rows = await Promise.all((await changes.all()).map((row) => row.getByRole("cell").allInnerTexts()));
      // The author is above the id of the request.
      return rows.map(([, ...rest]) => rest.map((text) => text.split("\n")[0]));
    };
    expect(await cells()).toEqual([
      ["Unlimited overdraft", "Yes", "No", "root"],
      ["Overdraft", "None", "$50.00", "root"],
      ["Account opened", "", "", "root"],
    ]);
    const [change] = (await service.call("ListAccountChanges", { account_id: id, newest_first: true }))["changes"] as {
      request_id: string;
    }[];
    await changes.first().getByRole("cell").last().getByText(`${change?.request_id}`, { exact: true }).waitFor();

    await page.getByRole("button", { name: "Freeze Audited" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Freeze the account" }).click();
    await eventually(async () => (await cells())[0]).toEqual(["Status", "Open", "Frozen", "alice"]);
    await service.call("UpdateAccount", { id, metadata: { team: "north" } });
    await eventually(async () => (await cells())[0]).toEqual(["team", "None", "north", "root"]);
    const today = await page.evaluate('new Intl.DateTimeFormat(undefined, { dateStyle: "medium" }).format(new Date())');
    expect(await changes.first().innerText()).toContain(today);

    for (const name of ["A", "B", "C", "D"]) await service.call("UpdateAccount", { id, name });
    await page.getByRole("heading", { level: 1, name: "D" }).waitFor();
    await page.getByRole("button", { name: "Show earlier changes" }).click();
    await eventually(() => changes.count()).toBe(9);
  });
});

test("the audit trail does not tell a plain caller who else changed their account", async () => {
  const id = await openWallet("Private");
  await service.call("UpdateAccount", { id, name: "Renamed" });
  const token = await service.token("alice", "finance.read finance.write");
  await service.call("UpdateAccount", { id, name: "Renamed by alice" }, token);
  await service.visit(async (page) => {
    await enterToken(page, token);
    await goTo(page, `/accounts/${id}`);
    const authors = page.getByRole("table", { name: "Audit trail" }).locator("td:last-child");
    await eventually(() => authors.allInnerTexts()).toEqual([
      expect.stringMatching(/^alice\n.+/),
      "Someone else",
      "Someone else",
    ]);
  });
});

test("after a restart of the service the page says reconnecting, then live, and nothing is missing", async () => {
  const from = await openWallet("Restarted");
  await service.visit(async (page) => {
    await signInLive(page);
    await post(from, 6);
    await openAccount(page, from);
    await expectNoReload(page, async () => {
      await service.stopService();
      await marked(page, "Reconnecting…");
      await service.startService();
      for (const description of ["One", "Two", "Three"]) await post(from, 6, { description });
      await marked(page, "Live");
      await eventually(() => balanceOf(page)).toBe(-400n);
      await eventually(() => statementOf(page).allInnerTexts()).toEqual([
        ...["Three", "Two", "One"].map((text) => expect.stringContaining(text)),
        expect.anything(),
      ]);
    });
  });
});

test("without a network the mark says offline", async () => {
  await service.visit(async (page) => {
    await signInLive(page);
    await page.context().setOffline(true);
    await marked(page, "Offline");
    await page.context().setOffline(false);
    await marked(page, "Live");
  });
});

test("an idle page makes no calls but those that wait for events", async () => {
  await service.visit(async (page) => {
    await page.clock.install();
    const calls = watchCalls(page);
    await signInLive(page);
    for (const fragment of ["/", "/accounts", "/accounts/4", "/activity", "/holds"]) {
      await goTo(page, fragment);
      await eventually(() => calls.pending(), { message: fragment }).toEqual(["ListEvents"]);
      await page.clock.runFor(5000);
      await eventually(() => calls.pending(), { message: fragment }).toEqual(["ListEvents"]);
      const before = calls.sent.length;
      await page.clock.runFor(600_000);
      const idle = () => new Set(calls.sent.slice(before));
      await eventually(idle, { message: fragment }).toContain("ListEvents");
      expect(idle(), fragment).toEqual(new Set(["ListEvents"]));
    }
  });
});

test("a hidden tab stops following, and catches up when it is shown", async () => {
  const from = await openWallet("Hidden");
  await service.visit(async (page) => {
    await signInLive(page);
    await post(from, 6);
    await openAccount(page, from);
    const show = async (state: "hidden" | "visible") =>
      await page.evaluate(`(() => {
        Object.defineProperty(document, "visibilityState", { value: "${state}", configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      })()`);
    const stopped = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/ListEvents"));
    await show("hidden");
    await stopped;
    const calls = watchCalls(page);
    await post(from, 6);
    await page.evaluate("new Promise((resolve) => requestIdleCallback(resolve))");
    expect(calls.sent).not.toContain("ListEvents");
    await show("visible");
    await marked(page, "Live");
    await eventually(() => balanceOf(page)).toBe(-200n);
  });
});

test.each([
  [
    "a feed of another ledger",
    { code: "failed_precondition", meta: { reason: "feed_diverged" } },
    412,
    "Not live: the ledger was restored. Reload the page",
  ],
  [
    "a token without finance.read",
    { code: "permission_denied", meta: {} },
    403,
    "Not live: the token lacks finance.read",
  ],
])("%s ends the feed, the mark says so, and the page works", async (_, error, status, words) => {
  await service.visit(async (page) => {
    await page.route("**/ListEvents", async (route) => {
      if (route.request().method() !== "POST") return await route.continue();
      const headers = { "access-control-allow-origin": service.consoleUrl };
      await route.fulfill({ status, headers, json: { ...error, msg: "refused" } });
    });
    await signIn(page);
    await marked(page, words);
    await goTo(page, "/activity");
    await page.getByRole("table", { name: "Transfers" }).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
  });
});

test.each([
  ["another", () => service.token("alice", "finance.read", 500)],
  ["the same", async (refused: string) => refused],
])("a refused token is noticed by an idle page, and %s one makes it live again", async (_, nextAfter) => {
  await service.visit(async (page) => {
    const token = await service.token("alice", "finance.read");
    await enterToken(page, token);
    await marked(page, "Live");
    const expired = await service.token("alice", "finance.read", -600);
    await page.route("**/finance.v1.FinanceService/*", async (route) => {
      await route.continue({ headers: { ...route.request().headers(), authorization: `Bearer ${expired}` } });
    });
    await post(4, 6);
    const dialog = page.getByRole("dialog", { name: "Sign in again" });
    await dialog.waitFor();
    await page.unroute("**/finance.v1.FinanceService/*");
    await enterToken(page, await nextAfter(token));
    await dialog.waitFor({ state: "detached" });
    await marked(page, "Live");
  });
});

test("a reader keeps their place, their focus and what they typed while others post", async () => {
  const from = await openWallet("Busy");
  await postMany(from, 6, 60);
  await service.visit(async (page) => {
    await signInLive(page);
    await openAccount(page, from);
    const link = page.getByRole("link", { name: "Number 30." });
    await link.scrollIntoViewIfNeeded();
    await link.focus();
    const place = async () => (await link.boundingBox())?.y ?? Number.NaN;
    const before = await place();
    await post(from, 6, { description: "Newest" });
    await eventually(() => statementOf(page).first().innerText()).toContain("Newest");
    expect(Math.abs((await place()) - before)).toBeLessThanOrEqual(2);
    expect(await link.and(page.locator(":focus")).count()).toBe(1);

    await goTo(page, `/transfer?from=${from}`);
    await fillTransfer(page, "6", "3.21", "Typed");
    const preview = page.getByRole("region", { name: "Balances afterwards" });
    await preview.getByText("−$64.21").waitFor();
    await post(from, 6);
    await preview.getByText("−$65.21").waitFor();
    expect(await page.getByLabel("Amount in USD").inputValue()).toBe("3.21");
    expect(await page.getByLabel("Description").and(page.locator(":focus")).inputValue()).toBe("Typed");
  });
});

test("a burst of events costs few calls", async () => {
  const from = await openWallet("Burst");
  await service.visit(async (page) => {
    await signInLive(page);
    await post(from, 6);
    await openAccount(page, from);
    const calls = watchCalls(page);
    const start = Date.now();
    for (let batch = 1; batch <= 30; batch += 1) await postMany(from, 6, 10);
    await eventually(() => balanceOf(page)).toBe(-30_100n);
    // A round, and one more for each pause.
    const rounds = calls.sent.filter((name) => name === "GetAccount").length;
    expect(rounds).toBeLessThanOrEqual(2 + (Date.now() - start) / 400);
  });
});
