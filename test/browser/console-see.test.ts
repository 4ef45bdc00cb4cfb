/** What the console shows beyond tables: raw JSON, code and texts to copy. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Page, Route } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFinanceClient, toJson } from "../../packages/client/src/index.ts";
import { cents, goTo, signIn, startTestConsole, type TestConsole } from "../setup/console.ts";

const run = promisify(execFile);

let service: TestConsole;
beforeAll(async () => {
  service = await startTestConsole();
});
afterAll(() => service?.close());

/** The clipboard's permissions, which a person would be asked for. */
const CLIPBOARD = { permissions: ["clipboard-read", "clipboard-write"] };

const clipboardOf = (page: Page) => page.evaluate<string>("navigator.clipboard.readText()");

type Json = Record<string, unknown>;

/** Each page's API call, and the request that is the same. */
const calls: readonly [page: string, fragment: string, within: string, method: string, request: Json][] = [
  ["an account", "/accounts/4", "Account", "GetAccount", { id: "4" }],
  ["the audit trail", "/accounts/4", "Audit trail", "ListAccountChanges", { account_id: "4", newest_first: true }],
  ["a transfer", "/transfers/5", "Posting", "GetTransfer", { id: "5" }],
];

describe.each(calls)("the API call of %s", (_, fragment, region, method, request) => {
  async function visitDialog(story: (page: Page) => Promise<void>): Promise<void> {
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, fragment);
      await page.getByRole("region", { name: region, exact: true }).getByRole("button", { name: "API call" }).click();
      await page.getByRole("dialog", { name: method }).waitFor();
      await story(page);
    }, CLIPBOARD);
  }

  async function copied(page: Page, form: string): Promise<string> {
    await page.getByRole("button", { name: form, exact: true }).click();
    await page.getByRole("button", { name: "Copy", exact: true }).click();
    await page.getByRole("status").getByText("Copied").waitFor({ state: "attached" });
    const text = await clipboardOf(page);
    expect(text).toBe(await page.getByRole("region", { name: form, exact: true }).innerText());
    return text;
  }

  test("is shown as the service's JSON, and its code gives the same when it runs elsewhere", async () => {
    await visitDialog(async (page) => {
      const expected = await service.call(method, request);
      expect(JSON.parse(await copied(page, "JSON"))).toEqual(expected);

      const token = await service.token("root", "finance.admin");
      const env = { PATH: process.env["PATH"], TOKEN: token };
      const secret = await page.evaluate<string>("sessionStorage.getItem('finance-token')");
      const codeOf = async (form: string) => {
        const code = await copied(page, form);
        expect(code).not.toContain(secret);
        return code;
      };

      const curl = await run("bash", ["--norc", "-c", await codeOf("curl")], { env });
      expect(JSON.parse(curl.stdout)).toEqual(expected);

      const inNode = async (code: string, printed: string) => {
        const module = code.replace(/^console\.log\(.*\);$/m, `console.log(JSON.stringify(${printed}));`);
        expect(module).not.toBe(code);
        const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", module], { env });
        return JSON.parse(stdout);
      };
      expect(await inNode(await codeOf("axios"), "reply.data")).toEqual(expected);

      const finance = createFinanceClient({ baseUrl: service.apiUrl, token });
      const replies: Readonly<Record<string, () => Promise<unknown>>> = {
        GetAccount: () => finance.getAccount({ id: 4n }),
        ListAccountChanges: () => finance.listAccountChanges({ accountId: 4n, newestFirst: true }),
        GetTransfer: () => finance.getTransfer({ id: 5n }),
      };
      // The build here has the client as an export of the whole repository.
      const code = (await codeOf("Client")).replace("@finance-service/client", "finance-service/client");
      const reply = await inNode(`import { toJson } from "finance-service/client";\n${code}`, "toJson(reply)");
      expect(reply).toEqual(toJson(await replies[method]?.()));
    });
  });
});

