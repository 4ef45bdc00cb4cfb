/** Accessibility of each page: axe's rules in both themes, and layout at every width. */
import axe from "axe-core";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goTo, signIn, startTestConsole, type TestConsole } from "../setup/console.ts";

/** https://www.w3.org/TR/WCAG22/ */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** From the narrowest required width (https://www.w3.org/TR/WCAG22/#reflow) to a laptop's. */
const WIDTHS = [320, 360, 390, 768, 1024, 1280];

/** As long as the service allows: as words, and without a place to break. */
const LONG_NAME = "Customer funds held in trust for marketplace sellers, settlement pending "
  .repeat(3)
  .slice(0, 200)
  .trim();
const UNBROKEN = "Überweisungsauftragsbestätigungsnummer".repeat(6).slice(0, 200);
/** The largest amount, for the widest figures. */
const LARGEST = "1000000000000000";

let service: TestConsole;
beforeAll(async () => {
  service = await startTestConsole();
  const open = async (name: string, change: object = {}) => {
    const terms = { type: "ACCOUNT_TYPE_LIABILITY", currency: "USD", owner: UNBROKEN, unlimited_overdraft: true };
    const metadata = { [UNBROKEN.slice(0, 40)]: UNBROKEN };
    return `${(await service.call("CreateAccount", { ...terms, name, metadata, ...change }))["id"]}`;
  };
  long.account = await open(LONG_NAME);
  long.other = await open(UNBROKEN);
  long.empty = await open("Empty", { owner: "alice" });
  const move = async (change: object) => {
    const posting = { debit_account_id: long.account, credit_account_id: long.other, amount: LARGEST };
    return `${(await service.call("CreateTransfer", { ...posting, description: UNBROKEN, ...change }))["id"]}`;
  };
  long.transfer = await move({ metadata: { [UNBROKEN.slice(0, 40)]: UNBROKEN } });
  await move({ debit_account_id: long.other, credit_account_id: long.account, amount: "5", description: LONG_NAME });
  await move({ pending: true });
  await service.call("UpdateAccount", {
    id: long.other,
    unlimited_overdraft: false,
    overdraft_limit: LARGEST,
    metadata: { [UNBROKEN.slice(0, 40)]: LONG_NAME },
  });
  for (const description of ["Hotel", "Car"]) {
    await service.call("CreateTransfer", {
      debit_account_id: "4",
      credit_account_id: "6",
      amount: "5000",
      pending: true,
      description,
    });
  }
});
afterAll(() => service?.close());

/** Ids of the accounts and transfers of these tests. */
const long = { account: "", other: "", empty: "", transfer: "" };

const pages: readonly [page: string, fragment: string | (() => string), shown: string][] = [
  ["overview", "/", "✓"],
  ["accounts", "/accounts", "Alice, everyday"],
  ["new account", "/accounts/new", "Open account"],
  ["account", "/accounts/4", "Drag across the chart"],
  ["account that is not there", "/accounts/999", "there is no account 999"],
  ["account with long words", () => `/accounts/${long.account}`, "Drag across the chart"],
  ["account with an unbroken name", () => `/accounts/${long.other}`, "Drag across the chart"],
  ["empty account", () => `/accounts/${long.empty}`, "the whole time"],
  ["statement of a period", "/accounts/4/statement", "Closing balance"],
  ["statement with long words", () => `/accounts/${long.account}/statement`, "Closing balance"],
  ["empty statement", () => `/accounts/${long.empty}/statement`, "Nothing was posted"],
  ["activity", "/activity", "Card fee"],
  [
    "filtered activity",
    "/activity?state=lost&account=4&counterparty=4&from=2026-02-30&min=x&metadata=y",
    "Corner Grocery",
  ],
  ["activity without a match", "/activity?min=999999999999999", "No transfers match these filters."],
  ["sorted and filtered statement", "/accounts/4?min=1&sort=-balance", "Drag across the chart"],
  ["sorted and filtered accounts", "/accounts?type=liability&currency=x&sort=nothing", "Alice, everyday"],
  ["holds", "/holds", "Hotel"],
  ["transfer", "/transfers/5", "Recorded"],
  ["transfer with long words", () => `/transfers/${long.transfer}`, "Recorded"],
  ["new transfer", "/transfer?from=4&to=6", "Corner Grocery"],
  ["new transfer with long words", () => `/transfer?from=${long.account}&to=${long.other}&amount=1`, "→"],
  ["new journal", "/journal", "Check the lines"],
  ["connection", "/connection", "✓ A browser lets this page call the API."],
  ["unknown page", "/nowhere", "Page not found"],
];

/** Edited addresses, and the title of the page that each shows. */
const edited: readonly [fragment: string, title: string][] = [
  ["", "Overview"],
  ["/accounts/", "Accounts"],
  ["/accounts/4/", "Alice, everyday"],
  ["/accounts/4?x=1", "Alice, everyday"],
  ["/accounts/4/5", "Page not found"],
  ["/accounts/4/statement/", "Statement of Alice, everyday"],
  ["/transfers/4/statement", "Page not found"],
  ["/accounts/04", "Page not found"],
  ["/accounts/0", "Page not found"],
  ["/accounts/9223372036854775807", "Account 9223372036854775807"],
  ["/accounts/9223372036854775808", "Page not found"],
  ["/transfers/9999999999999999999", "Page not found"],
  ["/transfers", "Page not found"],
  ["/transfer/7", "Page not found"],
  ["/holds/1", "Page not found"],
  ["/journal/", "New journal"],
  ["/journal/1", "Page not found"],
  ["/Accounts", "Page not found"],
];

async function open(page: Page, fragment: string, shown: string): Promise<void> {
  await goTo(page, fragment);
  await page.locator("main").getByText(shown).first().waitFor();
}

/** axe's findings as "rule: element". */
async function findBarriers(page: Page, rules: readonly string[] = RULES): Promise<string[]> {
  // axe is half a megabyte: load it once per page.
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(axe.source);
  const found: { violations: { id: string; nodes: { html: string }[] }[] } = await page.evaluate(
    `axe.run({ runOnly: ${JSON.stringify(rules)} })`,
  );
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/**
 * Problems of layout: elements wider than the window, which scroll sideways or are cut off; numbers that break within a group
 * of digits, except in request ids; names that are squeezed into a column of letters.
 */
async function findMisfits(page: Page): Promise<string[]> {
  return await page.evaluate(`(() => {
    const width = document.documentElement.clientWidth;
    const beyond = [...document.body.querySelectorAll("*")].filter((element) => {
      const { left, right, height } = element.getBoundingClientRect();
      return height > 0 && (right > width + 0.5 || left < -0.5);
    });
    const scroll = document.documentElement.scrollWidth;
    const squeezed = [...document.querySelectorAll("h1, td.told")].filter(({ clientWidth, clientHeight }) => clientWidth < 110 && clientHeight > clientWidth);
    const broken = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const { currentNode: text } = texts;
      for (const { index, 0: number } of text.data.matchAll(/(?<![\\w-])[−+]?[^\\w\\s-]?\\d[\\d.,]+\\d(?![\\w-])/g)) {
        const range = document.createRange();
        range.setStart(text, index);
        range.setEnd(text, index + number.length);
        if (new Set([...range.getClientRects()].map(({ top }) => top)).size > 1) broken.push("broken: " + number);
      }
    }
    const shown = ({ outerHTML }) => outerHTML.slice(0, 120);
    return [
      ...(scroll > width ? ["the page scrolls: " + scroll] : []),
      ...beyond.map(shown),
      ...squeezed.map((element) => "squeezed: " + shown(element)),
      ...broken,
    ];
  })()`);
}

describe("on one visit", () => {
  let visit: Awaited<ReturnType<TestConsole["enter"]>>;
  beforeAll(async () => {
    visit = await service.enter();
    await signIn(visit.page);
  });
  afterAll(() => visit?.leave());

  test.each(pages)("the %s page is accessible in both themes, and fits every width", async (_, fragment, shown) => {
    const { page } = visit;
    await page.emulateMedia({ colorScheme: "light" });
    await open(page, typeof fragment === "string" ? fragment : fragment(), shown);
    expect(await findBarriers(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await findBarriers(page, ["color-contrast"]), "dark").toEqual([]);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 740 });
      // The chart resizes one frame later.
      await expect.poll(() => findMisfits(page), { message: `${width} px` }).toEqual([]);
    }
  });
});

