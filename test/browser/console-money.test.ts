/** Moving, holding and viewing money in the console. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  balanceOf,
  cents,
  chartEnd,
  fillTransfer,
  goTo,
  noteOf,
  openAccount,
  signIn,
  startTestConsole,
  statementOf,
  type TestConsole,
} from "../setup/console.ts";

const CREATE_TRANSFER = "**/finance.v1.FinanceService/CreateTransfer";

let service: TestConsole;
beforeAll(async () => {
  service = await startTestConsole();
});
afterAll(() => service?.close());

async function openTransferForm(page: Page, from = 4): Promise<void> {
  await signIn(page);
  await goTo(page, `/transfer?from=${from}`);
  await page.getByLabel("Amount in USD").waitFor();
}

async function submit(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Transfer", exact: true }).click();
}

/** The balance according to the service. */
async function balanceByCall(id: number): Promise<bigint> {
  return BigInt(`${(await service.call("GetAccount", { id }))["balance"]}`);
}

/** The service posts, but the page gets no reply. Dry runs are not affected. */
async function loseAnswers(page: Page): Promise<void> {
  await page.route(CREATE_TRANSFER, async (route) => {
    if (route.request().postData()?.includes('"dry_run":true')) return await route.continue();
    if (route.request().method() === "POST") await route.fetch();
    // The page may have closed meanwhile.
    await route.abort().catch(() => undefined);
  });
}

test("account 4 shows its statement newest first, each balance follows from the one below, and scrolling loads more", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    await page.getByRole("link", { name: "Accounts", exact: true }).click();
    await page.getByLabel("Search").fill("4");
    await page.getByRole("link", { name: "Alice, everyday" }).click();
    expect(page.url()).toMatch(/#\/accounts\/4$/);
    await expect.poll(() => statementOf(page).count()).toBe(50);
    await statementOf(page).last().scrollIntoViewIfNeeded();
    await expect.poll(() => statementOf(page).count()).toBeGreaterThan(50);

    const rows = await Promise.all(
      (await statementOf(page).all()).map((row) => row.locator("td.figure.wide").allTextContents()),
    );
    const statement = rows.map(([debit = "", credit = "", balance = ""]) => ({
      amount: debit === "" ? cents(credit) : -cents(debit),
      balance: cents(balance),
    }));
    expect(statement[0]?.balance).toBe(await balanceOf(page));
    for (const [index, { amount, balance }] of statement.entries()) {
      const below = statement[index + 1];
      if (below !== undefined) expect(balance - amount).toBe(below.balance);
    }
  });
});

test("a transfer appears in both statements, both balances and the chart, and a double click posts it once", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    await openAccount(page, 6);
    const grocery = await balanceOf(page);
    await openAccount(page, 4);
    const alice = await balanceOf(page);
    expect(await chartEnd(page)).toBe(alice);

    await page.getByRole("link", { name: "Transfer from here" }).click();
    await fillTransfer(page, "6", "1,012.34", "Apples");
    expect(await noteOf(page, "To account")).toBe("Corner Grocery");
    await page.getByRole("button", { name: "Transfer", exact: true }).dblclick({ delay: 60 });
    await page.getByText("Transferred $1,012.34 to Corner Grocery.").waitFor();
    expect(await page.getByLabel("Amount in USD").inputValue()).toBe("");

    await openAccount(page, 4);
    await expect.poll(() => balanceOf(page)).toBe(alice - 101_234n);
    await expect.poll(() => chartEnd(page)).toBe(alice - 101_234n);
    await expect.poll(() => statementOf(page).first().innerText()).toContain("Apples");
    expect(await statementOf(page).nth(1).innerText()).not.toContain("Apples");
    await openAccount(page, 6);
    await expect.poll(() => balanceOf(page)).toBe(grocery + 101_234n);
    await expect.poll(() => statementOf(page).first().innerText()).toContain("Apples");
  });
});

