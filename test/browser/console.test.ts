/** The built console in a real browser, on an origin of its own, against the built service with the demo data. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchChromium } from "../setup/chromium.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { freePort, type ServiceProcess, startProcess } from "../setup/process.ts";

const CREATE_TRANSFER = "**/finance.v1.FinanceService/CreateTransfer";

let database: TestDatabase;
let service: ServiceProcess;
let consolePort: number;
let apiPort: number;
let browser: Browser;

beforeAll(async () => {
  [database, consolePort, apiPort, browser] = await Promise.all([
    createTestDatabase(),
    freePort(),
    freePort(),
    launchChromium(),
  ]);
  service = startProcess({
    DATABASE_URL: database.url,
    AUTH_JWT_SECRET: "a secret for tests, 32 bytes or more",
    PORT: `${apiPort}`,
    CONSOLE_PORT: `${consolePort}`,
    // A page at 127.0.0.1 is not allowed.
    CORS_ALLOWED_ORIGINS: "http://localhost:*",
    DEMO_DATA: "true",
    LOG_LEVEL: "warn",
  });
  await service.printed(`http://localhost:${consolePort}`);
});
afterAll(async () => {
  await browser?.close();
  service?.child.kill("SIGTERM");
  await service?.ended;
  await database?.drop();
});

/** Runs a story on a fresh page, signed out, and fails when the page's code failed. */
async function visit(
  story: (page: Page) => Promise<void>,
  { host = "localhost", ...options }: BrowserContextOptions & { host?: string } = {},
): Promise<void> {
  const context = await browser.newContext({ locale: "en-US", timezoneId: "UTC", ...options });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(5_000);
    const failures: Error[] = [];
    page.on("pageerror", (failure) => failures.push(failure));
    await page.goto(`http://${host}:${consolePort}/`);
    await story(page);
    expect(failures).toEqual([]);
  } finally {
    await context.close();
  }
}

async function signIn(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Use the development token" }).click();
}

/** Signs in and opens Alice's everyday account, number 4. */
async function openAccount(page: Page): Promise<void> {
  await signIn(page);
  await page.getByRole("link", { name: "Alice, everyday" }).click();
  await page.getByRole("heading", { level: 1, name: "Alice, everyday" }).waitFor();
  await entries(page).first().waitFor();
}

async function fillTransfer(page: Page, to: string, amount: string, description = ""): Promise<void> {
  await page.getByLabel("To account").fill(to);
  await page.getByLabel("Amount in USD").fill(amount);
  await page.getByLabel("Description").fill(description);
}

async function submitTransfer(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Transfer" }).click();
}

/** What a screen reader says after the field's label. */
async function noteOf(page: Page, label: string): Promise<string> {
  const id = await page.getByLabel(label).getAttribute("aria-describedby");
  return (await page.locator(`[id="${id}"]`).innerText()).trim();
}

/** The service does what it is told and the page never hears of it. */
async function loseAnswers(page: Page): Promise<void> {
  await page.route(CREATE_TRANSFER, async (route) => {
    await route.fetch();
    await route.abort();
  });
}

function entries(page: Page) {
  return page.locator("tbody").getByRole("row");
}

/** A balance of the list, in cents. */
async function balanceOf(page: Page, name: string): Promise<bigint> {
  const item = page.getByRole("navigation", { name: "Accounts" }).getByRole("link", { name });
  return cents(await item.innerText());
}

/** The one sum of money in a text. */
function cents(text: string): bigint {
  const sums = text.match(/[−+]?\$[\d,]+\.\d\d/g) ?? [];
  expect(sums).toHaveLength(1);
  return BigInt(`${sums[0]}`.replace(/[$,.+]/g, "").replace("−", "-"));
}

/** What somebody else does meanwhile. */
async function transferByCall(transfer: Record<string, string>): Promise<void> {
  const reached = await fetch(`http://localhost:${consolePort}/settings.json`);
  const settings: Record<string, string> = JSON.parse(await reached.text());
  const reply = await fetch(
    `${settings["apiUrl"]}${settings["twirpPrefix"]}/finance.v1.FinanceService/CreateTransfer`,
    {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${settings["developmentToken"]}` },
      body: JSON.stringify(transfer),
    },
  );
  expect(reply.status).toBe(200);
}

async function expectBalances(page: Page, expected: Record<string, bigint>): Promise<void> {
  for (const [name, balance] of Object.entries(expected)) {
    await expect.poll(() => balanceOf(page, name), { message: name }).toBe(balance);
  }
}

test("signing in with the development token lists the accounts, fetched from the API's origin", async () => {
  await visit(async (page) => {
    const reply = page.waitForResponse(/ListAccounts/);
    await signIn(page);
    const accounts = page.getByRole("navigation", { name: "Accounts" }).getByRole("link");
    await expect.poll(() => accounts.count()).toBe(8);
    expect(await accounts.nth(3).innerText()).toMatch(/^Alice, everyday\n+\$[\d,.]+\n+No\. 4 · Liability$/);

    const request = (await reply).request();
    expect(new URL(request.url()).origin).toBe(`http://localhost:${apiPort}`);
    expect(await request.headerValue("origin")).toBe(`http://localhost:${consolePort}`);
  });
});