test("the sign-in, dialogs, suggestions and refusals fit every width", async () => {
  await service.visit(async (page) => {
    const fits = async (what: string) => {
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 740 });
        await expect.poll(() => findMisfits(page), { message: `${what} at ${width} px` }).toEqual([]);
      }
    };
    await page.getByLabel("Bearer token").fill("not a token");
    await page.getByRole("button", { name: "Sign in" }).click();
    await fits("sign-in");
    await signIn(page);
    await open(page, `/accounts/${long.other}`, "Drag across the chart");
    await page.getByText("Show the chart as a table").click();
    for (const action of ["Edit", "Freeze", "Close"]) {
      await page.getByRole("button", { name: `${action} ${UNBROKEN}` }).click();
      await page.getByRole("dialog").waitFor();
      await fits(action);
      await page.getByRole("button", { name: "Cancel" }).click();
    }
    await page.getByRole("button", { name: "API call" }).first().click();
    for (const form of ["JSON", "curl", "axios", "Client"]) {
      await page.getByRole("button", { name: form, exact: true }).click();
      await page.getByRole("region", { name: form, exact: true }).waitFor();
      await fits(form);
    }
    await page.getByRole("button", { name: "Close", exact: true }).click();
    for (const action of [/^Capture/, /^Void/]) {
      await open(page, "/nowhere", "Page not found");
      await open(page, "/holds", "Hotel");
      await page.getByRole("button", { name: action }).last().click();
      await fits(`${action}`);
      await page.getByRole("button", { name: "Cancel" }).click();
    }
    await page.keyboard.press("/");
    await fits("search");
    const search = page.getByRole("combobox", { name: "Account, transfer or key" });
    await search.fill(UNBROKEN);
    await page.getByRole("option").first().waitFor();
    await fits("found");
    await search.fill(`${LONG_NAME} nobody`);
    await page.getByText("Nothing found for").waitFor();
    await fits("nothing found");
    await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
    await fits("shortcuts");
    await page.keyboard.press("Escape");
    await open(page, "/transfer", "From account");
    await page.getByLabel("From account").fill("stomer");
    await page.getByRole("option").first().waitFor();
    await fits("suggestions");
    await page.getByLabel("From account").fill(UNBROKEN);
    await page.getByRole("option").first().waitFor();
    await fits("unbroken suggestions");
    await page.getByRole("option").first().click();
    await page.getByLabel("To account").fill("999");
    await page.getByLabel("Amount in USD").fill("1");
    await page.getByText("There is no account 999").waitFor();
    await fits("refusal");
    await page.getByLabel("Hold it now").check();
    await page.getByLabel("The hold expires").selectOption("At a date and time");
    await page.getByText("Effective date and metadata").click();
    for (const _ of "two") await page.getByRole("button", { name: "Add a pair" }).click();
    await page.getByRole("group", { name: "Pair 1" }).getByLabel("Value").fill(UNBROKEN);
    await page.getByRole("button", { name: "Hold", exact: true }).click();
    await page.getByText("Enter a key.").waitFor();
    await fits("more of the form");
    await open(page, "/journal", "Check the lines");
    const line = page.getByRole("group", { name: "Line 1" });
    await line.getByLabel("Debit account").fill(long.account);
    await line.getByLabel("Credit account").fill(long.other);
    await line.getByLabel("Amount").fill("1");
    await line.getByLabel("Description").fill(UNBROKEN);
    await page.getByRole("button", { name: "Check the lines" }).click();
    await page.getByRole("button", { name: "Post 1 line" }).waitFor();
    await fits("checked journal");
    await page.getByRole("button", { name: "Post 1 line" }).click();
    await page.getByText("Posted as").waitFor();
    await fits("posted journal");
    await page.getByRole("button", { name: /^Undo/ }).click();
    await page.getByRole("region", { name: "Balances afterwards" }).waitFor();
    await fits("undo");
  });
});

