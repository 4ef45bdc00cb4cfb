import { expect, test } from "vitest";
import { waitAfter } from "../src/backoff.ts";

test.each([
  { failures: 0, chance: 0, waitMs: 50 },
  { failures: 0, chance: 0.5, waitMs: 75 },
  { failures: 1, chance: 0, waitMs: 100 },
  { failures: 3, chance: 0, waitMs: 400 },
  { failures: 6, chance: 0.5, waitMs: 4800 },
  { failures: 7, chance: 0, waitMs: 5000 },
  { failures: 1000, chance: 0.5, waitMs: 7500 },
  { failures: 2000, chance: 0, waitMs: 5000 },
])("after $failures failures, with chance $chance, the wait is $waitMs ms", ({ failures, chance, waitMs }) => {
  expect(waitAfter({ firstMs: 100, mostMs: 10_000 }, failures, chance)).toBe(waitMs);
});
