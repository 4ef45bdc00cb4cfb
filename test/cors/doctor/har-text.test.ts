import fc from "fast-check";
import { expect, test } from "vitest";
import { BodyCutter } from "../../../packages/cors/src/doctor/har-text.ts";

/** The text after reading it in pieces of this length. */
function cut(text: string, pieceLength: number): string {
  const cutter = new BodyCutter();
  for (let at = 0; at < text.length; at += pieceLength)
    expect(cutter.push(text.slice(at, at + pieceLength))).toBe(true);
  return cutter.text();
}

test("a text without long strings stays as it is, in pieces of any length", () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), fc.integer({ min: 1, max: 20 }), (text, length) => {
      expect(cut(text, length)).toBe(text);
    }),
  );
});

test.each([1000, 65_536, 1_000_000])("long strings are cut to valid JSON, in pieces of %d", (length) => {
  const text = `${"a".repeat(30)}\n"\\`.repeat(10_000);
  const value = {
    body: text,
    url: `data:image/png;base64,${"b".repeat(200_000)}`,
    'é"': ["short", text],
    escaped: '\\"'.repeat(90_000),
  };
  expect(JSON.parse(cut(JSON.stringify(value), length))).toEqual({
    body: `${"a".repeat(30)}...`,
    url: "data:image/png;base64,bbbbbbbbbbbbbbbbbb...",
    'é"': ["short", `${"a".repeat(30)}...`],
    escaped: "...",
  });
});

test("a file that is too long without its bodies is refused", () => {
  const cutter = new BodyCutter();
  const piece = "[".repeat(10_000_000);
  const accepted = Array.from({ length: 16 }, () => cutter.push(piece));
  expect(accepted).toEqual(accepted.map((_, index) => index < 15));
});
