/** protoc and its plugins make code for other languages from proto/ as it is, without options of their own. */
import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);

const LANGUAGES: readonly [language: string, path: string, holds: string][] = [
  ["go", "finance/v1/transfer.pb.go", "\npackage financev1\n"],
  ["go", "finance/v1/finance.pb.go", "\npackage financev1\n"],
  ["python", "finance/v1/finance_pb2.py", "from finance.v1 import account_pb2"],
  ["ruby", "finance/v1/finance_pb.rb", "require 'finance/v1/account_pb'"],
  ["ruby", "finance/v1/account_pb.rb", "module Finance\n  module V1\n    Account = "],
  ["java", "finance/v1/Account.java", "package finance.v1;"],
  ["csharp", "Account.cs", "namespace Finance.V1 "],
  ["php", "Finance/V1/Account.php", "namespace Finance\\V1;"],
  ["objc", "finance/v1/Account.pbobjc.h", "@interface FINAccount "],
];

function isInstalled(...programs: readonly string[]): boolean {
  try {
    for (const program of programs) execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!isInstalled("protoc", "protoc-gen-go"))("protoc (skipped without it and protoc-gen-go)", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "generators-"));
    const outputs = [...new Set(LANGUAGES.map(([language]) => language))].map((language) => `--${language}_out`);
    const files = (await readdir("proto/finance/v1")).map((name) => `finance/v1/${name}`);
    await run("protoc", ["--proto_path=proto", ...outputs.map((output) => `${output}=${directory}`), ...files]);
  });
  afterAll(() => rm(directory, { recursive: true }));

  test.each(LANGUAGES)("makes %s: %s", async (_language, path, holds) => {
    expect(await readFile(join(directory, path), "utf8")).toContain(holds);
  });
});