test("the sign-in, dialogs and journals with outcomes are accessible in both themes", async () => {
  await service.visit(async (page) => {
    const barriers = async () => {
      await page.emulateMedia({ colorScheme: "light" });
      const inLight = await findBarriers(page);
      await page.emulateMedia({ colorScheme: "dark" });
      return [...inLight, ...(await findBarriers(page, ["color-contrast"]))];
    };
    await page.getByLabel("Bearer token").waitFor();
    expect(await barriers()).toEqual([]);
    await signIn(page);
    for (const [fragment, shown, name] of [
      ["/holds", "Hotel", /^Capture/],
      ["/holds", "Hotel", /^Void/],
      ["/transfers/5", "Recorded", "Reverse"],
      [`/accounts/${long.other}`, "Metadata", /^Edit/],
    ] as const) {
      await open(page, "/nowhere", "Page not found");
      await open(page, fragment, shown);
      await page.getByRole("button", { name }).first().click();
      await page.getByRole("dialog").waitFor();
      expect(await barriers(), `${name}`).toEqual([]);
      await page.keyboard.press("Escape");
    }
    await open(page, "/accounts/4", "Drag across the chart");
    await page.getByRole("button", { name: "API call" }).first().click();
    await page.getByRole("region", { name: "JSON" }).waitFor();
    expect(await barriers(), "API call").toEqual([]);
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    await page.getByRole("combobox", { name: "Account, transfer or key" }).fill("Alice");
    await page.getByRole("option").first().waitFor();
    expect(await barriers(), "search").toEqual([]);
    await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
    expect(await barriers(), "shortcuts").toEqual([]);
    await page.keyboard.press("Escape");
    await open(page, "/journal", "Check the lines");
    await page.getByLabel("All or nothing").uncheck();
    for (const [number, amount] of [
      [1, "1"],
      [2, "99999999"],
    ] as const) {
      const line = page.getByRole("group", { name: `Line ${number}` });
      await line.getByLabel("Debit account").fill("4");
      await line.getByLabel("Credit account").fill("6");
      await line.getByLabel("Amount").fill(amount);
    }
    await page.getByRole("button", { name: "Check the lines" }).click();
    await page.getByRole("button", { name: "Post 1 of 2 lines" }).waitFor();
    expect(await barriers(), "checked journal").toEqual([]);
    await page.getByRole("button", { name: "Post 1 of 2 lines" }).click();
    await page.getByText("Posted as").waitFor();
    expect(await barriers(), "posted journal").toEqual([]);
  });
});

