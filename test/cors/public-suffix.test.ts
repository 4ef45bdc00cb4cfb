import { expect, test } from "vitest";
import { isPublicSuffix } from "../../packages/cors/src/policy.ts";

test.each([
  ["com", true],
  ["co.uk", true],
  ["github.io", true],
  ["nosuchtld", true],
  ["localhost", false],
  ["example.com", false],
  ["example.co.uk", false],
  ["me.github.io", false],
  ["corp.internal", false],
])("%s is a public suffix: %s", (host, expected) => {
  expect(isPublicSuffix(host)).toBe(expected);
});
