/** Actions of the console beyond a simple transfer: expiry, metadata, journals, undo, forecasts, settings of accounts. */
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  cents,
  enterToken,
  fillTransfer,
  goTo,
  noteOf,
  signIn,
  startTestConsole,
  type TestConsole,
} from "../setup/console.ts";

let service: TestConsole;
beforeAll(async () => {
  service = await startTestConsole();
});
afterAll(() => service?.close());

async function balances(...ids: readonly number[]): Promise<readonly bigint[]> {
  return await Promise.all(ids.map(async (id) => BigInt(`${(await service.call("GetAccount", { id }))["balance"]}`)));
}

/** A new liability account in dollars without a floor. */
async function newAccount(name: string, change: object = {}): Promise<string> {
  const terms = { type: "ACCOUNT_TYPE_LIABILITY", currency: "USD", owner: "alice", unlimited_overdraft: true };
  return `${(await service.call("CreateAccount", { ...terms, name, ...change }))["id"]}`;
}

/** The newest transfer of an account. */
async function latestOf(id: string | number): Promise<Record<string, unknown>> {
  const { transfers } = await service.call("ListTransfers", { account_id: id, page_size: 1 });
  if (!Array.isArray(transfers)) throw new Error("there are no transfers");
  return transfers[0];
}

/** Each change in a preview as [what, before, after], in cents. */
async function forecast(region: Locator): Promise<[string, bigint, bigint][]> {
  await region.waitFor();
  const rows = await region.locator("p").allInnerTexts();
  return rows.map((row) => {
    const [what = "", change = ""] = row.split(/\n+/);
    const [before = "", after = ""] = change.split("→");
    return [what, cents(before), cents(after)];
  });
}

function previewIn(place: Page | Locator): Locator {
  return place.getByRole("region", { name: "Balances afterwards" });
}

/** The service does it, but the page gets no reply. */
async function loseReplies(page: Page, method: string, isLost: (body: string) => boolean = () => true): Promise<void> {
  await page.route(`**/finance.v1.FinanceService/${method}`, async (route) => {
    const request = route.request();
    if (request.method() !== "POST" || !isLost(request.postData() ?? "")) return await route.continue();
    await route.fetch();
    // The page may have closed meanwhile.
    await route.abort().catch(() => undefined);
  });
}

/** Holds back the calls of a method until `answer` is called. */
async function delayReplies(page: Page, method: string) {
  let answer = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const pattern = `**/finance.v1.FinanceService/${method}`;
  await page.route(pattern, async (route) => {
    await answered;
    await route.continue();
  });
  const asked = page.waitForRequest(pattern);
  return { asked, answer };
}

const isReal = (body: string) => !body.includes('"dry_run":true');