test("the form follows its address, and is empty if the address has no values", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    const filled = async () => {
      const labels = ["From account", "To account", /^Amount/];
      return await Promise.all(labels.map((label) => page.getByLabel(label).inputValue()));
    };
    await goTo(page, "/transfer?from=4&to=6&amount=12.50");
    await expect.poll(filled).toEqual(["4", "6", "12.50"]);
    await page.getByLabel("Description").fill("Apples");
    await goTo(page, "/transfer?from=5&to=6");
    await expect.poll(filled).toEqual(["5", "6", ""]);
    expect(await page.getByLabel("Description").inputValue()).toBe("");
    await page.goBack();
    await expect.poll(filled).toEqual(["4", "6", "12.50"]);
    await page.getByRole("link", { name: "New transfer" }).click();
    await expect.poll(filled).toEqual(["", "", ""]);
  });
});

test("an empty form shows at each field what is missing, not covered by suggestions", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    await goTo(page, "/transfer");
    await page.getByRole("button", { name: "Transfer", exact: true }).click();
    await expect.poll(() => noteOf(page, "From account")).toContain("Choose an account.");
    await page.getByLabel("From account").and(page.locator(":focus")).waitFor();
    expect(await page.getByRole("option").count()).toBe(0);
    // Not even when the field is clicked.
    await page.getByLabel("From account").click();
    const suggestions = await page.getByRole("listbox").boundingBox();
    const problem = await page.getByText("Choose an account.").boundingBox();
    expect((problem?.y ?? Number.NaN) + (problem?.height ?? 0)).toBeLessThanOrEqual(suggestions?.y ?? Number.NaN);
  });
});

test("the form forecasts the balances before anything moves", async () => {
  await service.visit(async (page) => {
    await openTransferForm(page);
    const before = await balanceByCall(4);
    await fillTransfer(page, "6", "10");
    const preview = page.getByRole("region", { name: "Balances afterwards" });
    await preview.getByText("Alice, everyday").waitFor();
    const [debited = ""] = (await preview.innerText()).split("Corner Grocery");
    expect(cents(debited.split("→")[1] ?? "")).toBe(before - 1000n);
    expect(await balanceByCall(4)).toBe(before);
  });
});

test("an overdraft is refused at the amount, while typing and on sending, and the corrected transfer posts", async () => {
  await service.visit(async (page) => {
    await openTransferForm(page);
    const before = await balanceByCall(4);
    await fillTransfer(page, "6", "99999999");
    const amount = page.getByLabel("Amount in USD");
    await expect.poll(() => noteOf(page, "Amount in USD")).toContain("This is more than the account can spend.");
    await submit(page);
    await expect.poll(() => page.locator(":focus").getAttribute("name")).toBe("amount");
    expect(await amount.getAttribute("aria-invalid")).toBe("true");
    expect(await noteOf(page, "Amount in USD")).toMatch(/can spend\.\s+Up to \$[\d,.]+$/);
    expect(await balanceByCall(4)).toBe(before);

    await amount.fill("1");
    await expect.poll(() => amount.getAttribute("aria-invalid")).toBe("false");
    await submit(page);
    await page.getByText("Transferred $1.00 to Corner Grocery.").waitFor();
  });
});

test("unfinished input is reported when its field loses the focus, and not before", async () => {
  await service.visit(async (page) => {
    await openTransferForm(page);
    const to = page.getByLabel("To account");
    await to.fill("Corn");
    expect(await to.getAttribute("aria-invalid")).toBe("false");
    await page.getByLabel("Amount in USD").focus();
    await expect.poll(() => noteOf(page, "To account")).toContain("Choose an account, or enter its number.");
    await to.fill("6");
    await expect.poll(() => to.getAttribute("aria-invalid")).toBe("false");
  });
});

