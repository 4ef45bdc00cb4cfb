import { expect, test } from "vitest";
import { publicSuffixKind } from "../../packages/cors/src/policy.ts";

test.each([
  ["com", "registry"],
  ["com.", "registry"],
  ["co.uk", "registry"],
  ["ck", "registry"],
  ["kobe.jp", "registry"],
  ["nosuchtld", "registry"],
  ["github.io", "company"],
  ["vercel.app", "company"],
  ["vercel.app.", "company"],
  ["compute.amazonaws.com", "company"],
  ["localhost", null],
  ["example.com", null],
  ["example.co.uk", null],
  ["me.github.io", null],
  ["team.vercel.app", null],
  ["city.kobe.jp", null],
  ["corp.internal", null],
])("names under %s are registered by a %s", (host, expected) => {
  expect(publicSuffixKind(host)).toBe(expected);
});