describe("a transfer", () => {
  const addPair = async (page: Page, key: string, value: string) => {
    await page.getByRole("button", { name: "Add a pair" }).click();
    await page.keyboard.type(key);
    await page.keyboard.press("Tab");
    await page.keyboard.type(value);
  };

  test("holds until a time in the user's zone, which the form names", async () => {
    await service.visit(
      async (page) => {
        await signIn(page);
        await goTo(page, "/transfer?from=4&to=6&amount=5");
        await page.getByLabel("Amount in USD").waitFor();
        await page.getByLabel("Hold it now").check();
        await page.getByLabel("The hold expires").selectOption("At a date and time");
        const expires = page.getByLabel("Expires at");
        await page.getByRole("button", { name: "Hold", exact: true }).click();
        await expect.poll(() => noteOf(page, "Expires at")).toContain("Choose a time.");
        await expires.and(page.locator(":focus")).waitFor();
        await expires.fill("2020-01-01T00:00");
        await expect.poll(() => noteOf(page, "Expires at")).toContain("Choose a time in the future.");
        await expires.fill("2099-07-01T12:30");
        await expect.poll(() => noteOf(page, "Expires at")).toBe("Jul 1, 2099, 12:30 PM GMT+2 (Europe/Berlin)");
        await page.getByRole("button", { name: "Hold", exact: true }).click();
        await page.getByText("Held $5.00 to Corner Grocery.").waitFor();
        expect(await latestOf(4)).toMatchObject({ expires_at: "2099-07-01T10:30:00Z" });
      },
      { timezoneId: "Europe/Berlin" },
    );
  });

  test("has the effective date and the metadata that were typed", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, "/transfer?from=4&to=6&amount=5");
      await page.getByLabel("Amount in USD").waitFor();
      await page.getByText("Effective date and metadata").click();
      await page.getByLabel("Effective", { exact: true }).fill("2026-01-31T08:00");
      await addPair(page, "invoice", "2026-17");
      await addPair(page, "invoice", "again");
      await page.getByRole("button", { name: "Transfer", exact: true }).click();
      const second = page.getByRole("group", { name: "Pair 2" });
      await second.getByText("This key is already used above.").waitFor();
      await second.getByLabel("Key").and(page.locator(":focus")).waitFor();
      await second.getByLabel("Key").fill("order");
      await page.getByRole("button", { name: "Transfer", exact: true }).click();
      await page.getByText("Transferred $5.00 to Corner Grocery.").waitFor();
      expect(await latestOf(4)).toMatchObject({
        effective_at: "2026-01-31T08:00:00Z",
        metadata: { invoice: "2026-17", order: "again" },
      });
    });
  });

  test("is not sent with half a date", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, "/transfer?from=4&to=6&amount=5");
      const before = await balances(4);
      await page.getByText("Effective date and metadata").click();
      await page.getByLabel("Effective", { exact: true }).focus();
      await page.keyboard.type("0131");
      await page.getByText("Effective date and metadata").click();
      await page.getByRole("button", { name: "Transfer", exact: true }).click();
      // The problem is inside of the closed details, which open for it.
      await page.getByText("Complete the date and time, or clear them.").waitFor();
      expect(await balances(4)).toEqual(before);
    });
  });

  test("that is sent before its account is loaded shows no problem once it is", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      const { asked, answer } = await delayReplies(page, "ListAccounts");
      await page.reload();
      await goTo(page, "/transfer?from=4&to=6&amount=5");
      await page.getByRole("button", { name: "Transfer", exact: true }).click();
      await page.getByText("Looking for this account…").waitFor();
      await asked;
      answer();
      await previewIn(page).waitFor();
      expect(await page.getByLabel("From account").getAttribute("aria-invalid")).toBe("false");
    });
  });

  test("that a link filled in keeps its fields in place while their accounts are loaded", async () => {
    await service.visit(
      async (page) => {
        await signIn(page);
        const { asked, answer } = await delayReplies(page, "ListAccounts");
        await goTo(page, "/transfer?from=4&to=6");
        await page.reload();
        await asked;
        await page.getByText("Looking for this account…").waitFor();
        const field = page.getByLabel("Description");
        const before = await field.boundingBox();
        answer();
        await page.getByText("Alice, everyday").waitFor();
        expect(await field.boundingBox()).toEqual(before);
      },
      { viewport: { width: 390, height: 800 } },
    );
  });

  test("keeps its button in place while the forecast arrives", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      const { asked, answer } = await delayReplies(page, "CreateTransfer");
      await goTo(page, "/transfer?from=4&to=6&amount=5");
      await asked;
      const button = page.getByRole("button", { name: "Transfer", exact: true });
      const before = await button.boundingBox();
      answer();
      await previewIn(page).waitFor();
      expect(await button.boundingBox()).toEqual(before);
    });
  });

  test("can be undone from its note: a reversal is posted once, also when its first reply is lost", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, "/transfer?from=4&to=6");
      const before = await balances(4, 6);
      await page.getByLabel("Amount in USD").waitFor();
      await fillTransfer(page, "6", "3.21", "Typed by mistake");
      await page.getByRole("button", { name: "Transfer", exact: true }).click();
      await page.getByRole("button", { name: "Undo" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("Nothing is deleted").waitFor();
      const [grocery, alice] = await forecast(previewIn(dialog));
      expect([alice?.[2], grocery?.[2]]).toEqual(before);

      await loseReplies(page, "ReverseTransfer", isReal);
      await dialog.getByLabel("Description").fill("Mistake");
      await dialog.getByRole("button", { name: "Reverse" }).click();
      await dialog.getByText("No answer").waitFor();
      await page.unroute("**/finance.v1.FinanceService/ReverseTransfer");
      await dialog.getByRole("button", { name: "Reverse" }).click();
      await page.getByText("Undone: the amount went back.").and(page.locator(":focus")).waitFor();
      expect(await balances(4, 6)).toEqual(before);
      expect(await latestOf(4)).toMatchObject({ description: "Mistake" });
    });
  });

  test("that holds is undone by a void", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, "/transfer?from=4&to=6&amount=9");
      await page.getByLabel("Amount in USD").waitFor();
      await page.getByLabel("Hold it now").check();
      await page.getByRole("button", { name: "Hold", exact: true }).click();
      await page.getByRole("button", { name: "Undo" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Void" }).click();
      await page.getByText("Undone: the hold is voided.").waitFor();
      expect(await latestOf(4)).toMatchObject({ state: "TRANSFER_STATE_VOIDED" });
    });
  });

  test("between own accounts can be undone by a plain caller", async () => {
    const jar = await newAccount("Bob's savings", { owner: "bob", unlimited_overdraft: false });
    await service.visit(async (page) => {
      await enterToken(page, await service.token("bob", "finance.read finance.write"));
      await goTo(page, `/transfer?from=5&to=${jar}&amount=1`);
      await page.getByLabel("Amount in USD").waitFor();
      await page.getByRole("button", { name: "Transfer", exact: true }).click();
      await page.getByRole("button", { name: "Undo" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Reverse" }).click();
      await page.getByText("Undone: the amount went back.").waitFor();
      expect(await balances(Number(jar))).toEqual([0n]);
    });
  });

  test("has no undo for a caller who may not reverse it", async () => {
    await service.visit(async (page) => {
      await enterToken(page, await service.token("bob", "finance.read finance.write"));
      await goTo(page, "/transfer?from=5&to=6&amount=1");
      await page.getByLabel("Amount in USD").waitFor();
      await page.getByRole("button", { name: "Transfer", exact: true }).click();
      await page.getByText("Transferred $1.00 to Account 6.").waitFor();
      expect(await page.getByRole("button", { name: "Undo" }).count()).toBe(0);
    });
  });
});

