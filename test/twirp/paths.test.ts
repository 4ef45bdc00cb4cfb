import { describe, expect, test } from "vitest";
import {
  badRoute,
  goCamelCase,
  isExactPath,
  namesOf,
  pathOfTarget,
  quote,
  splitPath,
} from "../../packages/twirp/src/paths.ts";

test.each([
  ["Echo", "Echo"],
  ["Do_it", "DoIt"],
  ["Snake_svc", "SnakeSvc"],
  ["get_by_id", "GetById"],
  ["_private", "XPrivate"],
  ["Get_2", "Get_2"],
  ["GET_It", "GET_It"],
  ["a__b", "A_B"],
  ["get2nd", "Get2Nd"],
  ["_", "X"],
])("Go calls %s %s", (name, camelCased) => {
  expect(goCamelCase(name)).toBe(camelCased);
});

test("a name is served in its own spelling, and in Go's if that differs", () => {
  expect(namesOf("Echo")).toEqual(["Echo"]);
  expect(namesOf("Do_it")).toEqual(["Do_it", "DoIt"]);
});

test.each([
  ["/a/b?token=secret", "/a/b"],
  ["/a/b#part", "/a/b#part"],
  ["/a/b?c#d", "/a/b"],
  ["example.com:443", ""],
  ["http://host", ""],
  ["http://host:1/a/b?x", "/a/b"],
  ["HTTPS://host/a", "/a"],
  ["//a", "//a"],
  ["*", "*"],
])("the path of %s is %s", (target, path) => {
  expect(pathOfTarget(target)).toBe(path);
});

test.each([
  ["/twirp/a.B/C", { prefix: "/twirp", service: "a.B", method: "C" }],
  ["/a.B/C", { prefix: "", service: "a.B", method: "C" }],
  ["/x/y//a.B/C", { prefix: "/x/y/", service: "a.B", method: "C" }],
  ["/a.B/C/", { prefix: "/a.B", service: "C", method: "" }],
  ["/", { prefix: "", service: "", method: "" }],
  ["", { prefix: "", service: "", method: "" }],
])("%j splits at its last two slashes", (path, parts) => {
  expect(splitPath(path)).toEqual(parts);
});

test.each([
  ["/twirp/a.B/C", true],
  ["/twirp/a.B/C?x=1", true],
  ["/twirp/a.B/%43", true],
  ["http://host/twirp/a.B/C", true],
  ["/twirp/a.B%2FC", false],
  ["/twirp/a.B%2fC", false],
  ["/twirp/a.B/C/", false],
  ["/twirp/a.B/c", false],
  ["/twirp/a.B/C;v=1", false],
  ["/twirp/a.B/%zz", false],
])("%s names /twirp/a.B/C exactly: %s", (target, exact) => {
  expect(isExactPath(target, "/twirp/a.B/C")).toBe(exact);
});

describe("a path without a route", () => {
  const table = { prefix: "/twirp", services: new Set(["a.B"]) };

  test.each([
    ["GET", "/nope", 'unsupported method "GET" (only POST is allowed)', "GET /nope"],
    ["POST", "/twirp/a.B/X?token=secret", 'no handler for path "/twirp/a.B/X"', "POST /twirp/a.B/X"],
    ["POST", "/twirp/x.Y/C", 'no handler for path "/twirp/x.Y/C"', "POST /twirp/x.Y/C"],
    ["POST", "/v1/a.B/C", 'invalid path prefix "/v1", expected "/twirp", on path "/v1/a.B/C"', "POST /v1/a.B/C"],
    ["POST", "/twirp/a.B/X%22", 'no handler for path "/twirp/a.B/X\\""', 'POST /twirp/a.B/X"'],
    ["POST", "/twirp/constructor/C", 'no handler for path "/twirp/constructor/C"', "POST /twirp/constructor/C"],
  ])("%s %s", (method, target, msg, invalidRoute) => {
    const error = badRoute({ method, url: target }, table);
    expect(error).toMatchObject({ code: "bad_route", msg, meta: { twirp_invalid_route: invalidRoute } });
  });
});

test.each([
  ["plain", '"plain"'],
  ['a"b\\c', '"a\\"b\\\\c"'],
  ["\n\t\x00\x7f", '"\\n\\t\\x00\\x7f"'],
  ["grün 日本 😀", '"grün 日本 😀"'],
  ["\u200b\u{e0001}", '"\\u200b\\U000e0001"'],
])("%j is quoted as Go does", (text, quoted) => {
  expect(quote(text)).toBe(quoted);
});
