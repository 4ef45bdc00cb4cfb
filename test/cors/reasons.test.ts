import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { explain, reasons } from "../../packages/cors/src/index.ts";

const page = readFileSync(new URL("../../docs/cors.md", import.meta.url), "utf8");

test("codes are unique and stable in form", () => {
  const codes = reasons.map((reason) => reason.code);
  expect(new Set(codes).size).toBe(codes.length);
  for (const code of codes) expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
});

test("the docs have the reasons of the list, in the same order", () => {
  const sections = [...page.matchAll(/^#### `(\w+)`$/gm)].map(([, code]) => code);
  expect(sections).toEqual(reasons.map((reason) => reason.code));
});

describe.each(reasons)("$code", ({ code, meaning, fix }) => {
  test("has its meaning and its fix in the docs", () => {
    const [, section = ""] = page.split(`#### \`${code}\`\n`);
    const [text] = section.split("\n#");
    expect(text?.replace(/\s+/g, " ").trim()).toBe(`${meaning} ${fix}`);
  });

  test("is explained", () => {
    expect(explain(code)).toMatchObject({ code, meaning, fix });
    expect(meaning).toMatch(/\.$/);
    expect(fix).toMatch(/\.$/);
  });
});
