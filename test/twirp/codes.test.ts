import { TwirpErrorCode } from "twirp-ts";
import { expect, test } from "vitest";
import { CODE_OF_FOREIGN_STATUS, isTwirpCode, readCode, STATUS_OF_CODE } from "../../packages/twirp/src/codes.ts";

/** The table of https://twitchtv.github.io/twirp/docs/spec_v7.html#error-codes, with its misprint in the last row. */
const SPECIFICATION = `
  canceled            | 408
  unknown             | 500
  invalid_argument    | 400
  malformed           | 400
  deadline_exceeded   | 408
  not_found           | 404
  bad_route           | 404
  already_exists      | 409
  permission_denied   | 403
  unauthenticated     | 401
  resource_exhausted  | 429
  failed_precondition | 412
  aborted             | 409
  out_of_range        | 400
  unimplemented       | 501
  internal            | 500
  unavailable         | 503
  dataloss            | 500`;

const specified = SPECIFICATION.trim()
  .split("\n")
  .map((row) => row.split("|").map((cell) => cell.trim()))
  .map(([name = "", status]): [string, number] => [name, Number(status)]);

test("the table has the codes and statuses of the specification, in its order", () => {
  const written = specified.map(([name, status]) => [name.replace("dataloss", "data_loss"), status]);
  expect(Object.entries(STATUS_OF_CODE)).toEqual(written);
});

test("the table has the codes of twirp-ts", () => {
  expect(Object.keys(STATUS_OF_CODE).sort()).toEqual(Object.values(TwirpErrorCode).sort());
});

test.each(specified)("%s is read as a code", (name) => {
  expect(readCode(name)).toBe(name === "dataloss" ? "data_loss" : name);
});

test("data_loss is written without the misprint, and read", () => {
  expect(isTwirpCode("data_loss")).toBe(true);
  expect(isTwirpCode("dataloss")).toBe(false);
  expect(readCode("data_loss")).toBe("data_loss");
});

test.each(["teapot", "", "CANCELED", "constructor", "__proto__", "toString"])("%j is not a code", (text) => {
  expect(isTwirpCode(text)).toBe(false);
  expect(readCode(text)).toBeUndefined();
});

/** https://twitchtv.github.io/twirp/docs/errors.html#http-errors-from-intermediary-proxies */
test("statuses of intermediaries have the codes that Go's clients give them", () => {
  expect(CODE_OF_FOREIGN_STATUS).toEqual({
    400: "internal",
    401: "unauthenticated",
    403: "permission_denied",
    404: "bad_route",
    429: "resource_exhausted",
    502: "unavailable",
    503: "unavailable",
    504: "unavailable",
  });
});
