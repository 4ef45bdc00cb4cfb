import { expect, test } from "vitest";
import { CallerCache } from "../../src/auth/authenticator.ts";

const caller = { subject: "alice", scopes: new Set<string>() };
const cache = () => new CallerCache({ sizeMax: 2, lifetimeMsMax: 1000 });

test("a token is remembered until it expires, and no longer than the cache allows", () => {
  const callers = cache();
  callers.set("short", caller, 500, 0);
  callers.set("long", caller, 9_999, 0);
  expect([callers.get("short", 499), callers.get("short", 500)]).toEqual([caller, undefined]);
  expect([callers.get("long", 999), callers.get("long", 1000)]).toEqual([caller, undefined]);
});

test("a cleared cache is empty and has another generation", () => {
  const callers = cache();
  const before = callers.generation;
  callers.set("a", caller, 900, 0);
  callers.clear();
  expect(callers.get("a", 1)).toBeUndefined();
  expect(callers.generation).not.toBe(before);
});

test("a full cache drops the oldest token", () => {
  const callers = cache();
  for (const token of ["a", "b", "c"]) callers.set(token, caller, 900, 0);
  expect(["a", "b", "c"].map((token) => callers.get(token, 1))).toEqual([undefined, caller, caller]);
});