test.each<[what: string, to: string, amount: string, label: string, problem: string]>([
  ["letters for an amount", "6", "ten", "Amount in USD", "Enter a plain number, such as 1200.50."],
  ["a third decimal place", "6", "1.005", "Amount in USD", "USD has at most 2 decimal places."],
  ["no account", "", "1", "To account", "Choose an account, or enter its number."],
  ["the account itself", "4", "1", "To account", "This is the account the money comes from."],
  ["an account that is not there", "999", "1", "To account", "There is no account 999."],
  ["an account in another currency", "8", "1", "To account", "a transfer stays in one currency."],
])("%s is refused at its field", async (_, to, amount, label, problem) => {
  await service.visit(async (page) => {
    await openTransferForm(page);
    await fillTransfer(page, to, amount);
    await submit(page);
    await expect.poll(() => page.getByLabel(label).getAttribute("aria-invalid")).toBe("true");
    expect(await noteOf(page, label)).toContain(problem);
  });
});

test("amounts are read and written in the user's locale", async () => {
  await service.visit(
    async (page) => {
      await openTransferForm(page);
      await fillTransfer(page, "6", "1.000,50");
      await submit(page);
      await page.getByText(/Transferred 1\.000,50.\$ to Corner Grocery\./).waitFor();
    },
    { locale: "de-DE" },
  );
});

test("a transfer whose reply was lost posts once when it is sent again; a changed form is a new transfer", async () => {
  await service.visit(async (page) => {
    await openTransferForm(page);
    const before = await balanceByCall(4);
    await loseAnswers(page);
    await fillTransfer(page, "6", "7.77", "Pears");
    await submit(page);
    await page.getByRole("alert").getByText("No answer: the API is down, or the browser blocked it by CORS").waitFor();
    await page.unroute(CREATE_TRANSFER);
    await submit(page);
    await page.getByText("Transferred $7.77 to Corner Grocery.").waitFor();
    expect(await balanceByCall(4)).toBe(before - 777n);

    await loseAnswers(page);
    await fillTransfer(page, "6", "1.00");
    await submit(page);
    await page.getByRole("alert").waitFor();
    await page.unroute(CREATE_TRANSFER);
    await page.getByLabel("Amount in USD").fill("2.00");
    await submit(page);
    await page.getByText("Transferred $2.00 to Corner Grocery.").waitFor();
    expect(await balanceByCall(4)).toBe(before - 777n - 300n);
  });
});

test("a hold lowers the available balance, a capture posts part of it, and the capture can be reversed once", async () => {
  await service.visit(async (page) => {
    await openTransferForm(page);
    const before = await balanceByCall(4);
    await fillTransfer(page, "6", "60", "Hotel");
    await page.getByLabel("Hold it now").check();
    await page.getByRole("button", { name: "Hold", exact: true }).click();
    await page.getByText("Held $60.00 to Corner Grocery.").waitFor();

    await openAccount(page, 4);
    expect(await balanceOf(page)).toBe(before);
    await page.getByRole("table", { name: "Holds" }).getByRole("link", { name: "Hotel" }).waitFor();

    await page.getByRole("link", { name: "Holds", exact: true }).click();
    await page
      .getByRole("row", { name: "Hotel" })
      .getByRole("button", { name: /^Capture/ })
      .click();
    const capture = page.getByRole("dialog");
    await capture.getByLabel("Amount in USD").fill("60.01");
    await capture.getByRole("button", { name: "Capture" }).click();
    await capture.getByText("Only $60.00 is held.").waitFor();
    await capture.getByLabel("Amount in USD").fill("45");
    await capture.getByRole("button", { name: "Capture" }).click();
    await capture.waitFor({ state: "detached" });
    await page.getByText("There are no holds.").waitFor();
    expect(await balanceByCall(4)).toBe(before - 4500n);

    await openAccount(page, 4);
    await statementOf(page).first().getByRole("link", { name: "Hotel" }).click();
    await page.getByText("Captured").first().waitFor();
    await page.getByRole("button", { name: "Reverse" }).click();
    await page.getByRole("dialog").getByLabel("Description").fill("Cancelled");
    await page.getByRole("dialog").getByRole("button", { name: "Reverse" }).click();
    await page.getByText("Reverses").waitFor();
    expect(await balanceByCall(4)).toBe(before);
    await page
      .getByRole("definition")
      .getByRole("link", { name: /^Transfer \d+$/ })
      .click();
    await page.getByText("Reversed by").waitFor();
    expect(await page.getByRole("button", { name: "Reverse" }).count()).toBe(0);
  });
});

