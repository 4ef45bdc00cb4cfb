/** What the console shows beyond tables: raw JSON, code and texts to copy. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFinanceClient, toJson } from "../../packages/client/src/index.ts";
import { goTo, signIn, startTestConsole, type TestConsole } from "../setup/console.ts";

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