test("the API call opens, copies and closes by keyboard, and the focus returns", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    await goTo(page, "/transfers/5");
    const opener = page.getByRole("button", { name: "API call" });
    await opener.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "GetTransfer" }).waitFor();
    const focused = page.locator(":focus");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await focused.innerText()).toBe("curl");
    await page.getByRole("region", { name: "curl" }).waitFor();
    while ((await focused.innerText()) !== "Copy") await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await expect.poll(() => clipboardOf(page)).toMatch(/^curl '/);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await opener.and(focused).count()).toBe(1);
  }, CLIPBOARD);
});

describe("a button that copies a number", () => {
  test("says that it copied", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, "/accounts/4");
      const copy = page.getByRole("button", { name: "Copy the account number" });
      await copy.focus();
      await page.keyboard.press("Enter");
      await page.getByRole("status").getByText("Copied").waitFor({ state: "attached" });
      expect(await clipboardOf(page)).toBe("4");
      expect(await copy.and(page.locator(":focus")).count()).toBe(1);
    }, CLIPBOARD);
  });

  test("selects the text if the browser refuses the clipboard, and says so", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await page.evaluate(
        `navigator.clipboard.writeText = () => Promise.reject(new DOMException("", "NotAllowedError"))`,
      );
      await goTo(page, "/transfers/5");
      await page.getByRole("button", { name: "Copy the transfer number" }).click();
      await page.getByRole("status").getByText("Selected: press Ctrl+C or ⌘C").waitFor();
      expect(await page.evaluate("String(window.getSelection())")).toBe("5");
    });
  });

  test("selects the text where there is no clipboard, as without HTTPS", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await page.evaluate(`Object.defineProperty(navigator, "clipboard", { value: undefined })`);
      await goTo(page, "/transfers/5");
      await page.getByRole("button", { name: "Copy the transfer number" }).click();
      await page.getByRole("status").getByText("Selected: press Ctrl+C or ⌘C").waitFor();
    });
  });
});

describe("while the replies arrive one by one, nothing moves", () => {
  const pages: readonly [page: string, fragment: string, complete: string][] = [
    ["the overview", "/", "Latest activity"],
    ["an account", "/accounts/4", "Statement"],
    ["the accounts", "/accounts", "Accounts"],
    ["the activity", "/activity", "Transfers"],
    ["the holds", "/holds", "Holds"],
    ["a transfer", "/transfers/5", "Transfer 5"],
    ["a statement", "/accounts/4/statement?from=2026-01-01&until=2026-01-31", "Jan 1, 2026 to Jan 31, 2026"],
  ];

  test.each(pages)("on %s", async (_, fragment, complete) => {
    await service.visit(async (page) => {
      await signIn(page);
      await page.addInitScript({
        content: `
          window.shift = 0;
          new PerformanceObserver((list) => {
            for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) window.shift += value;
          }).observe({ type: "layout-shift", buffered: true });`,
      });
      const held: Route[] = [];
      await page.route("**/finance.v1.FinanceService/*", async (route) => {
        const request = route.request();
        if (request.method() !== "POST" || request.url().endsWith("/ListEvents")) await route.continue();
        else held.push(route);
      });
      await goTo(page, fragment);
      // The calls of the page before end with it.
      page.once("framenavigated", () => held.splice(0));
      await page.reload();
      await page.getByRole("heading", { level: 1 }).waitFor();

      const places = async () => {
        await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
        return new Map<string, number>(
          await page.evaluate(
            `[...document.querySelectorAll("h1, h2, h3, search, .figures, .chart-room")].map((element) =>
              [element.className + element.textContent.slice(0, 40), element.getBoundingClientRect().top])`,
          ),
        );
      };
      const seen = await places();
      while (held.length > 0 || (await page.getByRole("heading", { name: complete, exact: true }).count()) === 0) {
        // The last call first: each page must cope with any order.
        const route = held.pop();
        if (route === undefined) {
          await page.waitForRequest("**/finance.v1.FinanceService/*");
          continue;
        }
        const replied = page.waitForResponse((response) => response.request() === route.request());
        await route.continue();
        await (await replied).finished();
        for (const [name, top] of await places()) {
          expect(top, name).toBe(seen.get(name) ?? top);
          seen.set(name, top);
        }
      }
      expect([...seen.keys()].join()).toContain(complete);
      expect(await page.evaluate("window.shift")).toBeLessThan(0.01);
    });
  });
});