test("voiding a hold releases the money", async () => {
  await service.visit(async (page) => {
    const { id } = await service.call("CreateTransfer", {
      debit_account_id: "5",
      credit_account_id: "6",
      amount: "500",
      pending: true,
      description: "Deposit",
    });
    await signIn(page);
    await goTo(page, `/transfers/${id}`);
    await page.getByRole("button", { name: "Void" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Void" }).click();
    await page.getByText("Voided").waitFor();
    const account = await service.call("GetAccount", { id: 5 });
    expect(account["available_balance"]).toBe(account["balance"]);
  });
});

test("an account is opened, frozen, unfrozen and closed, and one with a balance can't be closed", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    await goTo(page, "/accounts/new");
    await page.getByRole("button", { name: "Open account" }).click();
    await expect.poll(() => noteOf(page, "Name")).toBe("Enter a name.");
    await page.getByLabel("Name").fill("Petty cash");
    await page.getByLabel("Currency").fill("XXZ");
    await page.getByRole("button", { name: "Open account" }).click();
    await expect.poll(() => page.getByLabel("Currency").getAttribute("aria-invalid")).toBe("true");
    await page.getByLabel("Currency").fill("usd");
    await page.getByRole("button", { name: "Open account" }).click();
    await page.getByRole("heading", { level: 1, name: "Petty cash" }).waitFor();
    await page.getByText("This account has no entries yet.").waitFor();

    // Each change must be confirmed.
    const asked = page.getByRole("dialog", { name: "Freeze Petty cash?" });
    await page.getByRole("button", { name: "Freeze Petty cash" }).click();
    await asked.getByRole("button", { name: "Cancel" }).click();
    await asked.waitFor({ state: "detached" });
    expect(await service.call("ListAccounts", { name_prefix: "Petty cash" })).toMatchObject({
      accounts: [{ status: "ACCOUNT_STATUS_OPEN" }],
    });
    await page.getByRole("button", { name: "Freeze Petty cash" }).click();
    await page.getByRole("button", { name: "Freeze the account" }).click();
    await page.getByRole("region", { name: "Account" }).getByText("Frozen").waitFor();
    await page.getByRole("button", { name: "Unfreeze Petty cash" }).click();
    await page.getByRole("button", { name: "Unfreeze the account" }).click();
    await page.getByRole("button", { name: "Freeze Petty cash" }).waitFor();
    await page.getByRole("button", { name: "Close Petty cash" }).click();
    await page.getByRole("button", { name: "Close permanently" }).click();
    await page.getByRole("region", { name: "Account" }).getByText("Closed").waitFor();
    // An admin can still correct its name.
    expect(await page.getByRole("button", { name: /Petty cash/ }).allInnerTexts()).toEqual(["Edit"]);

    await goTo(page, "/accounts/5");
    await page.getByRole("button", { name: "Close Bob, everyday" }).click();
    // The dry run already says so.
    await page.getByRole("dialog").getByText("account_not_empty").waitFor();
    await page.getByRole("button", { name: "Close permanently" }).click();
    await page.getByRole("dialog").getByText("account_not_empty").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Close Bob, everyday" }).waitFor();
  });
});