test('an edited address shows its page, or "Page not found", also in the title', async () => {
  await service.visit(async (page) => {
    await signIn(page);
    for (const [fragment, title] of edited) {
      await goTo(page, fragment);
      await expect.poll(() => page.title(), { message: fragment }).toBe(`${title} · Finance console`);
      // Otherwise the next check could pass on the previous page.
      await goTo(page, "/connection");
      await expect.poll(() => page.title()).toBe("Connection · Finance console");
    }
  });
});

test("the chosen theme survives a reload", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    await page.getByRole("button", { name: "Theme: system" }).click();
    await page.getByRole("button", { name: "Theme: light" }).click();
    await page.getByRole("button", { name: "Theme: dark" }).waitFor();
    expect(await ground()).not.toBe(light);
    await page.reload();
    await page.getByRole("button", { name: "Theme: dark" }).waitFor();
    expect(await ground()).not.toBe(light);
  });
});

test("a dialog opens with the focus on a safe control, ignores the second click of a double click, and returns the focus", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    const dialog = page.getByRole("dialog");
    const cancel = dialog.getByRole("button", { name: "Cancel" });
    const field = dialog.getByRole("textbox");
    const focused = page.locator(":focus");
    const opened: readonly [fragment: string, opener: string, safe: Locator][] = [
      [`/accounts/${long.empty}`, "Edit Empty", dialog.getByLabel("Name")],
      [`/accounts/${long.empty}`, "Freeze Empty", cancel],
      [`/accounts/${long.empty}`, "Close Empty", cancel],
      ["/holds", "Void transfer", cancel],
      ["/holds", "Capture transfer", field],
      ["/transfers/5", "Reverse", field],
    ];
    for (const [fragment, name, safe] of opened) {
      await goTo(page, fragment);
      const opener = page.getByRole("button", { name }).first();
      await opener.click();
      await dialog.waitFor();
      expect(await safe.and(focused).count(), `${name} opens`).toBe(1);
      const confirm = dialog.getByRole("button").last();
      await confirm.dispatchEvent("click", { detail: 2 });
      expect(await confirm.getAttribute("aria-disabled"), `${name} by a double click`).toBe("false");
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      expect(await opener.and(focused).count(), `${name} is dismissed`).toBe(1);
    }
    // With the keyboard only: the same button has the focus afterwards.
    await goTo(page, `/accounts/${long.empty}`);
    await page.getByRole("button", { name: "Freeze Empty" }).focus();
    for (const name of ["Unfreeze Empty", "Freeze Empty"]) {
      for (const key of ["Enter", "Tab", "Enter"]) await page.keyboard.press(key);
      await page.getByRole("button", { name, exact: true }).and(focused).waitFor();
    }
  });
});