test("a service that does not know dry runs of changes gets none, because it would make the change", async () => {
  const transfer = `${(await service.call("CreateTransfer", { debit_account_id: "4", credit_account_id: "6", amount: "7" }))["id"]}`;
  await service.visit(async (page) => {
    const sent: string[] = [];
    page.on("request", (request) => sent.push(request.url()));
    await page.route("**/finance.v1.FinanceService/ListEvents", async (route) => {
      if (route.request().method() !== "POST") return await route.continue();
      await route.fulfill({
        status: 404,
        headers: { "access-control-allow-origin": "*" },
        json: { code: "bad_route", msg: "no such method" },
      });
    });
    await signIn(page);
    await goTo(page, `/transfers/${transfer}`);
    await page.getByRole("button", { name: "Reverse" }).click();
    await page.getByRole("dialog").getByText("no such method").waitFor();
    expect(sent.filter((url) => url.endsWith("/ReverseTransfer"))).toEqual([]);
  });
});

test.each([
  ["liabilities", "ACCOUNT_TYPE_LIABILITY"],
  ["assets", "ACCOUNT_TYPE_ASSET"],
])("the forecasts of a capture, a void and a reversal between %s are what happens", async (_, type) => {
  const [from, to] = [await newAccount(`From ${type}`, { type }), await newAccount(`To ${type}`, { type })];
  const hold = async () => {
    const posting = { debit_account_id: from, credit_account_id: to, amount: "10000", pending: true };
    return `${(await service.call("CreateTransfer", posting))["id"]}`;
  };
  /** What the forecast names, as it is now. */
  const actual = async (changes: readonly (readonly [string, ...unknown[]])[]) =>
    await Promise.all(
      changes.map(async ([what]) => {
        const account = await service.call("GetAccount", { id: what.startsWith("From") ? from : to });
        return BigInt(`${account[what.endsWith("available") ? "available_balance" : "balance"]}`);
      }),
    );
  await service.visit(async (page) => {
    await signIn(page);
    const dialog = page.getByRole("dialog");
    const confirm = async (name: string) => {
      let changes: Awaited<ReturnType<typeof forecast>> = [];
      // The page hears of what the test did a moment later.
      const isCurrent = async () => {
        changes = await forecast(previewIn(dialog));
        const now = await actual(changes);
        return changes.length > 0 && changes.every(([, before], index) => before === now[index]);
      };
      await expect.poll(isCurrent).toBe(true);
      await dialog.getByRole("button", { name }).click();
      await dialog.waitFor({ state: "detached" });
      expect(await actual(changes)).toEqual(changes.map(([, , after]) => after));
      return changes;
    };
    await goTo(page, `/transfers/${await hold()}`);
    await page.getByRole("button", { name: "Capture" }).click();
    await dialog.getByLabel("Amount in USD").fill("75.50");
    await dialog.getByText("The other $24.50 of the hold is released").waitFor();
    // Both balances, and the available balance of the account whose money was held.
    expect(await confirm("Capture")).toHaveLength(3);
    await page.getByText("Captured").first().waitFor();
    await page.getByRole("button", { name: "Reverse" }).click();
    expect(await confirm("Reverse")).toHaveLength(2);
    await goTo(page, `/transfers/${await hold()}`);
    await page.getByRole("button", { name: "Void" }).click();
    expect(await confirm("Void")).toHaveLength(1);
  });
});

