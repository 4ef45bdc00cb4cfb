/** @finance-service/cors in a stranger's project: the plugin on a bare Fastify, and the doctor as npx runs it. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { freePort } from "../setup/process.ts";
import { type Installed, importsOf, readmeBlock, type Stranger, startStranger } from "./stranger.ts";

const run = promisify(execFile);

// npm may have to fetch packages.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let stranger: Stranger;
let alone: Installed[];
let url: string;
let server: ReturnType<typeof spawn>;

beforeAll(async () => {
  stranger = await startStranger("cors");
  alone = await stranger.installed();
  await stranger.install("fastify@5", "@types/node@20.19.43");
  const port = await freePort();
  const text = await readmeBlock("cors", "server.mjs");
  await stranger.write({ "server.mjs": text.replace("8080", `${port}`) });
  server = spawn(process.execPath, ["server.mjs"], { cwd: stranger.folder, stdio: "ignore" });
  url = `http://127.0.0.1:${port}/greet`;
  await vi.waitFor(() => fetch(url), 20_000);
});
afterAll(async () => {
  if (server?.kill()) await once(server, "close");
});

test("it brings at most 10 packages, none with an install script, and no Fastify", () => {
  expect(alone.length).toBeLessThanOrEqual(10);
  expect(alone.filter(({ name, hasInstallScript }) => hasInstallScript || name === "fastify")).toEqual([]);
});

test("the tarball has code, types, the action and the schema, and nothing else", () => {
  const others = stranger.packed.filter((path) => !/^dist\/[\w-]+\.d\.ts$/.test(path) && !/^dist\/chunk-/.test(path));
  expect(others).toEqual([
    ...["LICENSE", "README.md", "action.yml", "dist/cli.js", "dist/doctor.html", "dist/index.js"],
    ...["expectations.schema.json", "package.json"],
  ]);
});

test("package.json lists exactly the packages that the code and the types import", async () => {
  const { dependencies, peerDependencies } = stranger.manifest;
  expect(await importsOf(stranger)).toEqual(Object.keys({ ...dependencies, ...peerDependencies }).sort());
});

test.each([
  { moduleResolution: "bundler", module: "esnext" },
  { moduleResolution: "nodenext", module: "nodenext" },
])("its types are found under $moduleResolution", async (settings) => {
  await stranger.write({
    "types.ts": `
import { compile, cors, type CorsConfig, readCorsPolicy } from "@finance-service/cors";
import Fastify from "fastify";

const config: CorsConfig = { allowedOrigins: ["https://app.example.com"], maxAge: "disable" };
const compiled = compile(config);
if (compiled.ok) await Fastify().register(cors, { policy: compiled.policy, onRefusal: ({ reason }) => console.log(reason) });
// @ts-expect-error a policy is required
await Fastify().register(cors, {});
const read = readCorsPolicy(process.env);
export const mistakes: readonly string[] = read.ok ? [] : read.mistakes;
`,
  });
  expect(await stranger.typeCheck("types.ts", { types: ["node"], lib: ["es2023"], ...settings })).toBe("");
});

test("the README's server answers preflights of listed origins and refuses others", async () => {
  const preflight = (origin: string) =>
    fetch(url, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
      },
    });
  const allowed = await preflight("https://app.example.com");
  expect([allowed.status, allowed.headers.get("access-control-allow-origin")]).toEqual([
    204,
    "https://app.example.com",
  ]);
  const refused = await preflight("https://evil.example");
  expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([403, null]);
  const reply = await fetch(url, { method: "POST", headers: { origin: "http://localhost:5173" } });
  expect(await reply.json()).toEqual({ text: "Hello" });
  expect(reply.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
});

describe("cors-doctor by npx", () => {
  const environment = { PATH: process.env["PATH"], HOME: process.env["HOME"], npm_config_prefer_offline: "true" };

  async function npx(command: string, variables: Record<string, string> = {}) {
    return await new Promise<{ status: number; output: string; errors: string }>((resolve) => {
      const args = ["--yes", `--package=${stranger.tarball}`, "-c", command];
      const options = { cwd: join(stranger.tarball, ".."), env: { ...environment, ...variables } };
      execFile("npx", args, options, (error, output, errors) => {
        resolve({ status: error === null ? 0 : Number(error.code), output, errors });
      });
    });
  }

  afterAll(async () => {
    const { output } = await npx("command -v cors-doctor");
    const place = output.trim().match(/^.*[/\\]_npx[/\\][^/\\]+/)?.[0];
    if (place !== undefined) await rm(place, { recursive: true });
  });

  test("speaks of cors-doctor in its help", async () => {
    const { status, output } = await npx("cors-doctor --help");
    expect([status, output]).toEqual([0, expect.stringMatching(/^usage: cors-doctor URL --origin ORIGIN/)]);
    expect(output).not.toContain("npm run");
  });

  test("exits with 0 if the page gets in, 1 if not, 2 for bad usage", async () => {
    const allowed = await npx(`cors-doctor ${url} --origin https://app.example.com`);
    expect(allowed).toMatchObject({ status: 0, errors: "" });
    const refused = await npx(`cors-doctor ${url} --origin https://evil.example --json`);
    expect(refused.status).toBe(1);
    expect(JSON.parse(refused.output)).toMatchObject({ allowed: false, failure: { stage: "preflight" } });
    expect(await npx("cors-doctor --verbose")).toMatchObject({
      status: 2,
      errors: expect.stringMatching(/^there is no option --verbose\n\nusage: cors-doctor/),
    });
  });

  test("reads the policy of --from-config from the environment", async () => {
    const check = "cors-doctor --from-config --origin https://app.example.com";
    const allowed = await npx(check, { CORS_ALLOWED_ORIGINS: "https://app.example.com" });
    expect([allowed.status, allowed.output]).toEqual([0, expect.stringContaining("No server was asked")]);
    expect(await npx(check, { CORS_ALLOWED_ORIGINS: "https://other.example.com" })).toMatchObject({ status: 1 });
    const mistaken = await npx(check, { CORS_ALLOWED_ORIGINS: "https://app.example.com/", CORS_MAXAGE: "1" });
    expect(mistaken.status).toBe(1);
    expect(mistaken.errors.trim().split("\n")).toEqual([
      "The environment has 2 mistakes:",
      "  CORS_MAXAGE: there is no such variable; did you mean CORS_MAX_AGE?",
      "  CORS_ALLOWED_ORIGINS: https://app.example.com/: drop the trailing slash: https://app.example.com",
    ]);
  });
});

test("Node runs the doctor's file", async () => {
  const bin = join(stranger.folder, "node_modules/.bin/cors-doctor");
  expect((await run(bin, ["--help"])).stdout).toContain("usage: cors-doctor");
});

describe("the GitHub Action", () => {
  interface Action {
    readonly inputs: Readonly<Record<string, { readonly default: string }>>;
    readonly runs: {
      readonly steps: readonly { readonly run: string; readonly env: Readonly<Record<string, string>> }[];
    };
  }

  let action: Action;
  beforeAll(async () => {
    action = parse(await readFile(join(stranger.folder, "node_modules/@finance-service/cors/action.yml"), "utf8"));
  });

  /** Runs the step as a runner does: inputs become variables, and files take the outputs. */
  async function runStep(given: Readonly<Record<string, string>>) {
    const inputs = {
      ...Object.fromEntries(Object.entries(action.inputs).map(([name, input]) => [name, input.default])),
      ...given,
    };
    const [step] = action.runs.steps;
    if (step === undefined) throw new Error("the action has no step");
    const variables = Object.entries(step.env).map(([name, expression]) => {
      const [, input = ""] = /^\$\{\{ inputs\.([\w-]+) \}\}$/.exec(expression) ?? [];
      return [name, inputs[input] ?? `not an input: ${expression}`] as const;
    });
    const files = {
      GITHUB_OUTPUT: join(stranger.folder, "output"),
      GITHUB_STEP_SUMMARY: join(stranger.folder, "summary"),
    };
    for (const file of Object.values(files)) await writeFile(file, "");
    const { PATH = "", HOME = "" } = process.env;
    const env = {
      PATH,
      HOME,
      RUNNER_TEMP: stranger.folder,
      npm_config_prefer_offline: "true",
      ...files,
      ...Object.fromEntries(variables),
    };
    const script = join(stranger.folder, "step.sh");
    await writeFile(script, step.run);
    const ended = await run("bash", ["--noprofile", "--norc", "-e", "-o", "pipefail", script], {
      cwd: stranger.folder,
      env,
    }).then(
      ({ stdout }) => ({ status: 0, stdout }),
      ({ code, stdout }: { code: number; stdout: string }) => ({ status: code, stdout }),
    );
    const summary = await readFile(files.GITHUB_STEP_SUMMARY, "utf8");
    return { ...ended, summary, output: await readFile(files.GITHUB_OUTPUT, "utf8") };
  }

  test("runs this version of the package, and puts no input into its script", () => {
    expect(action.inputs["package"]?.default).toBe(`${stranger.manifest.name}@${stranger.manifest.version}`);
    for (const step of action.runs.steps) expect(step.run).not.toContain("${{");
  });

  test("compares a server with an expectations file", async () => {
    const call = { method: "POST", headers: ["content-type"] };
    await stranger.write({
      "cors.json": JSON.stringify({
        cases: [
          { ...call, origin: "https://app.example.com", expect: "allowed" },
          { ...call, origin: "https://evil.example", expect: "refused" },
        ],
      }),
      "wrong.json": JSON.stringify({ cases: [{ ...call, origin: "https://evil.example", expect: "allowed" }] }),
    });
    const inputs = { url, package: stranger.tarball, junit: "cors.xml" };
    const right = await runStep({ ...inputs, expectations: "cors.json" });
    expect(right).toMatchObject({ status: 0, stdout: expect.stringContaining("2 of 2 cases are as expected") });
    expect(right.summary).toContain("2 of 2 cases");
    const report = await readFile(/^report=(.*)$/m.exec(right.output)?.[1] ?? "", "utf8");
    const [, token = ""] = /^::stop-commands::([\da-f]{32})\n/.exec(right.stdout) ?? [];
    expect(right.stdout, "the runner takes no command from the report").toBe(
      `::stop-commands::${token}\n${report}::${token}::\n`,
    );
    expect(await readFile(join(stranger.folder, "cors.xml"), "utf8")).toContain('tests="2" failures="0"');
    const wrong = await runStep({ ...inputs, expectations: "wrong.json" });
    expect(wrong).toMatchObject({ status: 1, stdout: expect.stringContaining("expected allowed, but it is refused") });
  });

  test("checks one call, and runs nothing that an input holds", async () => {
    const call = {
      url,
      package: stranger.tarball,
      method: "PUT",
      headers: "content-type: application/json\r\nauthorization\n",
    };
    const allowed = await runStep({ ...call, origin: "https://app.example.com", "preflight-only": "true" });
    expect(allowed).toMatchObject({ status: 0, stdout: expect.stringContaining("ALLOWED") });
    expect(allowed.stdout).toContain("access-control-request-headers: authorization,content-type");
    const hostile = '"; touch hacked; $(touch hacked) `touch hacked` #';
    for (const name of ["origin", "method", "headers", "url"]) {
      expect((await runStep({ ...call, origin: "https://app.example.com", [name]: hostile })).status).toBe(2);
    }
    await expect(readFile(join(stranger.folder, "hacked"))).rejects.toThrow("ENOENT");
    const page = { ...call, origin: "https://app.example.com" };
    // Otherwise a call that changes something would be sent, and a report would be missing.
    expect(await runStep({ ...page, "preflight-only": "True" })).toMatchObject({
      status: 2,
      stdout: "preflight-only must be true or false\n",
    });
    expect(await runStep({ ...page, junit: "cors.xml" })).toMatchObject({
      status: 2,
      stdout: expect.stringContaining("--junit needs --har or --expect"),
    });
  });
});