test("the bars of the overview are equally wide, at every width", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    await page.getByText(/^Highest:/).waitFor();
    for (const width of [320, 390, 768, 1280]) {
      await page.setViewportSize({ width, height: 740 });
      const widths = await page.evaluate<number[]>(
        "[...document.querySelectorAll('.bar')].map((bar) => bar.getBoundingClientRect().width)",
      );
      expect(widths).toHaveLength(30);
      expect(Math.max(...widths) - Math.min(...widths), `${width} px`).toBeLessThan(1);
    }
  });
});

describe("the overview", () => {
  test("shows what moved each day, the largest movements, and the holds that expire first, to capture or void", async () => {
    const move = (amount: string, change: object) =>
      service.call("CreateTransfer", { debit_account_id: "4", credit_account_id: "6", amount, ...change });
    const soon = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    await move("500000", { description: "Boat" });
    await move("5000", { description: "In two days", pending: true, expires_at: soon(2) });
    await move("5000", { description: "Tomorrow", pending: true, expires_at: soon(1) });
    await move("5000", { description: "Next month", pending: true, expires_at: soon(30) });
    await move("5000", { description: "Never", pending: true });
    await service.visit(async (page) => {
      await signIn(page);
      const rowsOf = async (name: string) =>
        await page.getByRole("table", { name }).locator("tbody").getByRole("row").allInnerTexts();
      await expect.poll(async () => (await rowsOf("Largest movements"))[0]).toContain("Boat");
      await page.getByText("This covers every transfer that was posted or captured in the last 30 days.").waitFor();
      await page.getByText("Show the chart as a table").click();
      const days = await rowsOf("Movement per day");
      expect(days).toHaveLength(30);
      expect(cents(`${days.at(-1)}`)).toBeGreaterThanOrEqual(500_000n);

      await expect
        .poll(async () => (await rowsOf("Holds that expire soon")).map((row) => row.split("\n")[0]))
        .toEqual(["Tomorrow", "In two days"]);
      const first = page.getByRole("table", { name: "Holds that expire soon" }).getByRole("row", { name: "Tomorrow" });
      await first.getByRole("button", { name: /^Void/ }).click();
      await page.getByRole("dialog").getByRole("button", { name: /Void/ }).click();
      await first.waitFor({ state: "detached" });
    });
  });

  test("says how far it looks if there are more transfers than one call reads", async () => {
    await service.visit(async (page) => {
      await page.route("**/finance.v1.FinanceService/ListTransfers", async (route) => {
        if (route.request().method() !== "POST" || !route.request().postData()?.includes("createdAfter")) {
          return await route.continue();
        }
        const response = await route.fetch();
        const reply = await response.json();
        await route.fulfill({
          response,
          json: { ...reply, transfers: reply.transfers.slice(0, 1), next_page_token: "more" },
        });
      });
      await signIn(page);
      await page
        .getByText(/^Highest: .* This covers only the time since .*: one call reads at most 1000 transfers\./)
        .waitFor();
      await page.getByText("Show the chart as a table").click();
      expect(
        await page.getByRole("table", { name: "Movement per day" }).locator("tbody").getByRole("row").count(),
      ).toBe(1);
    });
  });
});

/** The rows of a file as Excel reads them, without the byte order mark that it must start with. */
function readCsv(text: string): string[][] {
  expect(text.charCodeAt(0)).toBe(0xfeff);
  return text
    .slice(1, -2)
    .split("\r\n")
    .map((row) =>
      [...row.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,"]*))/g)].map(
        ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? "",
      ),
    );
}

async function download(page: Page): Promise<{ readonly name: string; readonly rows: string[][] }> {
  const started = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download CSV" }).click();
  const file = await started;
  return { name: file.suggestedFilename(), rows: readCsv(await readFile(await file.path(), "utf8")) };
}

