/** The actions that the console offers to an admin, a plain user and a read-only user. */
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  enterToken,
  fillTransfer,
  goTo,
  noteOf,
  signIn,
  startTestConsole,
  type TestConsole,
  watchCalls,
} from "../setup/console.ts";

const BOB = "Bob, everyday";

let service: TestConsole;
/** Ids of the transfers and the account of these tests. */
const ids = { placed: "", received: "", foreign: "", paid: "", got: "", safe: "" };

beforeAll(async () => {
  service = await startTestConsole();
  const bob = await bobsToken();
  const move = async (from: number, to: number, description: string, change: object = {}, token?: string) => {
    const request = { debit_account_id: from, credit_account_id: to, amount: "500", description, ...change };
    return `${(await service.call("CreateTransfer", request, token))["id"]}`;
  };
  ids.placed = await move(5, 6, "Hotel", { pending: true }, bob);
  ids.received = await move(4, 5, "Deposit", { pending: true });
  ids.foreign = await move(5, 6, "Reserve", { pending: true });
  ids.paid = await move(5, 6, "Apples", {}, bob);
  ids.got = await move(4, 5, "Dinner");
  const safe = { name: "Bob's safe", type: "ACCOUNT_TYPE_ASSET", currency: "USD", owner: "bob" };
  ids.safe = `${(await service.call("CreateAccount", safe))["id"]}`;
});
afterAll(() => service?.close());

async function bobsToken(scope = "finance.read finance.write"): Promise<string> {
  return await service.token("bob", scope);
}

type Find = (page: Page) => Locator;

interface Offer {
  readonly what: string;
  readonly fragment: () => string;
  /** Visible once the page and the accounts that its actions depend on are loaded. */
  readonly complete: Find;
  readonly control: Find;
}

const button =
  (name: () => string): Find =>
  (page) =>
    page.locator("main").getByRole("button", { name: name(), exact: true });
const link =
  (name: string): Find =>
  (page) =>
    page.getByRole("link", { name, exact: true });
const labelled =
  (label: string): Find =>
  (page) =>
    page.getByLabel(label, { exact: true });
const transferPage = (id: () => string) => ({ fragment: () => `/transfers/${id()}`, complete: link(BOB) });

const holds = { fragment: () => "/holds", complete: link("Hotel") };
const newAccount = { fragment: () => "/accounts/new", complete: labelled("Currency") };
const newTransfer = { fragment: () => "/transfer?from=5", complete: labelled("Amount in USD") };
const journal = { fragment: () => "/journal", complete: button(() => "Add a line") };
const accountList = { fragment: () => "/accounts", complete: link(BOB) };
const account = { fragment: () => "/accounts/5", complete: link("Hotel") };
const safe = {
  fragment: () => `/accounts/${ids.safe}`,
  complete: (page: Page) => page.getByText("This account has no entries"),
};

const forAdmins: readonly Offer[] = [
  {
    what: "the trial balance",
    fragment: () => "/",
    complete: link("Apples"),
    control: (page) => page.getByRole("heading", { name: "Trial balance" }),
  },
  { what: "freezing from the list", ...accountList, control: button(() => `Freeze ${BOB}`) },
  { what: "freezing an account", ...account, control: button(() => `Freeze ${BOB}`) },
  { what: "the type of a new account", ...newAccount, control: labelled("Type") },
  { what: "the owner of a new account", ...newAccount, control: labelled("Owner") },
  { what: "the overdraft of a new account", ...newAccount, control: labelled("Overdraft") },
  { what: "an account without a floor", ...newAccount, control: (page) => page.getByLabel(/^Unlimited, for/) },
  { what: "a transfer from an asset", ...safe, control: link("Transfer from here") },
  { what: "a transfer to an asset", ...safe, control: link("Transfer to here") },
  { what: "capturing what is received", ...holds, control: button(() => `Capture transfer ${ids.received}`) },
  { what: "capturing what an admin held", ...account, control: button(() => `Capture transfer ${ids.foreign}`) },
  { what: "voiding what an admin held", ...account, control: button(() => `Void transfer ${ids.foreign}`) },
  { what: "capturing on its page", ...transferPage(() => ids.received), control: button(() => "Capture") },
  { what: "voiding on its page", ...transferPage(() => ids.foreign), control: button(() => "Void") },
  { what: "the effective date of a transfer", ...newTransfer, control: (page) => page.getByText("Effective date and") },
  { what: "the effective date of a journal", ...journal, control: labelled("Effective") },
  { what: "reversing what was paid", ...transferPage(() => ids.paid), control: button(() => "Reverse") },
];

