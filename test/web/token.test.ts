import { expect, test } from "vitest";
import { readClaims, readToken } from "../../web/src/session/token.ts";

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

test.each<[payload: string, subject: string | undefined, scopes: readonly string[] | undefined]>([
  ['{"sub":"alice","scope":"finance.read finance.admin"}', "alice", ["finance.read", "finance.admin"]],
  ['{"sub":"alice","scope":"  finance.read  "}', "alice", ["finance.read"]],
  ['{"sub":"Zoë ½?>"}', "Zoë ½?>", []],
  ['{"sub":7,"scope":7}', undefined, undefined],
  ["{}", undefined, []],
  ["null", undefined, undefined],
  ["no JSON", undefined, undefined],
])("a token with the payload %s has the subject %j and the scopes %j", (payload, subject, scopes) => {
  const token = `header.${Buffer.from(payload).toString("base64url")}.signature`;
  expect(readClaims(token)).toEqual({ subject, scopes: scopes && new Set(scopes) });
});

test("a token that is not a JWT has no subject and no scopes", () => {
  expect(readClaims("opaque")).toEqual({ subject: undefined, scopes: undefined });
});
