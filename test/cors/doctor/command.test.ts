/** Runs the built command, dist/cli/doctor.js. */
import { type ExecFileException, execFile, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startBrokenServer } from "./broken-server.ts";

interface Run {
  readonly status: number;
  readonly output: string;
  readonly errors: string;
}

const program = "dist/cli/doctor.js";
const page = ["--origin", "http://localhost:5173"];

async function doctor(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input?: object,
): Promise<Run> {
  const env = { PATH: process.env["PATH"], ...environment };
  return await new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...args], { env }, (error, output, errors) => {
      resolve({ status: statusOf(error), output, errors });
    });
    child.stdin?.end(input === undefined ? "" : JSON.stringify(input));
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

describe("files", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(inject("scratch"), "doctor-"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const write = async (name: string, content: unknown): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
    return path;
  };

  const entry = (url: string, answered: object[], body = "") => ({
    startedDateTime: "2026-01-31T12:00:00.000Z",
    request: { method: "GET", url, headers: [{ name: "origin", value: "http://localhost:5173" }] },
    response: { status: 200, headers: answered, content: { text: body }, _error: null },
  });
  const har = (...entries: object[]) => ({ log: { creator: { name: "Firefox", version: "1" }, entries } });
  const any = [{ name: "access-control-allow-origin", value: "*" }];

  test("--har exits with 1 if a call is blocked, and explains each failure once", async () => {
    const good = await write("good.har", har(entry("http://a.test/", any, "x")));
    expect(await doctor(["--har", good])).toMatchObject({
      status: 0,
      output: expect.stringContaining("1 allowed, 0 blocked"),
    });
    const bad = await write("bad.har", har(entry("http://a.test/1", []), entry("http://a.test/2", [])));
    const report = join(folder, "har.xml");
    const { status, output } = await doctor(["--har", bad, "--junit", report, "--framework", "nginx"]);
    expect(status).toBe(1);
    expect(output.match(/How to fix it/g)).toHaveLength(1);
    expect(output).toContain("Failure 1: GET http://a.test/1 and 1 other call\n");
    expect(await readFile(report, "utf8")).toContain('tests="2" failures="2"');
    const json = JSON.parse((await doctor(["--har", bad, "--json"])).output);
    expect(json).toMatchObject({
      calls: [{ failure: 0 }, { failure: 0 }],
      failures: [{ code: "allow_origin_missing" }],
    });
  });

  test("the value - reads a file from standard input", async () => {
    const recording = har(entry("http://a.test/", any));
    expect(await doctor(["--har", "-"], {}, recording)).toMatchObject({
      status: 0,
      output: expect.stringContaining("1 allowed"),
    });
    const file = { cases: [{ origin: "http://localhost:5173", expect: "allowed" }] };
    const environment = { CORS_ALLOWED_ORIGINS: "http://localhost:5173" };
    expect(await doctor(["--expect", "-", "--from-config"], environment, file)).toMatchObject({ status: 0 });
  });

  test("--har skips bodies while it reads, however long they are", async () => {
    const body = String.raw`{\"a\":\"é"`.repeat(2_000_000);
    const path = await write(
      "long.har",
      har(entry("http://a.test/", any, body), entry(`data:image/png;base64,${"a".repeat(100_000)}`, [])),
    );
    expect(await doctor(["--har", path])).toMatchObject({ status: 0, output: expect.stringContaining("1 allowed") });
  });

  test("a file that is missing or malformed is an error in one line, without the usage", async () => {
    const missing = await doctor(["--har", join(folder, "none.har")]);
    expect(missing).toMatchObject({ status: 2, output: "", errors: expect.stringMatching(/^--har .*: ENOENT.*\n$/) });
    const path = await write("page.html", "<html>");
    expect((await doctor(["--har", path])).errors).toMatch(/^--har .*:\nThis is not JSON, and a HAR is JSON: .*\n$/);
    const expectations = await write("bad.json", { cases: [{ origin: 1 }] });
    const { status, errors } = await doctor(["--expect", expectations]);
    expect(status).toBe(2);
    expect(errors).toContain("\ncases[0].expect must be");
  });

  test("what is quoted from a file or a pasted command cannot drive a terminal", async () => {
    const path = await write("escapes.har", "\x1b[31m\u009b31m");
    const { errors } = await doctor(["--har", path]);
    expect(errors).toContain(String.raw`\x1b[31m\x9b31m`);
    const pasted = await doctor(["--curl", "curl http://a.test \x1b[31m\u202e"]);
    expect(pasted.errors).toContain(String.raw`leave out \x1b[31m\u202e`);
  });

  test("--expect compares a server with a file, and exits with 1 if it differs", async () => {
    const allow = "Access-Control-Allow-Origin: http://localhost:5173";
    const server = await startBrokenServer(
      () => ({ reply: { headers: [allow] } }),
      (text) => text,
    );
    try {
      const url = `http://127.0.0.1:${server.port}/`;
      const cases = [
        { origin: "http://localhost:5173", method: "GET", headers: [], expect: "allowed" },
        { origin: ["http://localhost:5174", "null"], method: "GET", headers: [], expect: "refused" },
      ];
      const right = await write("right.json", { url, cases });
      expect(await doctor(["--expect", right])).toMatchObject({
        status: 0,
        output: expect.stringContaining("3 of 3 cases"),
      });
      const changed = cases.map((each) => ({ ...each, expect: "allowed" }));
      const wrong = await write("wrong.json", { cases: changed });
      const report = join(folder, "expect.xml");
      const { status, output } = await doctor(["--expect", wrong, url, "--junit", report]);
      expect(status).toBe(1);
      expect(output).toContain("cases[1]: expected allowed, but it is refused: origin_not_allowed");
      expect(await readFile(report, "utf8")).toContain('tests="3" failures="2"');
    } finally {
      await server.close();
    }
  });

  test("--expect --from-config checks the policy in the environment", async () => {
    const path = await write("policy.json", {
      cases: [
        { origin: "http://localhost:5173", expect: "allowed", readable: ["x-request-id"], maxAge: 86400 },
        { origin: "http://localhost:5174", expect: "refused" },
      ],
    });
    const environment = { CORS_ALLOWED_ORIGINS: "http://localhost:5173" };
    const { status, output } = await doctor(["--expect", path, "--from-config"], environment);
    expect(output).toContain("expected that the page reads x-request-id, but the reply does not have it");
    expect(status).toBe(1);
  });
});