test("accounts are filtered by words, number, type and status", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    await goTo(page, "/accounts");
    const names = page.getByRole("region", { name: "Accounts found" }).locator("tbody td.told > a");
    const found = () => expect.poll(() => names.allInnerTexts());
    await page.getByLabel("Search").fill("GROC");
    await found().toEqual(["Corner Grocery"]);
    await page.getByLabel("Search").fill("7");
    await found().toEqual(["Settlement bank, euros"]);
    await page.getByLabel("Search").fill("");
    await page.getByLabel("Type").selectOption("Asset");
    await found().toEqual(["Settlement bank, dollars", "Settlement bank, euros"]);
    await page.getByLabel("Status").selectOption("Frozen");
    await page.getByText("No accounts match these filters.").waitFor();
    await page.getByRole("button", { name: "Show all accounts" }).click();
    await expect.poll(() => names.count()).toBeGreaterThan(7);
  });
});

test("the chart zooms in by mouse and by keyboard", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    await openAccount(page, 4);
    const words = page.getByText("Drag across the chart");
    const startOf = async () => (await words.innerText()).split("$")[0];
    const quarter = await startOf();
    await page.getByRole("button", { name: "1 year" }).click();
    await expect.poll(startOf).not.toBe(quarter);
    const wide = await startOf();
    const over = page.locator(".u-over");
    const box = await over.boundingBox();
    if (box === null) throw new Error("there is no chart");
    const intervals: unknown[] = [];
    page.on("request", (request) => {
      if (request.url().endsWith("GetBalanceHistory")) intervals.push(request.postDataJSON().interval);
    });
    await page.mouse.move(box.x + box.width * 0.5, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.52, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await expect.poll(startOf).not.toBe(wide);
    await expect.poll(() => intervals.at(-1)).toBe("INTERVAL_HOUR");
    const near = await startOf();

    await page.getByRole("group", { name: /^Chart of the balance/ }).focus();
    await page.keyboard.press("ArrowLeft");
    await expect.poll(startOf).not.toBe(near);
    await over.dblclick();
    await expect
      .poll(() => page.getByRole("button", { name: "All", exact: true }).getAttribute("aria-pressed"))
      .toBe("true");
  });
});

test("everything from sign-in to a transfer works by keyboard", async () => {
  await service.visit(async (page) => {
    await page.getByRole("button", { name: "Use the development token" }).press("Enter");
    await page.getByRole("link", { name: "New transfer" }).press("Enter");
    await page.locator("h1:focus", { hasText: "New transfer" }).waitFor();
    await page.keyboard.press("Tab");
    await page.getByRole("link", { name: "Enter a journal" }).and(page.locator(":focus")).waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.type("alice, e");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect.poll(() => noteOf(page, "From account")).toBe("Alice, everyday");
    await page.keyboard.press("Tab");
    await page.keyboard.type("grocery");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    await page.keyboard.type("0.01");
    await page.keyboard.press("Enter");
    await page.getByText("Transferred $0.01 to Corner Grocery.").waitFor();
  });
});

test("an account that is not in the loaded list can be debited", async () => {
  await service.visit(async (page) => {
    await page.route("**/finance.v1.FinanceService/ListAccounts", async (route) => {
      if (route.request().method() !== "POST") return await route.continue();
      const response = await route.fetch();
      const { accounts } = JSON.parse(await response.text());
      const listed = accounts.filter(({ id }: { readonly id: string }) => id !== "4");
      await route.fulfill({ response, json: { accounts: listed, next_page_token: "more" } });
    });
    await signIn(page);
    await goTo(page, "/transfer?from=4&to=6&amount=2");
    await page.getByRole("region", { name: "Balances afterwards" }).getByText("Alice, everyday").waitFor();
    expect(await noteOf(page, "From account")).toContain("Alice, everyday");
    await goTo(page, "/transfer?from=999");
    await expect.poll(() => noteOf(page, "From account")).toContain("This is not one of your accounts.");
  });
});

test("problems of a link's values are shown at once", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    await goTo(page, "/transfer?from=4&to=4&amount=-5");
    await expect.poll(() => noteOf(page, "To account")).toContain("the account the money comes from");
    expect(await page.getByLabel("Amount in USD").getAttribute("aria-invalid")).toBe("true");
    expect(await page.getByLabel("Description").getAttribute("aria-invalid")).toBe("false");
  });
});
