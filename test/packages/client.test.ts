/** @finance-service/client in a stranger's project: types, Node, and a page that Vite built. */
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { chromiumLack, launchChromium } from "../setup/chromium.ts";
import { openFunded } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";
import { importsOf, installedBytes, type Stranger, startStranger } from "./stranger.ts";

const run = promisify(execFile);

const TYPES = `
import { type Account, AccountType, createClient, createFinanceClient, FinanceError, getAccount } from "@finance-service/client";

const finance = createFinanceClient({ baseUrl: "http://127.0.0.1:1", token: async () => "t" });
const small = createClient({ getAccount }, { baseUrl: "http://127.0.0.1:1" });
export const balanceOf = async (id: bigint): Promise<bigint> => (await finance.getAccount({ id })).balance;
export const read: (request: { id: bigint }) => Promise<Account> = small.getAccount;
// @ts-expect-error an id is a bigint
export const wrongType = () => finance.getAccount({ id: "4" });
export const codeOf = (error: unknown) => (error instanceof FinanceError ? error.code : undefined);
// Types that were not found would be any, and any is anything.
type IsAny<T> = 0 extends 1 & T ? true : false;
export const found: [IsAny<Account>, IsAny<typeof finance.getAccount>, IsAny<AccountType>] = [false, false, false];
`;

/** The same lines after an import and after a require. */
const CALLS = `
const { API, TOKEN, ID } = process.env;
const finance = createFinanceClient({ baseUrl: API, token: TOKEN });
const print = (value) => console.log(JSON.stringify(value));
(async () => {
  print(String((await finance.getAccount({ id: BigInt(ID) })).balance));
  const error = await finance.getAccount({ id: 1n << 60n }).catch((failure) => failure);
  print([error instanceof FinanceError, error.code]);
})();
`;

const PAGE_SCRIPT = `
import { createClient, FinanceError, getAccount } from "@finance-service/client";

const { api, token, id } = Object.fromEntries(new URLSearchParams(location.search));
const finance = createClient({ getAccount }, { baseUrl: api, token, maxRetries: 0 });
const text = await finance.getAccount({ id: BigInt(id) }).then(
  (account) => \`balance \${account.balance}\`,
  (error) => (error instanceof FinanceError ? \`reason \${error.reason}\` : "unknown"),
);
document.body.append(Object.assign(document.createElement("output"), { textContent: text }));
`;

// npm may have to fetch packages.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let stranger: Stranger;
let service: TestService;
let environment: Record<string, string>;

beforeAll(async () => {
  [stranger, service] = await Promise.all([startStranger("client"), startTestService()]);
  const id = await openFunded(service, "alice", 1234);
  environment = { API: service.url, TOKEN: await service.token("alice"), ID: id };
});
afterAll(() => service?.close());

test("it brings nothing else: no package, no native code, no install script, less than 5 MB", async () => {
  expect(await stranger.installed()).toEqual([{ name: "@finance-service/client", hasInstallScript: false }]);
  expect(await installedBytes(stranger)).toBeLessThan(5_000_000);
});

test("the tarball has code and types for both kinds of modules, and nothing else", async () => {
  const kinds = new Set(stranger.packed.map((path) => path.replace(/[^/]+\.d\.ts$/, "*.d.ts")));
  const types = ["packages/client/src", "packages/twirp/src", "generated/client", "generated/client/finance/v1"];
  expect([...kinds].sort()).toEqual(
    [
      ...["LICENSE", "README.md", "package.json"],
      ...["dist/index.js", "dist/cjs/index.js", "dist/cjs/package.json"],
      ...["dist/types", "dist/cjs/types"].flatMap((folder) => types.map((path) => `${folder}/${path}/*.d.ts`)),
    ].sort(),
  );
});

test("package.json lists the packages that the code imports: axios, which is optional", async () => {
  expect(await importsOf(stranger)).toEqual(["axios"]);
  expect(stranger.manifest.dependencies).toBeUndefined();
  expect(Object.keys(stranger.manifest.peerDependencies ?? {})).toEqual(["axios"]);
});

test.each([
  ["page.ts", { moduleResolution: "bundler", module: "esnext" }],
  ["page.ts", { moduleResolution: "node16", module: "node16" }],
  ["page.ts", { moduleResolution: "nodenext", module: "nodenext" }],
  ["page.cts", { moduleResolution: "node16", module: "node16" }],
  ["page.cts", { moduleResolution: "nodenext", module: "nodenext" }],
])("%s finds its types under %j", async (file, settings) => {
  await stranger.write({ [file]: TYPES });
  const page = { types: [], lib: ["es2023", "dom", "dom.iterable"] };
  // TypeScript writes imports of a CommonJS file as calls of require.
  const verbatim = file.endsWith(".cts") ? { verbatimModuleSyntax: false } : {};
  expect(await stranger.typeCheck(file, { ...page, ...settings, ...verbatim })).toBe("");
});

test.each([
  ["an import", "calls.mjs", 'import { createFinanceClient, FinanceError } from "@finance-service/client";'],
  ["require", "calls.cjs", 'const { createFinanceClient, FinanceError } = require("@finance-service/client");'],
])("Node calls the service after %s", async (_, file, head) => {
  await stranger.write({ [file]: `${head}\n${CALLS}` });
  const { stdout } = await run(process.execPath, [file], { cwd: stranger.folder, env: environment });
  expect(stdout.trim().split("\n")).toEqual(['"1234"', '[true,"not_found"]']);
});

const lack = process.env["CI"] ? undefined : await chromiumLack();

test.skipIf(lack !== undefined)("a page that Vite built calls the service", async () => {
  const html = '<!doctype html><body><script type="module" src="./main.js"></script></body>';
  await stranger.write({ "page/index.html": html, "page/main.js": PAGE_SCRIPT });
  const vite = join(process.cwd(), "node_modules/.bin/vite");
  await run(vite, ["build", "page", "--target", "es2022", "--logLevel", "warn"], { cwd: stranger.folder });
  const assets = join(stranger.folder, "page/dist/assets");
  const [script = ""] = await readdir(assets);
  const pages = createServer(async (request, response) => {
    const isScript = request.url?.endsWith(script);
    const path = isScript ? join(assets, script) : join(stranger.folder, "page/dist/index.html");
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html").end(await readFile(path));
  });
  await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const see = async (host: string) => {
      const query = new URLSearchParams({
        api: service.url,
        token: environment["TOKEN"] ?? "",
        id: environment["ID"] ?? "",
      });
      await page.goto(`http://${host}:${(pages.address() as AddressInfo).port}/?${query}`);
      return await page.locator("output").innerText();
    };
    expect(await see("localhost")).toBe("balance 1234");
    expect(await see("127.0.0.1")).toBe("reason cors_or_network");
  } finally {
    await browser.close();
    pages.closeAllConnections();
    pages.close();
  }
});
