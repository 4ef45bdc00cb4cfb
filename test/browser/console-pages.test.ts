/** Each page of the console as everybody can use it: contrast and labels by axe's rules, in both themes, at every width. */
import axe from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { goTo, signIn, startTestConsole, type TestConsole } from "../setup/console.ts";

/** https://www.w3.org/TR/WCAG22/ */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** From the narrowest that must do (https://www.w3.org/TR/WCAG22/#reflow) to a laptop's. */
const WIDTHS = [320, 360, 390, 768, 1280];

/** As long as the service takes them: in words, and without a place to break. */
const LONG_NAME = "Customer funds held in trust for marketplace sellers, settlement pending "
  .repeat(3)
  .slice(0, 200)
  .trim();
const UNBROKEN = "Überweisungsauftragsbestätigungsnummer".repeat(6).slice(0, 200);
/** The largest amount, so that figures are as wide as they get. */
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

/** What was made for the test, by number. */
const long = { account: "", other: "", empty: "", transfer: "" };

const pages: readonly [page: string, fragment: string | (() => string), shown: string][] = [
  ["overview", "/", "✓"],
  ["accounts", "/accounts", "Alice, everyday"],
  ["new account", "/accounts/new", "Open account"],
  ["account", "/accounts/4", "Draw across the chart"],
  ["account that is not there", "/accounts/999", "there is no account 999"],
  ["account with long words", () => `/accounts/${long.account}`, "Draw across the chart"],
  ["account with an unbroken name", () => `/accounts/${long.other}`, "Draw across the chart"],
  ["empty account", () => `/accounts/${long.empty}`, "all the time"],
  ["activity", "/activity", "Card fee"],
  ["holds", "/holds", "Hotel"],
  ["transfer", "/transfers/5", "Recorded"],
  ["transfer with long words", () => `/transfers/${long.transfer}`, "Recorded"],
  ["new transfer", "/transfer?from=4&to=6", "Corner Grocery"],
  ["new transfer with long words", () => `/transfer?from=${long.account}&to=${long.other}&amount=1`, "→"],
  ["connection", "/connection", "✓ A browser lets this page call the API."],
  ["unknown page", "/nowhere", "There is no such page"],
];

async function open(page: Page, fragment: string, shown: string): Promise<void> {
  await goTo(page, fragment);
  await page.locator("main").getByText(shown).first().waitFor();
}

/** What axe finds wrong, each as "rule: element". */
async function findBarriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found: { violations: { id: string; nodes: { html: string }[] }[] } = await page.evaluate(
    `axe.run({ runOnly: ${JSON.stringify(RULES)} })`,
  );
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/** The elements that reach beyond the window; the page then scrolls sideways, or cuts them off. */
async function findOverflow(page: Page): Promise<string[]> {
  return await page.evaluate(`(() => {
    const width = document.documentElement.clientWidth;
    const beyond = [...document.body.querySelectorAll("*")].filter((element) => {
      const { left, right, height } = element.getBoundingClientRect();
      return height > 0 && (right > width + 0.5 || left < -0.5);
    });
    const scroll = document.documentElement.scrollWidth;
    return [...(scroll > width ? ["the page scrolls: " + scroll] : []), ...beyond.map(({ outerHTML }) => outerHTML.slice(0, 120))];
  })()`);
}

test.each(pages)("the %s page has no barriers in either theme, and fits every width", async (_, fragment, shown) => {
  await service.visit(async (page) => {
    await signIn(page);
    await open(page, typeof fragment === "string" ? fragment : fragment(), shown);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await findBarriers(page), colorScheme).toEqual([]);
    }
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 740 });
      // The chart follows its room a frame later.
      await expect.poll(() => findOverflow(page), { message: `${width} px` }).toEqual([]);
    }
  });
});

test("the sign-in, dialogs, suggestions and refusals fit every width", async () => {
  await service.visit(async (page) => {
    const fits = async (what: string) => {
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 740 });
        await expect.poll(() => findOverflow(page), { message: `${what} at ${width} px` }).toEqual([]);
      }
    };
    await page.getByLabel("Bearer token").fill("not a token");
    await page.getByRole("button", { name: "Sign in" }).click();
    await fits("sign-in");
    await signIn(page);
    await open(page, `/accounts/${long.other}`, "Draw across the chart");
    await page.getByText("The chart as a table").click();
    for (const action of ["Freeze", "Close"]) {
      await page.getByRole("button", { name: `${action} ${UNBROKEN}` }).click();
      await page.getByRole("dialog").waitFor();
      await fits(action);
      await page.getByRole("button", { name: "Cancel" }).click();
    }
    for (const action of [/^Capture/, /^Void/]) {
      await open(page, "/nowhere", "There is no such page");
      await open(page, "/holds", "Hotel");
      await page.getByRole("button", { name: action }).last().click();
      await fits(`${action}`);
      await page.getByRole("button", { name: "Cancel" }).click();
    }
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
  });
});

test("the sign-in and a dialog have no barriers", async () => {
  await service.visit(async (page) => {
    await page.getByLabel("Bearer token").waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await signIn(page);
    await open(page, "/holds", "Hotel");
    await page
      .getByRole("button", { name: /^Capture/ })
      .first()
      .click();
    expect(await findBarriers(page)).toEqual([]);
  });
});

test("a theme that is chosen stays over a reload", async () => {
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