describe("the statement of a period", () => {
  const YEAR = { from: "2000-01-01", until: "2099-12-31" };
  const address = (id: string, { from, until }: typeof YEAR) => `/accounts/${id}/statement?from=${from}&until=${until}`;

  async function openWallet(): Promise<string> {
    const wallet = { name: "Printed", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD", owner: "alice" };
    const id = `${(await service.call("CreateAccount", wallet))["id"]}`;
    const move = (from: string, to: string, amount: string, description: string) =>
      service.call("CreateTransfer", { debit_account_id: from, credit_account_id: to, amount, description });
    await move("4", id, "10000", "Deposit");
    await move(id, "6", "2550", '=1+1;"x"');
    await move(id, "6", "50", "-5");
    return id;
  }

  /** The figures above the table, by their names. */
  const figuresOf = async (page: Page) => {
    const figures = page.getByRole("region", { name: / to / }).locator("dl > div");
    return Object.fromEntries((await figures.allInnerTexts()).map((text) => text.split("\n")));
  };

  test("has its opening and closing balance, and every entry, oldest first", async () => {
    const id = await openWallet();
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, `/accounts/${id}`);
      await page.getByRole("link", { name: "Print or save a period" }).click();
      await page.getByRole("heading", { level: 1, name: "Statement of Printed" }).waitFor();
      await expect
        .poll(() => figuresOf(page))
        .toEqual({
          "Opening balance": "$0.00",
          Debits: "$26.00",
          Credits: "$100.00",
          "Closing balance": "$74.00",
        });
      const links = page
        .getByRole("table")
        .locator("tbody")
        .getByRole("link", { name: /Deposit|^[=-]/ });
      expect(await links.allInnerTexts()).toEqual(["Deposit", '=1+1;"x"', "-5"]);

      await page.getByLabel("From").fill("2027-01-01");
      await page.getByLabel("Until").fill("2026-01-01");
      await page.getByRole("button", { name: "Show" }).click();
      await page.getByText("Choose two days, the first one first.").waitFor();
      await page.getByLabel("From").fill("2020-01-01");
      await page.getByRole("button", { name: "Show" }).click();
      await page.getByText("Nothing was posted in this period.").waitFor();
      expect(await figuresOf(page)).toMatchObject({ "Opening balance": "$0.00", "Closing balance": "$0.00" });
      // After all entries, also in the future.
      await goTo(page, address(id, { from: "2098-01-01", until: "2099-01-01" }));
      await expect
        .poll(() => figuresOf(page))
        .toMatchObject({ "Opening balance": "$74.00", "Closing balance": "$74.00" });
    });
  });

  test("is saved as a file with exact amounts, whose texts are no formulas", async () => {
    const id = await openWallet();
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, address(id, YEAR));
      const { name, rows } = await download(page);
      expect(name).toMatch(new RegExp(`^statement-${id}-20\\d\\d-\\d\\d-\\d\\d\\.csv$`));
      const { entries } = (await service.call("ListEntries", { account_id: id })) as { entries: Json[] };
      const [heads = [], ...records] = rows;
      const table = records.map((cells) => Object.fromEntries(heads.map((head, index) => [head, cells[index]])));
      expect(table).toMatchObject([
        { Entry: "1", Description: "Deposit", Debit: "", Credit: "100.00", Balance: "100.00", Currency: "USD" },
        { Entry: "2", Description: `'=1+1;"x"`, Debit: "25.50", Credit: "", Balance: "74.50" },
        { Entry: "3", Description: "'-5", Debit: "0.50", Credit: "", Balance: "74.00", "Other account": "6" },
      ]);
      expect(table.map((row) => row["Recorded"])).toEqual(entries.map((entry) => entry["created_at"]));
      await page.getByRole("status").getByText("Saved 3 rows").waitFor();
    });
  });

  test("is saved up to a limit, says so, and can be stopped", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, address("4", YEAR));
      await page.getByText("Closing balance").waitFor();
      let pages = 0;
      let release = () => {};
      const isReleased = new Promise<void>((resolve) => {
        release = resolve;
      });
      await page.route("**/finance.v1.FinanceService/ListEntries", async (route) => {
        if (route.request().method() !== "POST") return await route.continue();
        pages += 1;
        if (pages === 3) await isReleased;
        const response = await route.fetch({ postData: JSON.stringify({ account_id: "4", page_size: 1 }) });
        const { entries } = await response.json();
        const many = { entries: Array.from({ length: 1000 }, () => entries[0]), next_page_token: `page ${pages}` };
        await route.fulfill({ response, json: many });
      });
      await page.getByRole("button", { name: "Download CSV" }).click();
      await page.getByRole("status").getByText("2,000 rows so far…").waitFor();
      await page.getByRole("button", { name: "Stop" }).click();
      await page.getByRole("button", { name: "Download CSV" }).waitFor();
      expect(await page.getByRole("status").getByText("so far").count()).toBe(0);
      release();

      const { rows } = await download(page);
      expect(rows).toHaveLength(50_001);
      await page.getByRole("status").getByText("Saved only the first 50,000 rows: there are more").waitFor();
    });
  });

  test("prints black on white in both themes, with all columns, without what only a screen can do", async () => {
    await service.visit(async (page) => {
      await signIn(page);
      await goTo(page, address("4", YEAR));
      await page.getByText("Closing balance").waitFor();
      // The width of A4 without its margins.
      await page.setViewportSize({ width: 688, height: 1000 });
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ media: "print", colorScheme });
        const look = await page.evaluate(`(() => {
          const styleOf = (selector) => getComputedStyle(document.querySelector(selector));
          const { color, backgroundColor } = styleOf("body");
          return [color, backgroundColor, styleOf("td").color, styleOf("thead").display, styleOf("tbody tr").breakInside];
        })()`);
        expect(look).toEqual(["rgb(0, 0, 0)", "rgb(255, 255, 255)", "rgb(0, 0, 0)", "table-header-group", "avoid"]);
        const heads = await page.locator("thead th").filter({ visible: true }).allInnerTexts();
        expect(heads).toEqual(["Date", "Description", "Debit", "Credit", "Balance"]);
        const gone = page.locator("nav, button, search, .banner, .back, .live").filter({ visible: true });
        expect(await gone.allInnerTexts()).toEqual([]);
      }
      const pdf = await page.pdf({ preferCSSPageSize: true });
      expect(pdf.length).toBeGreaterThan(10_000);
    });
  });
});