test("--explain asks nobody, and exits with 1 for a text that it does not know", async () => {
  const line = "(Reason: CORS header ‘Access-Control-Allow-Origin’ missing).";
  const known = await doctor(["--explain", line]);
  expect(known).toMatchObject({ status: 0, output: expect.stringContaining("allow_origin_missing") });
  expect(JSON.parse((await doctor(["--explain", line, "--json"])).output)).toMatchObject({
    messages: [{ browser: "firefox" }],
  });
  const escapes =
    "Access to fetch at 'https://a.test/\x1b[2J' from origin 'https://b.test' has been blocked by CORS policy: x";
  expect((await doctor(["--explain", escapes])).output).not.toContain("\x1b");
  expect(await doctor(["--explain", "hello"])).toMatchObject({
    status: 1,
    output: expect.stringContaining("known forms"),
  });
});

test.skipIf(!existsSync("/dev/full"))("a report that cannot be written is an error", async () => {
  const full = await open("/dev/full", "w");
  try {
    const options = { stdio: ["ignore", full.fd, "ignore"] satisfies StdioOptions };
    const [status] = await once(spawn(process.execPath, [program, "--explain", "net::ERR_FAILED"], options), "close");
    expect(status).toBe(2);
  } finally {
    await full.close();
  }
});
