import { expect, test } from "vitest";
import { FinanceError } from "../../src/finance/errors.ts";
import { readPageToken, writePageToken } from "../../src/finance/records/page.ts";
import { INT64_MAX } from "../../src/finance/values.ts";

const filters = [4n, "USD", { a: "b" }, undefined];

test.each([[[0n]], [[7n, INT64_MAX]], [[1n, 0n, 3n]]])("a token of %o reads as it was written", (position) => {
  expect(readPageToken(writePageToken(position, filters), position.length, filters)).toEqual(position);
});

test("the empty token is the first page", () => {
  expect(readPageToken("", 1, filters)).toBeUndefined();
});

test.each<[what: string, token: string]>([
  ["junk", "junk"],
  ["of another length", writePageToken([7n, 8n], filters)],
  ["of other filters", writePageToken([7n], ["EUR"])],
  ["of a number past int64", writePageToken([INT64_MAX + 1n], filters)],
  ["of a negative number", writePageToken([-7n], filters)],
])("a token %s is refused", (_, token) => {
  const read = () => readPageToken(token, 1, filters);
  expect(read).toThrow(FinanceError);
  expect(read).toThrow(/page_token/);
});
