/** The check of the words in comments, docs and messages: `npm run check:english`. */
import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "english-"));
  execFileSync("git", ["init", "--quiet"], { cwd: folder });
});
afterAll(() => rm(folder, { recursive: true }));

/** Checks a folder whose only file that Git knows is this one. */
async function check(name: string, text: string): Promise<{ status: number; output: string }> {
  await writeFile(join(folder, name), text);
  execFileSync("git", ["add", "--all"], { cwd: folder });
  const tool = ["--import", import.meta.resolve("tsx"), resolve("tools/plain-english.ts"), name];
  return await new Promise((done) => {
    execFile(process.execPath, tool, { cwd: folder }, (error, output) => {
      done({ status: Number(error?.code ?? 0), output });
    });
  });
}

test("a banned word is reported with its line and what to write instead, and fails the check", async () => {
  expect(await check("note.ts", "// Plain.\n// This Mends the chain.\n")).toEqual({
    status: 1,
    output: 'note.ts:2: "Mends"; write fix\n',
  });
});

test.each([
  ["a word that only contains a banned one", "recommended.ts", "// Recommended, accurate, still.\n"],
  ["a name in a code span of Markdown", "names.md", "The field `cures` was renamed.\n"],
])("%s passes", async (_, name, text) => {
  expect(await check(name, text)).toEqual({ status: 0, output: "" });
});
