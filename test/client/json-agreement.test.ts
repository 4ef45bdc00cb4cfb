import { describe, expect, test } from "vitest";
import { Account, AccountType } from "../../generated/client/finance/v1/account.ts";
import { BatchCreateTransfersResponse, ListTransfersResponse } from "../../generated/client/finance/v1/transfer.ts";
import { agrees } from "../../src/client/json-agreement.ts";

interface Message {
  fromJSON(json: unknown): unknown;
}

describe("what the service may write is taken", () => {
  test.each<[what: string, type: Message, json: object]>([
    ["nothing but zero values", Account, {}],
    ["an int64 as text", Account, { id: "9223372036854775807" }],
    ["a negative int64", Account, { balance: "-9223372036854775808" }],
    ["an int64 as a number that it can be", Account, { id: 4 }],
    ["an enum by name", Account, { type: "ACCOUNT_TYPE_ASSET" }],
    ["an enum by number", Account, { type: 1 }],
    ["an enum's name of a newer service", Account, { type: "ACCOUNT_TYPE_SUSPENSE" }],
    ["a member of a newer service", Account, { id: "4", colour: "blue" }],
    ["names in lowerCamelCase", Account, { minorUnitDigits: 2 }],
    ["names as in the proto", Account, { minor_unit_digits: 2, created_at: "2026-01-02T03:04:05.678901Z" }],
    ["null for what is absent", Account, { id: "4", created_at: null, metadata: null, name: null, balance: null }],
    ["a map", Account, { metadata: { order: "77", __proto_: "", "snake_case camelCase": "x" } }],
    ["a list", ListTransfersResponse, { transfers: [{ id: "1" }, {}], next_page_token: "" }],
    ["a oneof", BatchCreateTransfersResponse, { results: [{ transfer: { id: "8" } }, { error: { code: "aborted" } }] }],
    ["an empty oneof", BatchCreateTransfersResponse, { results: [{}] }],
  ])("%s", (_, type, json) => {
    expect(agrees(json, type.fromJSON(json))).toBe(true);
  });
});

describe("what ts-proto reads in silence is refused", () => {
  test.each<[what: string, type: Message, json: unknown]>([
    ["an array for a message", Account, []],
    ["a text for a message", Account, "account"],
    ["a number for a message", Account, 4],
    ["another service's reply", Account, { ok: true }],
    ["an object for a text", Account, { name: {} }],
    ["a number for a text", Account, { name: 4 }],
    ["a text for a boolean", Account, { unlimited_overdraft: "false" }],
    ["a number for a boolean", Account, { unlimited_overdraft: 1 }],
    ["a boolean for an int64", Account, { id: true }],
    ["hexadecimal for an int64", Account, { id: "0x10" }],
    ["an empty text for an int64", Account, { id: "" }],
    ["more than an int64", Account, { id: "9223372036854775808" }],
    ["an int64 as a number that lost digits", Account, { id: 2 ** 53 }],
    ["a text for an int32", Account, { minor_unit_digits: "two" }],
    ["a fraction for an int32", Account, { minor_unit_digits: 1.5 }],
    ["a boolean for an int32", Account, { minor_unit_digits: true }],
    ["a list for an int32", Account, { minor_unit_digits: [] }],
    ["no time for a time", Account, { created_at: "yesterday" }],
    ["an object for a time", Account, { created_at: { seconds: "1" } }],
    ["a list for a map", Account, { metadata: ["a"] }],
    ["a text for a map", Account, { metadata: "a" }],
    ["a number in a map", Account, { metadata: { order: 77 } }],
    ["null in a map", Account, { metadata: { order: null } }],
    ["an object for a list", ListTransfersResponse, { transfers: { id: "1" } }],
    ["a text in a list of messages", ListTransfersResponse, { transfers: ["1"] }],
    ["a wrong member of a message in a list", ListTransfersResponse, { transfers: [{ description: 1 }] }],
    ["a text for a message of a oneof", BatchCreateTransfersResponse, { results: [{ transfer: "8" }] }],
    ["a wrong member in a oneof", BatchCreateTransfersResponse, { results: [{ transfer: { state: true } }] }],
  ])("%s", (_, type, json) => {
    expect(agrees(json, type.fromJSON(json))).toBe(false);
  });
});

test("an enum's name of a newer service reads as UNRECOGNIZED", () => {
  expect(Account.fromJSON({ type: "ACCOUNT_TYPE_SUSPENSE" }).type).toBe(AccountType.UNRECOGNIZED);
});
