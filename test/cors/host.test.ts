import { expect, test } from "vitest";
import { isLoopback, isLoopbackName } from "../../packages/cors/src/origins.ts";

test.each([
  ["localhost", true],
  ["localhost.", true],
  ["api.localhost", true],
  ["a.b.localhost.", true],
  ["notlocalhost", false],
  ["localhost.example.com", false],
  ["localhost..", false],
  ["127.0.0.1", false],
])("%s is a name of this machine: %s", (host, expected) => {
  expect(isLoopbackName(host)).toBe(expected);
});

test.each([
  ["api.localhost", true],
  ["127.0.0.1", true],
  ["127.9.9.9", true],
  ["[::1]", true],
  ["127.example.com", false],
  ["128.0.0.1", false],
  ["[::2]", false],
  ["0.0.0.0", false],
])("%s is this machine: %s", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
