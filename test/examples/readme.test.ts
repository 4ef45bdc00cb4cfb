/** The README's samples run against the service, and its table is made from the code. */
import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { variablesTable } from "../../src/config/variables.ts";
import { startTestService, type TestService } from "../setup/service.ts";
import { runCommands } from "./project.ts";

const SECRET = "a secret for tests, 32 bytes or more";

const readme = await readFile("README.md", "utf8");
const callIt = readme.slice(readme.indexOf("## Call it"), readme.indexOf("## The call that failed"));
const samples = new Map([...callIt.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, language, code]) => [language, code]));

// Inside the project, so that packages are found.
const directory = join(process.cwd(), "dist/readme");
let service: TestService;
let token: string;

beforeAll(async () => {
  service = await startTestService({ AUTH_JWT_SECRET: SECRET });
  token = await service.token("alice");
  for (let id = 1; id <= 6; id += 1) {
    const account = { name: `Account ${id}`, type: "ACCOUNT_TYPE_LIABILITY", currency: "USD", owner: "alice" };
    await service.call("CreateAccount", { ...account, unlimited_overdraft: id === 1 });
  }
  await service.call("CreateTransfer", { debit_account_id: 1, credit_account_id: 4, amount: 5000 });
  await mkdir(directory, { recursive: true });
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  await service.close();
});

/** Runs a sample as a module of its own, with the client's sources. @returns what it printed. */
async function run(language: string): Promise<string> {
  const code = `const token = ${JSON.stringify(token)};\n${samples.get(language)}`;
  const file = join(directory, `sample.${language}`);
  await writeFile(file, code.replaceAll("http://localhost:9707", service.url));
  const env = { ...process.env, LANG: "en_US.UTF-8" };
  return (await promisify(execFile)("node_modules/.bin/tsx", [file], { env })).stdout;
}

test("the page's calls read an account and move money", async () => {
  expect(await run("js")).toBe("Account 4 5000 USD\n");
  expect((await service.call("GetAccount", { id: 4 })).body.balance).toBe("3750");
});

test("the typed client moves money", async () => {
  expect(await run("ts")).toBe("$12.50\n");
});

test("the shell's call reads an account", async () => {
  const commands = `${samples.get("sh")}`
    .replace("npm run --silent token --", "node dist/cli/token.js")
    .replace("curl", "curl -s")
    .replace("http://localhost:9707", service.url);
  const shell = runCommands(commands, { env: { AUTH_JWT_SECRET: SECRET } });
  expect(await shell.ended).toBe(0);
  expect(JSON.parse(shell.output())).toMatchObject({ id: "4", name: "Account 4" });
});

test("the table is the one that the variables make", () => {
  const table = readme.slice(readme.indexOf("| variable | default |"));
  expect(table.slice(0, table.indexOf("\n\n"))).toBe(variablesTable());
});
