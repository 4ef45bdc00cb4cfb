import { expect, test } from "vitest";
import { readToken, subjectOf } from "../../web/src/session/token.ts";

test.each<[pasted: string, token: string | undefined]>([
  ["aaa.bbb-_.ccc", "aaa.bbb-_.ccc"],
  ["  aaa.bbb.ccc\n", "aaa.bbb.ccc"],
  ["Bearer aaa.bbb.ccc", "aaa.bbb.ccc"],
  ["authorization: bearer aaa.bbb.ccc", "aaa.bbb.ccc"],
  ["b3BhcXVl==", "b3BhcXVl=="],
  ["", undefined],
  ["Bearer ", undefined],
  ["two words", undefined],
  ["line\nbreak", undefined],
  ["naïve", undefined],
])("in %j the token is %j", (pasted, token) => {
  expect(readToken(pasted)).toBe(token);
});

test.each<[payload: string, subject: string | undefined]>([
  ['{"sub":"alice"}', "alice"],
  ['{"sub":"Zoë ½?>"}', "Zoë ½?>"],
  ['{"sub":7}', undefined],
  ["{}", undefined],
  ["null", undefined],
  ["no JSON", undefined],
])("a token with the payload %s names %j", (payload, subject) => {
  expect(subjectOf(`header.${Buffer.from(payload).toString("base64url")}.signature`)).toBe(subject);
});

test("a token that is no JWT names nobody", () => {
  expect(subjectOf("opaque")).toBeUndefined();
});