test("account 4 shows its statement newest first, each balance following from the one below, and more on demand", async () => {
  await visit(async (page) => {
    await openAccount(page);
    expect(page.url()).toMatch(/#\/accounts\/4$/);
    expect(await entries(page).count()).toBe(25);
    await page.getByRole("button", { name: "Show more" }).click();
    await expect.poll(() => entries(page).count()).toBe(50);

    const rows = await entries(page).evaluateAll((all) => all.map((row) => row.innerText.split("\t")));
    const statement = rows.map((cells) => ({
      side: cells.at(-3),
      amount: cents(`${cells.at(-2)}`),
      balance: cents(`${cells.at(-1)}`),
    }));
    expect(statement[0]?.balance).toBe(await balanceOf(page, "Alice, everyday"));
    for (const [index, { side, amount, balance }] of statement.entries()) {
      expect(side).toBe(amount > 0n ? "Credit" : "Debit");
      const below = statement[index + 1];
      if (below !== undefined) expect(balance - amount).toBe(below.balance);
    }
  });
});

test("a transfer from 4 to 6 posts and changes both balances, and a double click posts it once", async () => {
  await visit(async (page) => {
    await openAccount(page);
    const before = {
      alice: await balanceOf(page, "Alice, everyday"),
      grocery: await balanceOf(page, "Corner Grocery"),
    };
    await fillTransfer(page, "6", "1,012.34", "Apples");
    expect(await noteOf(page, "To account")).toBe("Corner Grocery");
    await page.getByRole("button", { name: "Transfer" }).dblclick({ delay: 60 });

    await page.getByText("Transferred $1,012.34 to account 6.").waitFor();
    await expectBalances(page, {
      "Alice, everyday": before.alice - 101_234n,
      "Corner Grocery": before.grocery + 101_234n,
    });
    await expect.poll(() => entries(page).first().innerText()).toMatch(/Apples.*Debit.*−\$1,012\.34/s);
    expect(await entries(page).nth(1).innerText()).not.toContain("Apples");
    expect(await page.getByLabel("Amount in USD").inputValue()).toBe("");
  });
});

test("a transfer whose answer was lost says so with the origin, and posts once when it is tried again", async () => {
  await visit(async (page) => {
    await openAccount(page);
    const before = await balanceOf(page, "Alice, everyday");
    await loseAnswers(page);
    await fillTransfer(page, "6", "7.77", "Pears");
    await submitTransfer(page);
    const alert = page.getByRole("alert");
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(
      new RegExp(`No answer: the API is down, or the browser blocked it by CORS.*http://localhost:${consolePort}`),
    );

    await page.unroute(CREATE_TRANSFER);
    await submitTransfer(page);
    await page.getByText("Transferred $7.77 to account 6.").waitFor();
    await expectBalances(page, { "Alice, everyday": before - 777n });
  });
});

test("a transfer that was changed after its answer was lost is another transfer", async () => {
  await visit(async (page) => {
    await openAccount(page);
    const before = await balanceOf(page, "Alice, everyday");
    await loseAnswers(page);
    await fillTransfer(page, "6", "1.00");
    await submitTransfer(page);
    await page.getByRole("alert").waitFor();

    await page.unroute(CREATE_TRANSFER);
    await page.getByLabel("Amount in USD").fill("2.00");
    await submitTransfer(page);
    await page.getByText("Transferred $2.00 to account 6.").waitFor();
    await expectBalances(page, { "Alice, everyday": before - 300n });
  });
});

test("a transfer that was refused posts unchanged once there is money", async () => {
  await visit(async (page) => {
    await signIn(page);
    await page.getByRole("link", { name: "Fee income" }).click();
    await fillTransfer(page, "2", "5000");
    await submitTransfer(page);
    await expect.poll(() => noteOf(page, "Amount in USD")).toContain("more than the account can spend");

    await transferByCall({ debit_account_id: "1", credit_account_id: "3", amount: "500000" });
    await submitTransfer(page);
    await page.getByText("Transferred $5,000.00 to account 2.").waitFor();
  });
});

test("an overdraft is refused at the amount, nothing moves, and the mended transfer posts", async () => {
  await visit(async (page) => {
    await openAccount(page);
    const before = await balanceOf(page, "Alice, everyday");
    await fillTransfer(page, "6", "99999999");
    await submitTransfer(page);
    const amount = page.getByLabel("Amount in USD");
    await expect.poll(() => amount.getAttribute("aria-invalid")).toBe("true");
    expect(await noteOf(page, "Amount in USD")).toMatch(
      /^This is more than the account can spend\.\s+Up to \$[\d,.]+$/,
    );
    expect(await page.locator(":focus").getAttribute("name")).toBe("amount");
    await expectBalances(page, { "Alice, everyday": before });

    await amount.fill("1");
    expect(await amount.getAttribute("aria-invalid")).toBe("false");
    await submitTransfer(page);
    await page.getByText("Transferred $1.00 to account 6.").waitFor();
  });
});

test.each<[what: string, to: string, amount: string, label: string, problem: string]>([
  ["letters for an amount", "6", "ten", "Amount in USD", "Enter a plain number, such as 1200.50."],
  ["a third decimal place", "6", "1.005", "Amount in USD", "USD has at most 2 decimal places."],
  ["no account", "", "1", "To account", "Enter the number of an account."],
  ["the account itself", "4", "1", "To account", "This is the account the money comes from."],
  ["an account that is not there", "999", "1", "To account", "There is no account 999."],
  ["an account in another currency", "8", "1", "To account", "a transfer stays in one currency."],
])("%s is refused at its field", async (_, to, amount, label, problem) => {
  await visit(async (page) => {
    await openAccount(page);
    await fillTransfer(page, to, amount);
    await submitTransfer(page);
    await expect.poll(() => page.getByLabel(label).getAttribute("aria-invalid")).toBe("true");
    expect(await noteOf(page, label)).toContain(problem);
  });
});

test("an invalid token leads back to the sign-in with the service's reason, and is forgotten", async () => {
  await visit(async (page) => {
    await page.getByLabel("Bearer token").fill("not.a.token");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("The service turned the token away: the token is not a signed JWT.").waitFor();
    expect(await page.getByLabel("Bearer token").getAttribute("aria-invalid")).toBe("true");
    await page.reload();
    await page.getByRole("heading", { name: "Finance console" }).waitFor();
    expect(await page.getByText("turned the token away").count()).toBe(0);
  });
});

test("a session lasts over a reload, and signing out ends it", async () => {
  await visit(async (page) => {
    await openAccount(page);
    await page.reload();
    await page.getByRole("heading", { level: 1, name: "Alice, everyday" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Bearer token").waitFor();
    await page.reload();
    await page.getByLabel("Bearer token").waitFor();
  });
});

test("a page on an origin that is not allowed says that CORS may be why, and names the origin", async () => {
  await visit(
    async (page) => {
      await signIn(page);
      const alert = page.getByRole("alert");
      await alert.waitFor();
      const text = await alert.innerText();
      expect(text).toContain(`blocked it by CORS for this origin, http://127.0.0.1:${consolePort}.`);
      expect(text).toContain(`npm run doctor -- http://127.0.0.1:${apiPort}/twirp/`);
    },
    { host: "127.0.0.1" },
  );
});

test("on a phone the account takes the place of the list, nothing is cut off, and a link leads back", async () => {
  await visit(
    async (page) => {
      await openAccount(page);
      const accounts = page.getByRole("navigation", { name: "Accounts" });
      expect(await accounts.isVisible()).toBe(false);
      expect(await entries(page).first().innerText()).toMatch(/Debit · \w+ \d+, \d{4}/);
      const { scrollWidth, clientWidth } = await page.locator("html").evaluate((html) => html);
      expect(scrollWidth).toBe(clientWidth);
      await page.getByRole("link", { name: "All accounts" }).click();
      await accounts.waitFor({ state: "visible" });
      expect(await page.getByRole("heading", { level: 1 }).count()).toBe(0);
    },
    { viewport: { width: 390, height: 844 } },
  );
});

test("the whole way from sign-in to a transfer works from the keyboard", async () => {
  await visit(async (page) => {
    await page.getByRole("button", { name: "Use the development token" }).press("Enter");
    await page.getByRole("link", { name: "Alice, everyday" }).press("Enter");
    await expect.poll(() => page.locator(":focus").innerText()).toBe("Alice, everyday");
    await page.keyboard.press("Tab");
    await page.keyboard.type("6");
    await page.keyboard.press("Tab");
    await page.keyboard.type("0.01");
    await page.keyboard.press("Enter");
    await page.getByText("Transferred $0.01 to account 6.").waitFor();
  });
});