test("the results of a journal are saved as CSV", async () => {
  await service.visit(async (page) => {
    await signIn(page);
    await goTo(page, "/journal");
    const line = page.getByRole("group", { name: "Line 1", exact: true });
    for (const [label, text] of [
      ["Debit account", "4"],
      ["Credit account", "6"],
      ["Amount", "12.5"],
      ["Description", "@Pears"],
    ] as const) {
      await line.getByLabel(label).fill(text);
    }
    await page.getByRole("button", { name: "Check the lines" }).click();
    await page.getByRole("button", { name: /^Post \d/ }).click();
    await page.getByText("1 line posted.").waitFor();
    const { name, rows } = await download(page);
    expect(name).toMatch(/^journal-/);
    const [heads = [], cells = []] = rows;
    const row = Object.fromEntries(heads.map((head, index) => [head, cells[index]]));
    expect(row).toMatchObject({
      Line: "1",
      Amount: "12.50",
      Currency: "USD",
      Description: "'@Pears",
      Result: "posted",
    });
    const posted = await service.call("GetTransfer", { id: row["Transfer"] });
    expect(posted).toMatchObject({ description: "@Pears", idempotency_key: row["Idempotency key"] });
  });
});

test("a list is saved as CSV with all its rows, also those that are not on the page yet", async () => {
  const hold = { debit_account_id: "4", credit_account_id: "6", amount: "100", pending: true };
  for (let index = 0; index < 55; index += 1) {
    await service.call("CreateTransfer", { ...hold, description: `=Hold ${index}` });
  }
  const { transfers } = (await service.call("ListTransfers", {
    state: "TRANSFER_STATE_PENDING",
    page_size: 1000,
  })) as { transfers: Json[] };
  await service.visit(async (page) => {
    await signIn(page);
    await goTo(page, "/holds");
    await page.getByRole("link", { name: "=Hold 54" }).waitFor();
    const { name, rows } = await download(page);
    expect(name).toMatch(/^holds-/);
    const [heads = [], ...records] = rows;
    const column = (head: string) => records.map((cells) => cells[heads.indexOf(head)]);
    expect(column("Transfer")).toEqual(transfers.map(({ id }) => id));
    expect(column("Description")).toContain("'=Hold 0");
    expect(new Set(column("State"))).toEqual(new Set(["Held"]));
  });
});
