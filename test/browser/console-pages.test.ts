/** Each page of the console as everybody can use it: contrast and labels by axe's rules, in both themes, on a phone. */
import axe from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { goTo, signIn, startTestConsole, type TestConsole } from "../setup/console.ts";

/** https://www.w3.org/TR/WCAG22/ */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

let service: TestConsole;
beforeAll(async () => {
  service = await startTestConsole();
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

const pages: readonly [page: string, fragment: string, shown: string][] = [
  ["overview", "/", "✓"],
  ["accounts", "/accounts", "Alice, everyday"],
  ["new account", "/accounts/new", "Open account"],
  ["account", "/accounts/4", "Draw across the chart"],
  ["account that is not there", "/accounts/999", "there is no account 999"],
  ["activity", "/activity", "Card fee"],
  ["holds", "/holds", "Hotel"],
  ["transfer", "/transfers/5", "Recorded"],
  ["new transfer", "/transfer?from=4&to=6", "Corner Grocery"],
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

test.each(pages)("the %s page has no barriers in either theme, and fits a phone", async (_, fragment, shown) => {
  await service.visit(async (page) => {
    await signIn(page);
    await open(page, fragment, shown);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await findBarriers(page), colorScheme).toEqual([]);
    }
    await page.setViewportSize({ width: 360, height: 740 });
    const width = () => page.evaluate("document.documentElement.scrollWidth");
    await expect.poll(width, { message: "nothing is cut off" }).toBe(360);
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