const forWriters: readonly Offer[] = [
  { what: "a new transfer", ...account, control: link("New transfer") },
  { what: "a transfer from an own wallet", ...account, control: link("Transfer from here") },
  { what: "a new account", ...accountList, control: link("New account") },
  { what: "a journal", ...newTransfer, control: link("Enter a journal") },
  { what: "the metadata of a transfer", ...newTransfer, control: (page) => page.locator("summary") },
  { what: "editing an account", ...account, control: button(() => `Edit ${BOB}`) },
  { what: "closing from the list", ...accountList, control: button(() => `Close ${BOB}`) },
  { what: "closing an account", ...account, control: button(() => `Close ${BOB}`) },
  { what: "capturing what bob held", ...holds, control: button(() => `Capture transfer ${ids.placed}`) },
  { what: "voiding what bob held", ...account, control: button(() => `Void transfer ${ids.placed}`) },
  { what: "voiding what is received", ...holds, control: button(() => `Void transfer ${ids.received}`) },
  { what: "capturing on its page", ...transferPage(() => ids.placed), control: button(() => "Capture") },
  { what: "voiding on its page", ...transferPage(() => ids.received), control: button(() => "Void") },
  { what: "reversing what was received", ...transferPage(() => ids.got), control: button(() => "Reverse") },
];

/** Checks whether each control is present once its page is loaded. */
async function expectOffers(page: Page, offers: readonly Offer[], isThere: boolean): Promise<void> {
  for (const { what, fragment, complete, control } of offers) {
    // The previous page may have the same links.
    await goTo(page, "/nowhere");
    await page.getByText("Page not found").waitFor();
    await goTo(page, fragment());
    await complete(page).first().waitFor();
    if (isThere) await control(page).first().waitFor();
    else expect(await control(page).count(), what).toBe(0);
  }
}

test("an admin is offered everything", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    await page.getByText("Signed in as alice, admin").waitFor();
    await expectOffers(page, [...forAdmins, ...forWriters], true);
  });
});

describe("a plain user", () => {
  async function visitAsBob(story: (page: Page) => Promise<void>): Promise<void> {
    await service.visit(async (page) => {
      await enterToken(page, await bobsToken());
      await page.getByText("Signed in as bob").waitFor();
      await story(page);
    });
  }

  test("is offered only actions that they may take, and no call is refused", async () => {
    await visitAsBob(async (page) => {
      const refused: string[] = [];
      page.on("response", (reply) => {
        if (reply.status() >= 400) refused.push(`${reply.status()} ${reply.url()}`);
      });
      await expectOffers(page, forWriters, true);
      await expectOffers(page, forAdmins, false);
      expect(refused).toEqual([]);
    });
  });

  test("can transfer from their own wallet, and sees who created the transfer", async () => {
    await visitAsBob(async (page) => {
      await page.getByRole("link", { name: "New transfer" }).click();
      await page.getByLabel("From account").click();
      const suggestions = page.getByRole("option");
      await suggestions.first().waitFor();
      expect(await suggestions.count()).toBe(1);
      await suggestions.getByText(BOB).click();
      await fillTransfer(page, "6", "1.25", "Pears");
      await page.getByRole("button", { name: "Transfer", exact: true }).click();
      await page.getByText("Transferred $1.25 to account 6.").waitFor();
      await page.getByRole("link", { name: /^transfer \d+$/ }).click();
      await page.getByRole("term").getByText("Created by").waitFor();
      await page.getByRole("definition").getByText("bob", { exact: true }).waitFor();
    });
  });

  test.each<[what: string, id: () => string, problem: string]>([
    ["somebody else's account", () => "4", "This is not one of your accounts."],
    ["an own asset", () => ids.safe, "Only an admin can debit this account, because a debit would increase it."],
  ])("is told at the field that %s can't be debited", async (_, id, problem) => {
    await visitAsBob(async (page) => {
      await goTo(page, "/transfer");
      await page.getByLabel("From account").fill(id());
      await page.getByLabel("To account").fill("6");
      await expect.poll(() => noteOf(page, "From account")).toContain(problem);
    });
  });

  test("can open a wallet of their own", async () => {
    await visitAsBob(async (page) => {
      await goTo(page, "/accounts/new");
      await page.getByLabel("Name").fill("Bob, holidays");
      await page.getByRole("button", { name: "Open account" }).click();
      await page.getByText("Liability · USD · owned by bob").waitFor();
    });
  });
});

test("a read-only user is offered no changes, and the form's address explains why", async () => {
  await service.visit(async (page) => {
    await enterToken(page, await bobsToken("finance.read"));
    await page.getByText("Signed in as bob, read only").waitFor();
    const forms = ["/transfer", "/journal", "/accounts/new"];
    for (const form of forms) {
      await goTo(page, form);
      await page.getByText("it lacks the scope finance.write").waitFor();
      await goTo(page, "/");
      await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    }
    const readable = [...forAdmins, ...forWriters].filter(
      ({ fragment }) => !forms.includes(fragment().split("?")[0] ?? ""),
    );
    await expectOffers(page, readable, false);
  });
});

test("a token without finance.read is told so, on every page but the connection, and no call is made with it", async () => {
  await service.visit(async (page) => {
    const { sent } = watchCalls(page);
    await enterToken(page, await bobsToken("finance.write"));
    for (const fragment of ["/", "/accounts", "/transfers/5", "/transfer"]) {
      await goTo(page, fragment);
      await page.getByText("Your token lacks the scope finance.read.").waitFor();
    }
    // The sign-in's own.
    expect(sent).toEqual(["ListAccounts"]);
    await page.getByText("Not live: the token lacks finance.read").waitFor();
    await goTo(page, "/connection");
    await page.getByRole("heading", { level: 1, name: "Connection" }).waitFor();
  });
});
