/** The package, packed and installed into an empty project, is type-checked and runs there. */
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, inject, test } from "vitest";

const run = promisify(execFile);

/** The files that packing needs; it must work without the others. */
const SOURCES = [
  "LICENSE",
  "README.md",
  "docs",
  "generated",
  "migrations",
  "package.json",
  "packages",
  "proto",
  "src",
  "tsconfig.generated.json",
  "tsconfig.json",
  "tsconfig.package.json",
  "web",
];

/** A page: no Node types, and every declaration that the client brings is checked. */
const PAGE = `
import {
  type Account,
  AccountType,
  createClient,
  createFinanceClient,
  FinanceError,
  type FinanceErrorCode,
  formatMoney,
  getAccount,
} from "finance-service/client";

const finance = createFinanceClient({ baseUrl: "http://127.0.0.1:1", token: async () => "t", maxRetries: 0 });
const small = createClient({ getAccount }, { baseUrl: "http://127.0.0.1:1" });
const balanceOf = async (id: bigint): Promise<bigint> => (await finance.getAccount({ id })).balance;
// @ts-expect-error an account must be named
export const noRequest = () => finance.listEntries();
export const everything = async () => [await finance.listTransfers(), await finance.getTrialBalance()];
export const shown = async () => (await finance.listTransfers()).transfers.map((t) => formatMoney(t.amount, t));
export const read: (request: { id: bigint }) => Promise<Account> = small.getAccount;
// @ts-expect-error an id is a bigint
export const wrongType = () => finance.getAccount({ id: "4" });
// @ts-expect-error there is no such field
export const wrongField = () => finance.getAccount({ number: 4n });
// @ts-expect-error only what was named is there
export const wrongMethod = () => small.createTransfer({});
// Types that are not found become any, and any would pass every check above.
type IsAny<T> = 0 extends 1 & T ? true : false;
export const found: [IsAny<Account>, IsAny<typeof finance.getAccount>, IsAny<AccountType>] = [false, false, false];

const failure: unknown = await balanceOf(4n).catch((error: unknown) => error);
if (!(failure instanceof FinanceError)) throw new Error("it did not fail as it should", { cause: failure });
const code: FinanceErrorCode = failure.code;
console.log(
  JSON.stringify({
    code,
    reason: failure.reason,
    money: formatMoney(1250n, { currency: "USD", minorUnitDigits: 2 }, { locale: "en-US" }),
    asset: AccountType.ACCOUNT_TYPE_ASSET,
  }),
);
`;

/** A server. The declarations of its dependency twirp-ts do not pass a strict compiler. */
const SERVER = `
import Fastify from "fastify";
import { TwirpError, TwirpErrorCode } from "twirp-ts";
import { compile, cors, type CorsConfig } from "finance-service/cors";
import { twirp, type TwirpOptions } from "finance-service/twirp";

type IsAny<T> = 0 extends 1 & T ? true : false;
export const found: [IsAny<CorsConfig>, IsAny<TwirpOptions>, IsAny<typeof twirp>] = [false, false, false];

const config: CorsConfig = {
  allowedOrigins: ["https://app.example.com"],
  allowedMethods: ["POST"],
  allowedHeaders: ["authorization", "content-type"],
};
const options: TwirpOptions = { services: [], mapError: () => new TwirpError(TwirpErrorCode.Internal, "x") };
const app = Fastify().register(twirp, options);
const refused = await app.ready().then(() => "nothing", String);
console.log(JSON.stringify({ refused, cors: [compile(config).ok, typeof cors] }));
`;

let project: string;
let packed: readonly string[];

beforeAll(async () => {
  const root = process.cwd();
  const source = join(inject("scratch"), "package");
  project = join(inject("scratch"), "consumer");
  await mkdir(source);
  await mkdir(project);
  for (const name of SOURCES) await cp(join(root, name), join(source, name), { recursive: true });
  await symlink(join(root, "node_modules"), join(source, "node_modules"));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", project], { cwd: source });
  const [tarball]: { filename: string; files: { path: string }[] }[] = JSON.parse(stdout.slice(stdout.indexOf("[")));
  packed = tarball?.files.map(({ path }) => path) ?? [];
  await writeFile(join(project, "package.json"), '{ "name": "consumer", "private": true, "type": "module" }');
  // The embedded PostgreSQL is optional and not needed here.
  const install = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--omit=optional", "--ignore-scripts"];
  const nodeTypes = "@types/node@20.19.43";
  await run("npm", [...install, join(project, tarball?.filename ?? ""), nodeTypes], { cwd: project });
  await writeFile(join(project, "page.ts"), PAGE);
  await writeFile(join(project, "server.ts"), SERVER);
}, 300_000);

test("it contains code and documentation, but neither sources nor tests", async () => {
  const roots = new Set(packed.map((path) => path.split("/")[0]));
  expect([...roots].sort()).toEqual(["LICENSE", "README.md", "dist", "docs", "migrations", "package.json", "proto"]);
  expect(packed).toEqual(
    expect.arrayContaining(["dist/main.js", "dist/cli/migrate.js", "dist/web/index.html", "dist/client/index.js"]),
  );
});

test("the client's file has no Node code and imports only axios, and that on demand", async () => {
  const text = await readFile(join(project, "node_modules/finance-service/dist/client/index.js"), "utf8");
  expect(text.match(/^import .*/gm)).toBeNull();
  expect(text.match(/\bimport\(.*?\)/g)).toEqual(['import("axios")']);
  expect(text).not.toMatch(/\b(Buffer|process|require)\b\s*[.(]/);
});

const page = { file: "page", types: [], lib: ["es2023", "dom", "dom.iterable"], skipLibCheck: false };
const server = { file: "server", types: ["node"], lib: ["es2023"], skipLibCheck: true };

test.each([
  { ...page, moduleResolution: "bundler", module: "esnext" },
  { ...page, moduleResolution: "nodenext", module: "nodenext" },
  { ...server, moduleResolution: "bundler", module: "esnext" },
  { ...server, moduleResolution: "nodenext", module: "nodenext" },
])("under moduleResolution $moduleResolution a $file finds its types, and runs", async ({ file, ...settings }) => {
  const outDir = `${file}-${settings.moduleResolution}`;
  const strict = { strict: true, exactOptionalPropertyTypes: true, verbatimModuleSyntax: true, target: "es2022" };
  const path = join(project, `tsconfig.${outDir}.json`);
  await writeFile(path, JSON.stringify({ compilerOptions: { ...settings, ...strict, outDir }, files: [`${file}.ts`] }));
  const tsc = join(process.cwd(), "node_modules/.bin/tsc");
  const { stdout: mistakes } = await run(tsc, ["-p", path], { cwd: project }).catch((error) => error);
  expect(mistakes).toBe("");
  const { stdout } = await run(process.execPath, [join(project, outDir, `${file}.js`)], { cwd: project });
  expect(JSON.parse(stdout)).toEqual(
    file === "page"
      ? { code: "unavailable", reason: "network", money: "$12.50", asset: 1 }
      : { refused: "Error: twirp: services is empty", cors: [true, "function"] },
  );
});

test("the server's command runs from it", async () => {
  const program = join(project, "node_modules/finance-service/dist/main.js");
  const env = { PATH: process.env["PATH"], NODE_ENV: "production" };
  const { code, stderr } = await run(process.execPath, [program], { cwd: project, env }).catch((error) => error);
  expect(code).toBe(1);
  expect(stderr).toContain("DATABASE_URL");
});
