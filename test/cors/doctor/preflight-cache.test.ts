import { expect, test } from "vitest";
import { readPreflightCache } from "../../../packages/cors/src/doctor/checks.ts";

test.each([
  [null, 5, 5, 5],
  ["", 5, 5, 5],
  ["0", 0, 0, 0],
  ["60", 60, 60, 60],
  ["3600", 3_600, 3_600, 600],
  ["86400", 7_200, 86_400, 600],
  ["9223372036854774784", 7_200, 86_400, 600],
  ["99999999999999999999", 5, 86_400, 5],
  ["-1", 0, 0, 0],
  ["soon", 5, 0, 5],
  ["60s", 5, 0, 5],
  ["1.5", 5, 0, 5],
])("of Max-Age %j Chromium keeps %d s, Firefox %d s, WebKit %d s", (maxAge, chromium, firefox, webkit) => {
  const headers = maxAge === null ? [] : ([["Access-Control-Max-Age", maxAge]] as const);
  expect(readPreflightCache(headers)).toEqual({ maxAge, chromium, firefox, webkit });
});
