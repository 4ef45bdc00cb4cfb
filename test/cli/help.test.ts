/** Runs every command for its help and with bad usage. `npm run build` puts some into dist; the others are bundled here. */
import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";

const built = ["main", "cli/console", "cli/doctor", "cli/migrate", "cli/token", "cli/verify"];
const forDevelopers = ["bench/run", "test/browser/screenshots", "test/conformance/run", "test/faults/run"];
/** Inside the repository, so that packages are found. */
const bundles = join("node_modules/.cache/help-test", inject("scratch").replaceAll("/", "-"));

beforeAll(async () => {
  await build({
    entryPoints: forDevelopers.map((path) => `${path}.ts`),
    outdir: bundles,
    outbase: ".",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "error",
  });
});

afterAll(() => rm(bundles, { recursive: true, force: true }));

interface Run {
  readonly status: number;
  readonly output: string;
  readonly errors: string;
}

async function run(file: string, ...args: string[]): Promise<Run> {
  const env = { PATH: process.env["PATH"] };
  return await new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], { env }, (error, output, errors) => {
      resolve({ status: error === null ? 0 : Number(error.code), output, errors });
    });
  });
}

describe.each([
  ...built.map((path) => [path, `dist/${path}.js`]),
  ...forDevelopers.map((path) => [path, join(bundles, `${path}.mjs`)]),
])("%s", (_, file) => {
  test("only prints its help", async () => {
    const help = { status: 0, output: expect.stringMatching(/^usage: [\s\S]+/), errors: "" };
    expect(await run(file, "--help")).toMatchObject(help);
    expect(await run(file, "-h")).toMatchObject(help);
  });

  test("reports an unknown option in one sentence", async () => {
    const expected =
      /^there is no option --hlep; did you mean --help\?\n\nusage: [\s\S]+\n\nRun it with --help for all options.\n$/;
    expect(await run(file, "--hlep")).toMatchObject({ status: 2, output: "", errors: expect.stringMatching(expected) });
  });
});
