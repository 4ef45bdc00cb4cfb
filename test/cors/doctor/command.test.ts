/** Runs the built command, dist/cli/doctor.js. */
import { type ExecFileException, execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { startBrokenServer } from "./broken-server.ts";

interface Run {
  readonly status: number;
  readonly output: string;
  readonly errors: string;
}

const page = ["--origin", "http://localhost:5173"];

async function doctor(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Run> {
  const env = { PATH: process.env["PATH"], ...environment };
  return await new Promise((resolve) => {
    execFile(process.execPath, ["dist/cli/doctor.js", ...args], { env }, (error, output, errors) => {
      resolve({ status: statusOf(error), output, errors });
    });
  });
}

function statusOf(error: ExecFileException | null): number {
  return error === null ? 0 : Number(error.code);
}

test("exits with 0 for a server that allows the page and with 1 for one that does not", async () => {
  const headers = ["Access-Control-Allow-Origin: *", "Access-Control-Allow-Headers: authorization, content-type"];
  const server = await startBrokenServer(
    (path) => (path === "/open" ? { reply: { headers } } : undefined),
    (text) => text,
  );
  try {
    const allowed = await doctor([`http://127.0.0.1:${server.port}/open`, ...page]);
    expect(allowed).toMatchObject({ status: 0, errors: "" });
    expect(allowed.output).toContain("ALLOWED");
    const blocked = await doctor([`http://127.0.0.1:${server.port}/`, ...page, "--json"]);
    expect(blocked).toMatchObject({ status: 1, errors: "" });
    expect(JSON.parse(blocked.output)).toMatchObject({ allowed: false, failure: { code: "allow_origin_missing" } });
  } finally {
    await server.close();
  }
});

test("exits with 2 and the usage for bad usage, and with 0 for --help", async () => {
  const bad = await doctor(["http://localhost/", "--verbose"]);
  expect(bad).toMatchObject({ status: 2, output: "" });
  expect(bad.errors).toMatch(/^there is no option --verbose\n\nusage: npm run doctor/);
  expect(await doctor(["--help"])).toMatchObject({ status: 0, output: expect.stringMatching(/^usage:/), errors: "" });
});

test("--from-config checks the environment and calls no server", async () => {
  const environment = { CORS_ALLOWED_ORIGINS: "http://localhost:5173", TWIRP_PREFIX: "/api" };
  const allowed = await doctor(["--from-config", ...page], environment);
  expect(allowed.status).toBe(0);
  expect(allowed.output).toContain("POST http://localhost:9707/api/finance.v1.FinanceService/GetAccount");
  const blocked = await doctor(["--from-config", "--origin", "http://localhost:5174", "--json"], environment);
  expect(blocked.status).toBe(1);
  expect(JSON.parse(blocked.output).notes).toEqual([
    "No server was asked: these are the answers of the policy in this environment.",
    expect.stringContaining("http://localhost:5173, differs by port"),
    "CORS_ALLOWED_ORIGINS is http://localhost:5173 now.",
  ]);
});

test("--from-config repeats the warnings about patterns that cover strangers", async () => {
  const environment = { CORS_ALLOWED_ORIGINS: "https://app-*-team.vercel.app" };
  const run = await doctor(["--from-config", "--origin", "https://app-1-team.vercel.app"], environment);
  expect(run).toMatchObject({ status: 0, errors: "" });
  expect(run.output).toContain(
    "! public_suffix: CORS_ALLOWED_ORIGINS: https://app-*-team.vercel.app: anyone can register app-x-team.vercel.app",
  );
});

test("the documentation shows what the command prints", async () => {
  const document = await readFile(new URL("../../../docs/doctor.md", import.meta.url), "utf8");
  const environment = { CORS_ALLOWED_ORIGINS: "http://localhost:5173" };
  const runs = [
    doctor(["--help"]),
    doctor(["--from-config", "--origin", "http://localhost:5173"], environment),
    doctor(["--from-config", "--origin", "http://localhost:5174"], environment),
  ];
  for (const { output } of await Promise.all(runs)) expect(document).toContain(`\n${output}\`\`\`\n`);
});

test("--from-config reports an environment in which the server would not start", async () => {
  const environment = { CORS_ALLOWED_ORIGINS: "http://localhost:5173/" };
  const text = await doctor(["--from-config", ...page], environment);
  expect(text).toMatchObject({ status: 1, output: "" });
  expect(text.errors).toContain("CORS_ALLOWED_ORIGINS: http://localhost:5173/");
  const json = await doctor(["--from-config", ...page, "--json"], environment);
  expect(json).toMatchObject({ status: 1, errors: "" });
  expect(JSON.parse(json.output)).toEqual({ version: 1, allowed: false, mistakes: [expect.any(String)] });
});
