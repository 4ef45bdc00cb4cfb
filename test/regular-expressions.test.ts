/** Every regular expression of the product takes at most linear time. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkSync } from "recheck";
import { parseAst } from "vite";
import { expect, test } from "vitest";

/** Files that build expressions at run time. */
const MADE_AT_RUN_TIME: ReadonlySet<string> = new Set([
  // From a locale's separators, for an amount that a person typed.
  "packages/client/src/money.ts",
  // From the wordings of browsers, for a text that is cut at 20,000 characters: the worst takes some milliseconds.
  "packages/cors/src/doctor/console-text.ts",
]);

interface Found {
  readonly file: string;
  readonly pattern: string;
  readonly flags: string;
}

async function filesOf(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => /\.tsx?$/.test(name)).map((name) => join(folder, name));
}

function* expressionsIn(file: string, node: unknown): Iterable<Found> {
  if (typeof node !== "object" || node === null) return;
  if ("regex" in node && typeof node.regex === "object" && node.regex !== null) {
    const { pattern, flags } = node.regex as { pattern: string; flags: string };
    yield { file, pattern, flags };
  }
  if ("type" in node && node.type === "NewExpression" && isRegExp(node) && !MADE_AT_RUN_TIME.has(file)) {
    yield { file, pattern: "made at run time", flags: "" };
  }
  for (const child of Object.values(node)) yield* expressionsIn(file, child);
}

function isRegExp(node: object): boolean {
  const { callee } = node as { callee?: { name?: string } };
  return callee?.name === "RegExp";
}

const found: Found[] = [];
for (const folder of ["src", "packages", "web/src"]) {
  for (const file of await filesOf(folder)) {
    const ast = parseAst(await readFile(file, "utf8"), { lang: file.endsWith("x") ? "tsx" : "ts" });
    found.push(...expressionsIn(file, ast.body));
  }
}

test("they are found", () => {
  expect(found.length).toBeGreaterThan(90);
});

test.each(found)("$file: /$pattern/$flags", ({ pattern, flags }) => {
  expect(pattern).not.toBe("made at run time");
  expect(checkSync(pattern, flags, { timeout: 20_000 })).toMatchObject({ status: "safe" });
});

test("one that is not is told", () => {
  expect(checkSync("0+$", "").status).toBe("vulnerable");
});