describe("a journal", () => {
  const lineAt = (page: Page, number: number) => page.getByRole("group", { name: `Line ${number}`, exact: true });
  const check = async (page: Page) => await page.getByRole("button", { name: "Check the lines" }).click();
  const post = (page: Page) => page.getByRole("button", { name: /^Post \d/ });

  async function openJournal(page: Page): Promise<void> {
    await signIn(page);
    await goTo(page, "/transfer?from=4");
    // The accounts are loaded.
    await page.getByLabel("Amount in USD").waitFor();
    await page.getByRole("link", { name: "Enter a journal" }).click();
    await lineAt(page, 1).waitFor();
  }

  /** Pastes text into a line's first field, as from a spreadsheet. */
  async function paste(page: Page, text: string, line = 1): Promise<void> {
    await lineAt(page, line).getByLabel("Debit account").focus();
    await page.evaluate(`(() => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", ${JSON.stringify(text)});
      document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    })()`);
    await page.getByText(/pasted\./).waitFor();
  }

  const THREE = "4\t6\t10.00\tApples\n4\t6\t99999999\tPears\n5\t6\t1,000.50\tPlums\n";

  test("with a bad line moves nothing and shows the culprit; with each line on its own, the others are posted", async () => {
    await service.visit(async (page) => {
      await openJournal(page);
      const before = await balances(4, 5, 6);
      await paste(page, THREE);
      await page.getByText("3 lines: $100,001,009.50").waitFor();
      await check(page);
      await page.getByText("Line 2 would be refused. Nothing would be posted.").waitFor();
      const culprit = lineAt(page, 2).getByLabel("Amount");
      expect(await culprit.getAttribute("aria-invalid")).toBe("true");
      await culprit.and(page.locator(":focus")).waitFor();
      await lineAt(page, 1).getByText("Would not be posted, because line 2 would be refused.").waitFor();
      await lineAt(page, 3).getByText("Would not be posted, because line 2 would be refused.").waitFor();
      expect(await post(page).count()).toBe(0);

      await page.getByLabel("All or nothing").uncheck();
      await check(page);
      await page.getByText("2 lines can be posted. Line 2 would be refused.").waitFor();
      const changes = await forecast(previewIn(page));
      expect(await balances(4, 5, 6)).toEqual(before);
      await page.getByRole("button", { name: "Post 2 of 3 lines" }).click();
      await lineAt(page, 3).getByText("Posted as").waitFor();
      await lineAt(page, 1).getByText("Posted as").waitFor();
      const [alice = 0n, bob = 0n, grocery = 0n] = before;
      const after = [alice - 1000n, bob - 100_050n, grocery + 101_050n];
      expect(await balances(4, 5, 6)).toEqual(after);
      expect(changes.map(([what, , to]) => [what, to])).toEqual([
        ["Alice, everyday", after[0]],
        ["Corner Grocery", after[2]],
        ["Bob, everyday", after[1]],
      ]);
      // The refused line can be corrected, and posts alone.
      await culprit.fill("1");
      await check(page);
      await page.getByRole("button", { name: "Post 1 line" }).click();
      await lineAt(page, 2).getByText("Posted as").waitFor();
      expect(await balances(4, 5, 6)).toEqual([alice - 1100n, bob - 100_050n, grocery + 101_150n]);
      await page.getByRole("button", { name: "Start another journal" }).click();
      expect(await lineAt(page, 1).getByLabel("Amount").inputValue()).toBe("");
    });
  });

  test("whose whole batch is invalid shows the culprit", async () => {
    await service.visit(async (page) => {
      await openJournal(page);
      await paste(page, `4\t6\t1\tApples\n4\t6\t2\t${"p".repeat(501)}\n4\t6\t3\tright\u202eto left\n`);
      await lineAt(page, 2).getByText("A description has at most 500 characters.").waitFor();
      await lineAt(page, 2).getByLabel("Description").fill("Pears");
      await check(page);
      await page.getByText("Line 3 would be refused. Nothing would be posted.").waitFor();
      const culprit = lineAt(page, 3).getByLabel("Description");
      await culprit.and(page.locator(":focus")).waitFor();
      await lineAt(page, 3).getByText("must not hold bidirectional formatting characters").waitFor();
      expect(await page.getByRole("alert").count()).toBe(0);
      await culprit.fill("Plums");
      await check(page);
      await page.getByText("3 lines can be posted.").waitFor();
    });
  });

  test("refused while it is posted moves nothing, and can be posted once the cause is gone", async () => {
    const from = await newAccount("Short of money", { unlimited_overdraft: false });
    const to = await newAccount("Payee");
    const move = async (debited: string, credited: string) =>
      await service.call("CreateTransfer", { debit_account_id: debited, credit_account_id: credited, amount: "300" });
    await move(to, from);
    await service.visit(async (page) => {
      await openJournal(page);
      await paste(page, `${from}\t${to}\t1\n${from}\t${to}\t2\n`);
      await check(page);
      await post(page).waitFor();
      await move(from, to);
      await post(page).click();
      await page.getByText(/Nothing was posted. Line \d was refused./).waitFor();
      await page.getByText(/Not posted, because line \d was refused./).waitFor();
      expect(await balances(Number(from))).toEqual([0n]);
      await move(to, from);
      await check(page);
      await post(page).click();
      await page.getByText("2 lines posted.").waitFor();
      expect(await balances(Number(from))).toEqual([0n]);
      expect(await latestOf(from)).toMatchObject({ amount: "200" });
    });
  });

  test("posts once for a double click, and each line can be undone", async () => {
    await service.visit(async (page) => {
      await openJournal(page);
      const before = await balances(4, 6);
      await paste(page, "4\t6\t1\n6\t4\t0.25\n");
      await check(page);
      await post(page).dblclick({ delay: 60 });
      await page.getByText("2 lines posted.").waitFor();
      const [alice = 0n, grocery = 0n] = before;
      expect(await balances(4, 6)).toEqual([alice - 75n, grocery + 75n]);
      await lineAt(page, 1).getByRole("button", { name: /^Undo/ }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Reverse" }).click();
      await lineAt(page, 1).getByText("reversed by").waitFor();
      expect(await balances(4, 6)).toEqual([alice + 25n, grocery - 25n]);
    });
  });

  test.each([
    ["all or nothing", true],
    ["each line on its own", false],
  ])("whose reply was lost posts once when it is sent again, %s", async (_, isAtomic) => {
    await service.visit(async (page) => {
      await openJournal(page);
      const [alice = 0n] = await balances(4);
      await page.getByLabel("All or nothing").setChecked(isAtomic);
      await paste(page, "4\t6\t1\n4\t6\t2\n");
      await check(page);
      await loseReplies(page, "BatchCreateTransfers", isReal);
      await post(page).click();
      await page.getByRole("alert").getByText("No answer").waitFor();
      await page.unroute("**/finance.v1.FinanceService/BatchCreateTransfers");
      await post(page).click();
      await lineAt(page, 1).getByText("Already posted as").waitFor();
      await lineAt(page, 2).getByText("Already posted as").waitFor();
      expect(await balances(4)).toEqual([alice - 300n]);
    });
  });

  test("whose reply was lost does not post its other lines again after one was changed", async () => {
    await service.visit(async (page) => {
      await openJournal(page);
      const [alice = 0n] = await balances(4);
      await page.getByLabel("All or nothing").uncheck();
      await paste(page, "4\t6\t1\n4\t6\t2\n");
      await check(page);
      await loseReplies(page, "BatchCreateTransfers", isReal);
      await post(page).click();
      await page.getByRole("alert").waitFor();
      await page.unroute("**/finance.v1.FinanceService/BatchCreateTransfers");
      await lineAt(page, 2).getByLabel("Amount").fill("4");
      await check(page);
      await lineAt(page, 1).getByText("Already posted as").waitFor();
      await page.getByRole("button", { name: "Post 1 line" }).click();
      await lineAt(page, 2).getByText("Posted as").waitFor();
      expect(await balances(4)).toEqual([alice - 700n]);
    });
  });

  test("stays while people look at other pages and over a reload, with its keys, until they sign out", async () => {
    await service.visit(async (page) => {
      await openJournal(page);
      const [alice = 0n] = await balances(4);
      await page.getByLabel("All or nothing").uncheck();
      await paste(page, "4\t6\t1\tApples\n4\t6\t2\n");
      await check(page);
      await loseReplies(page, "BatchCreateTransfers", isReal);
      await post(page).click();
      await page.getByRole("alert").waitFor();
      await page.unroute("**/finance.v1.FinanceService/BatchCreateTransfers");
      await lineAt(page, 2).getByLabel("Amount").fill("4");
      await goTo(page, "/accounts/4");
      await page.getByText("No. 4 ·").waitFor();
      await page.reload();
      await goTo(page, "/journal");
      expect(await lineAt(page, 1).getByLabel("Description").inputValue()).toBe("Apples");
      expect(await lineAt(page, 2).getByLabel("Amount").inputValue()).toBe("4");
      await check(page);
      await lineAt(page, 1).getByText("Already posted as").waitFor();
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("button", { name: "Use the development token" }).click();
      await lineAt(page, 1).waitFor();
      expect(await lineAt(page, 1).getByLabel("Description").inputValue()).toBe("");
      expect(await balances(4)).toEqual([alice - 300n]);
    });
  });

  test("survives an expired token", async () => {
    await service.visit(async (page) => {
      await openJournal(page);
      const [alice = 0n] = await balances(4);
      await paste(page, "4\t6\t1\tApples\n");
      await check(page);
      await page.route("**/finance.v1.FinanceService/BatchCreateTransfers", async (route) => {
        if (route.request().method() !== "POST") return await route.continue();
        const headers = { ...route.request().headers(), authorization: "Bearer expired" };
        await route.continue({ headers });
      });
      await post(page).click();
      const dialog = page.getByRole("dialog");
      await dialog.waitFor();
      await page.unroute("**/finance.v1.FinanceService/BatchCreateTransfers");
      await enterToken(page, await service.token("alice", "finance.admin"));
      await dialog.waitFor({ state: "detached" });
      expect(await lineAt(page, 1).getByLabel("Description").inputValue()).toBe("Apples");
      await post(page).click();
      await page.getByText("1 line posted.").waitFor();
      expect(await balances(4)).toEqual([alice - 100n]);
    });
  });

  test("takes a table with a head, quoted cells and names, in the user's locale, and totals each currency", async () => {
    await service.visit(
      async (page) => {
        await openJournal(page);
        await paste(
          page,
          'Debit;Credit;Amount;Text\r\nAlice, everyday;corner grocery;1.000,50;"Apples; ""pears"""\r\n7;8;2,00;\r\n',
        );
        expect(await lineAt(page, 1).getByLabel("Debit account").inputValue()).toBe("4");
        expect(await lineAt(page, 1).getByLabel("Credit account").inputValue()).toBe("6");
        expect(await lineAt(page, 1).getByLabel("Description").inputValue()).toBe('Apples; "pears"');
        await page.getByText(/2 lines: 1\.000,50\s\$ and 2,00\s€/).waitFor();
      },
      { locale: "de-DE" },
    );
  });

  test("says at each field what is missing, ignores blank lines, and does not lose what surrounds a paste", async () => {
    await service.visit(async (page) => {
      await openJournal(page);
      await check(page);
      await page.getByText("Enter a line first.").waitFor();
      await lineAt(page, 1).getByLabel("Description").fill("Kept");
      await paste(page, "4\tx\tten\n", 1);
      expect(await lineAt(page, 1).getByLabel("Description").inputValue()).toBe("Kept");
      await check(page);
      await expect.poll(() => lineAt(page, 1).getByText("Choose an account.").count()).toBe(1);
      expect(await lineAt(page, 2).getByText("Choose an account, or enter its number.").count()).toBe(1);
      expect(await lineAt(page, 2).getByText("Enter a plain number").count()).toBe(1);
      await lineAt(page, 1).getByLabel("Debit account").and(page.locator(":focus")).waitFor();
    });
  });

  test("is entered and posted by keyboard alone", async () => {
    await service.visit(async (page) => {
      await openJournal(page);
      const [alice = 0n] = await balances(4);
      await page.locator("h1:focus", { hasText: "New journal" }).waitFor();
      await page.keyboard.press("Tab");
      await page.keyboard.type("alice, e");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      await page.keyboard.type("grocery");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      await page.keyboard.type("0.01");
      await page.keyboard.press("Enter");
      await post(page).waitFor();
      await page.keyboard.press("Enter");
      await lineAt(page, 1).getByText("Posted as").waitFor();
      expect(await balances(4)).toEqual([alice - 1n]);
    });
  });

  test("of a plain caller debits only their own accounts", async () => {
    await service.visit(async (page) => {
      await enterToken(page, await service.token("bob", "finance.read finance.write"));
      await goTo(page, "/journal");
      const [bob = 0n] = await balances(5);
      await paste(page, "4\t6\t1\n5\t6\t2\n");
      await lineAt(page, 1).getByText("This is not one of your accounts.").waitFor();
      await check(page);
      expect(await post(page).count()).toBe(0);
      await page.getByRole("button", { name: "Remove line 1" }).click();
      await page.getByRole("button", { name: "Add a line" }).and(page.locator(":focus")).waitFor();
      await check(page);
      await post(page).click();
      await page.getByText("1 line posted.").waitFor();
      expect(await balances(5)).toEqual([bob - 200n]);
      expect(await page.getByRole("button", { name: /^Undo/ }).count()).toBe(0);
    });
  });

  test("of the most lines that the service takes is checked and posted", async () => {
    const [from, to] = [await newAccount("Many from"), await newAccount("Many to")];
    await service.visit(async (page) => {
      await openJournal(page);
      await paste(page, `${from}\t${to}\t0.01\n`.repeat(1001));
      await page.getByText("1000 lines pasted. 1 more left out: a journal has at most 1000.").waitFor();
      await check(page);
      await post(page).click();
      await page.getByText("1000 lines posted.").waitFor({ timeout: 30_000 });
      expect(await balances(Number(to))).toEqual([1000n]);
    });
  });
});

describe("an account", () => {
  const edit = async (page: Page, id: string, name: string) => {
    await goTo(page, `/accounts/${id}`);
    await page.getByRole("button", { name: `Edit ${name}` }).click();
    return page.getByRole("dialog");
  };

  test("gets another name, overdraft and metadata after a preview, and the audit trail has the same", async () => {
    const id = await newAccount("Before", { unlimited_overdraft: false, metadata: { tier: "silver", old: "1" } });
    await service.visit(async (page) => {
      await signIn(page);
      const dialog = await edit(page, id, "Before");
      await dialog.getByRole("button", { name: "Save changes" }).click();
      await dialog.getByText("Nothing is changed yet.").waitFor();
      await dialog.getByLabel("Name").fill("");
      await dialog.getByRole("button", { name: "Save changes" }).click();
      await dialog.getByLabel("Name").and(page.locator(":focus")).waitFor();
      await dialog.getByLabel("Name").fill("After");
      await dialog.getByLabel("Overdraft", { exact: true }).fill("250");
      await dialog.getByRole("group", { name: "Pair 2" }).getByLabel("Value").fill("gold");
      await dialog.getByRole("button", { name: "Remove pair 1" }).click();
      await dialog.getByRole("button", { name: "Add a pair" }).click();
      await page.keyboard.type("new");
      await page.keyboard.press("Tab");
      await page.keyboard.type("2");
      const changes = async () => {
        const rows = await dialog.getByRole("region", { name: "Changes" }).locator("p").allInnerTexts();
        return rows.map((row) => row.replace(/\s+/g, " "));
      };
      await expect
        .poll(changes)
        .toEqual([
          "Name Before → After",
          "Overdraft None → $250.00",
          "tier silver → gold",
          "new None → 2",
          "old 1 → None",
        ]);
      expect(await service.call("GetAccount", { id })).toMatchObject({ name: "Before", overdraft_limit: "0" });
      await dialog.getByRole("button", { name: "Save changes" }).dblclick({ delay: 60 });
      await dialog.waitFor({ state: "detached" });
      await page.getByRole("heading", { level: 1, name: "After" }).waitFor();
      await expect
        .poll(() => page.getByRole("table", { name: "Audit trail" }).locator("tbody").getByRole("row").count())
        .toBe(5);
      expect(await service.call("GetAccount", { id })).toMatchObject({
        name: "After",
        overdraft_limit: "25000",
        metadata: { tier: "gold", new: "2" },
      });
    });
  });

  test("keeps what somebody else changes while the form is open", async () => {
    const id = await newAccount("Shared", { metadata: { a: "1", b: "1" } });
    await service.visit(async (page) => {
      await signIn(page);
      const dialog = await edit(page, id, "Shared");
      await service.call("UpdateAccount", { id, name: "Renamed", metadata: { b: "2" } });
      await page.locator("h1", { hasText: "Renamed" }).waitFor();
      await dialog.getByRole("group", { name: "Pair 1" }).getByLabel("Value").fill("3");
      await dialog.getByRole("button", { name: "Save changes" }).click();
      await dialog.waitFor({ state: "detached" });
      expect(await service.call("GetAccount", { id })).toMatchObject({ name: "Renamed", metadata: { a: "3", b: "2" } });
    });
  });

  test("that is overdrawn refuses a smaller overdraft at its field, and nothing that was typed is lost", async () => {
    const id = await newAccount("Overdrawn");
    await service.call("CreateTransfer", { debit_account_id: id, credit_account_id: "6", amount: "5000" });
    await service.visit(async (page) => {
      await signIn(page);
      const dialog = await edit(page, id, "Overdrawn");
      await dialog.getByLabel(/^Unlimited/).uncheck();
      await dialog.getByLabel("Overdraft", { exact: true }).fill("49.99");
      // The dry run already says so.
      await dialog.getByText("The account is already overdrawn by more than this.").waitFor();
      await dialog.getByRole("button", { name: "Save changes" }).click();
      await dialog.getByLabel("Overdraft", { exact: true }).and(page.locator(":focus")).waitFor();
      await dialog.getByLabel("Overdraft", { exact: true }).fill("50");
      await dialog.getByRole("button", { name: "Save changes" }).click();
      await dialog.waitFor({ state: "detached" });
      expect(await service.call("GetAccount", { id })).toMatchObject({ overdraft_limit: "5000" });
    });
  });

  test("is opened with metadata", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, "/accounts/new");
      await page.getByLabel("Name").fill("With notes");
      await page.locator("main").getByText("Metadata").first().click();
      await page.getByRole("button", { name: "Add a pair" }).click();
      await page.keyboard.type("branch");
      await page.getByRole("button", { name: "Open account" }).click();
      await page.getByText("Enter a value, or remove the pair.").waitFor();
      await page.getByLabel("Value").and(page.locator(":focus")).waitFor();
      await page.keyboard.type("Bern");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { level: 1, name: "With notes" }).waitFor();
      await page.getByRole("region", { name: "Metadata" }).getByText("Bern").waitFor();
    });
  });

  test("can be renamed by its owner, who is not offered its limits", async () => {
    const id = await newAccount("Bob's jar", { owner: "bob", unlimited_overdraft: false });
    await service.visit(async (page) => {
      await enterToken(page, await service.token("bob", "finance.read finance.write"));
      const dialog = await edit(page, id, "Bob's jar");
      await dialog.getByLabel("Name").fill("Bob's box");
      expect(await dialog.getByLabel("Overdraft").count()).toBe(0);
      await dialog.getByRole("button", { name: "Save changes" }).click();
      await page.getByRole("heading", { level: 1, name: "Bob's box" }).waitFor();
    });
  });
});
