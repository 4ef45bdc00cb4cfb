/** JSON and protobuf: the client reads and writes the same in both, and the server's own messages agree. */
import * as full from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as fields from "../../generated/client/fields.ts";
import { AccountType } from "../../generated/client/finance/v1/account.ts";
import { decodeBinary, decodeJson, encodeBinary, encodeJson } from "../../packages/client/src/formats.ts";
import { complete, type MessageType, toJson } from "../../packages/client/src/message.ts";
import { formatTime } from "../../packages/client/src/time.ts";
import { MessageCodecs } from "../../packages/twirp/src/codec/codec.ts";
import { TypeRegistry } from "../../packages/twirp/src/codec/fields.ts";
import { allMessages, type MessageInfo, messageOf } from "../twirp/finance-messages.ts";

const { Account, BatchCreateTransfersResponse, CreateTransferRequest, ListTransfersResponse } = fields;

type Message = MessageType<unknown>;

const codecs = new MessageCodecs({ emitDefaults: true, camelCase: false }, new TypeRegistry([]));

const instants = fc.record({
  seconds: fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }),
  nanos: fc.oneof(
    fc.constant(0),
    fc.nat(999).map((ms) => ms * 1_000_000),
    fc.nat(999_999).map((us) => us * 1000),
    fc.nat(999_999_999),
  ),
});

function clientTypeOf({ typeName }: MessageInfo): Message {
  const found = Object.entries(fields).find(([name]) => `finance.v1.${name}` === typeName)?.[1];
  if (found === undefined) throw new Error(`${typeName} is not among the client's messages`);
  // Each table has its own type; here they are only read.
  return found as Message;
}

describe.each(allMessages().map((type) => [type.typeName, type] as const))("%s", (_name, type) => {
  const codec = codecs.of(type);
  const ours = clientTypeOf(type);

  test("is the same in both formats, there and back", () => {
    fc.assert(
      fc.property(messageOf(type, instants), (message) => {
        const read = decodeBinary(ours, codec.writeBinary(message));
        expect(decodeJson(ours, codec.writeJson(message))).toEqual(read);
        expect(complete(ours, read)).toEqual(read);
        expect(codec.readBinary(Buffer.from(encodeBinary(ours, read)))).toEqual(message);
        expect(codec.readJson(Buffer.from(encodeJson(ours, read)))).toEqual(message);
      }),
      { numRuns: 60 },
    );
  });
});

test("times are written as the service writes them in JSON", () => {
  const codec = codecs.of(
    allMessages().find(({ typeName }) => typeName === "finance.v1.GetBalanceRequest") as MessageInfo,
  );
  fc.assert(
    fc.property(instants, (asOf) => {
      expect(JSON.parse(codec.writeJson({ accountId: 0n, asOf }))).toMatchObject({ as_of: formatTime(asOf) });
    }),
  );
});

/** A message of a newer service in both formats. */
interface Newer {
  readonly what: string;
  readonly type: Message;
  readonly json: object;
  readonly bytes: Uint8Array;
  readonly read: object;
}

const bytes = (write: (writer: full.BinaryWriter) => unknown) => {
  const writer = new full.BinaryWriter();
  write(writer);
  return writer.finish();
};

const newer: readonly Newer[] = [
  {
    what: "a member",
    type: Account,
    json: { id: "4", colour: "blue" },
    bytes: bytes((w) => w.uint32(8).int64(4n).uint32(802).string("blue")),
    read: { id: 4n, name: "" },
  },
  {
    what: "nothing but members that are new",
    type: Account,
    json: { colour: { name: "blue" } },
    bytes: bytes((w) => w.uint32(802).fork().uint32(10).string("blue").join()),
    read: { id: 0n, name: "", createdAt: undefined },
  },
  {
    what: "an item that has nothing but members that are new",
    type: ListTransfersResponse,
    json: { transfers: [{ id: "1" }, { colour: "blue" }] },
    bytes: bytes((w) =>
      w.uint32(10).fork().uint32(8).int64(1n).join().uint32(10).fork().uint32(802).string("b").join(),
    ),
    read: { transfers: [expect.objectContaining({ id: 1n }), expect.objectContaining({ id: 0n })] },
  },
  {
    what: "a member of a oneof",
    type: BatchCreateTransfersResponse,
    json: { results: [{ transfer: { id: "1" } }, { queued: { id: "2" }, replayed: true }] },
    bytes: bytes((w) => {
      w.uint32(10).fork().uint32(10).fork().uint32(8).int64(1n).join().join();
      w.uint32(10).fork().uint32(802).fork().uint32(8).int64(2n).join().uint32(24).bool(true).join();
    }),
    read: {
      results: [
        { outcome: { $case: "transfer", transfer: expect.objectContaining({ id: 1n }) }, replayed: false },
        { outcome: undefined, replayed: true },
      ],
    },
  },
  {
    what: "a value of an enum",
    type: Account,
    json: { type: "ACCOUNT_TYPE_SUSPENSE" },
    bytes: bytes((w) => w.uint32(32).int32(77)),
    read: { type: AccountType.UNRECOGNIZED },
  },
  {
    what: "a value of an enum, by its number",
    type: Account,
    json: { type: 77 },
    bytes: bytes((w) => w.uint32(32).int32(-77)),
    read: { type: AccountType.UNRECOGNIZED },
  },
];

test.each(newer)("a newer service's message with $what reads alike in both formats", ({ type, json, bytes, read }) => {
  const ofJson = decodeJson(type, JSON.stringify(json));
  expect(ofJson).toMatchObject(read);
  expect(decodeBinary(type, bytes)).toEqual(ofJson);
});

describe("accepts every JSON that the service may write", () => {
  test.each<[what: string, type: Message, json: object, read: object]>([
    ["nothing but zero values", Account, {}, { id: 0n, metadata: {}, createdAt: undefined }],
    ["an int64 as text", Account, { id: "9223372036854775807" }, { id: 2n ** 63n - 1n }],
    ["a negative int64", Account, { balance: "-9223372036854775808" }, { balance: -(2n ** 63n) }],
    ["an int64 as a number that it can be", Account, { id: 4 }, { id: 4n }],
    ["an int32 as text", Account, { minor_unit_digits: "2" }, { minorUnitDigits: 2 }],
    ["an enum by name", Account, { type: "ACCOUNT_TYPE_ASSET" }, { type: 1 }],
    ["an enum by number", Account, { type: 1 }, { type: 1 }],
    ["names in lowerCamelCase", Account, { minorUnitDigits: 2 }, { minorUnitDigits: 2 }],
    [
      "null for what is absent",
      Account,
      { id: "4", created_at: null, metadata: null, name: null },
      { id: 4n, name: "" },
    ],
    [
      "a time with another offset",
      Account,
      { created_at: "2026-01-02T05:04:05.6+02:00" },
      { createdAt: "2026-01-02T03:04:05.600Z" },
    ],
    ["a map", Account, { metadata: { order: "77", "snake_case camelCase": "x" } }, { metadata: { order: "77" } }],
    [
      "an empty oneof",
      BatchCreateTransfersResponse,
      { results: [{}] },
      { results: [{ outcome: undefined, replayed: false }] },
    ],
  ])("%s", (_, type, json, read) => {
    expect(decodeJson(type, JSON.stringify(json))).toMatchObject(read);
  });

  test("__proto__ as a key of a map, in both formats", () => {
    const metadata = JSON.parse('{"__proto__":"x"}');
    const message = complete(Account, { metadata });
    expect(Object.entries(message.metadata)).toEqual([["__proto__", "x"]]);
    expect(Object.entries(decodeJson(Account, encodeJson(Account, message)).metadata)).toEqual([["__proto__", "x"]]);
    expect(Object.entries(decodeBinary(Account, encodeBinary(Account, message)).metadata)).toEqual([
      ["__proto__", "x"],
    ]);
  });
});

describe("refuses other JSON and names the field", () => {
  test.each<[what: string, type: Message, json: unknown, place: string]>([
    ["an array for a message", Account, [], "Account must be an object, not a list"],
    ["a text for a message", Account, "account", 'Account must be an object, not "account"'],
    ["null for a message", Account, null, "Account must be an object, not null"],
    ["an object for a text", Account, { name: {} }, "name must be a string, not [object Object]"],
    ["a number for a text", Account, { name: 4 }, "name must be a string, not 4"],
    ["a text for a boolean", Account, { unlimited_overdraft: "false" }, "unlimitedOverdraft"],
    ["a number for a boolean", Account, { unlimited_overdraft: 1 }, "unlimitedOverdraft"],
    ["a boolean for an int64", Account, { id: true }, "id must be an integer within 64 bits, not true"],
    ["hexadecimal for an int64", Account, { id: "0x10" }, 'id must be an integer within 64 bits, not "0x10"'],
    ["an empty text for an int64", Account, { id: "" }, 'id must be an integer within 64 bits, not ""'],
    ["an exponent", Account, { id: "1e3" }, "id must be"],
    ["a leading zero", Account, { id: "04" }, 'id must be an integer within 64 bits, not "04"'],
    ["a plus", Account, { id: "+4" }, 'id must be an integer within 64 bits, not "+4"'],
    ["a blank", Account, { id: " 4" }, 'id must be an integer within 64 bits, not " 4"'],
    ["a fraction for an int64", Account, { id: "1.5" }, 'id must be an integer within 64 bits, not "1.5"'],
    ["more than an int64", Account, { id: "9223372036854775808" }, "id must be"],
    ["an int64 as a number that lost digits", Account, { id: 2 ** 53 }, "id must be"],
    [
      "more than an int32",
      Account,
      { minor_unit_digits: 2 ** 31 },
      "minorUnitDigits must be an integer within 32 bits, not 2147483648",
    ],
    ["less than an int32, as text", Account, { minor_unit_digits: "-2147483649" }, "minorUnitDigits"],
    ["a leading zero in an int32", Account, { minor_unit_digits: "04" }, "minorUnitDigits"],
    ["a text for an int32", Account, { minor_unit_digits: "two" }, "minorUnitDigits"],
    ["a fraction for an int32", Account, { minor_unit_digits: 1.5 }, "minorUnitDigits"],
    ["a boolean for an int32", Account, { minor_unit_digits: true }, "minorUnitDigits"],
    ["a list for an int32", Account, { minor_unit_digits: [] }, "minorUnitDigits"],
    ["a boolean for an enum", Account, { type: true }, "type must be"],
    ["a fraction for an enum", Account, { type: 1.5 }, "type must be"],
    ["no time for a time", Account, { created_at: "yesterday" }, "yesterday"],
    ["a date for a time", Account, { created_at: "2026-01-02" }, "2026-01-02"],
    ["a day that its month has not", Account, { created_at: "2026-02-29T00:00:00Z" }, "2026-02-29"],
    ["a list for a time", Account, { created_at: ["2026-01-02T00:00:00Z"] }, "createdAt"],
    ["an object for a time", Account, { created_at: { seconds: "1" } }, "createdAt"],
    ["a list for a map", Account, { metadata: ["a"] }, "metadata"],
    ["a text for a map", Account, { metadata: "a" }, "metadata"],
    ["a number in a map", Account, { metadata: { order: 77 } }, "metadata.order must be a string, not 77"],
    ["null in a map", Account, { metadata: { order: null } }, "metadata.order must be a string, not null"],
    ["an object for a list", ListTransfersResponse, { transfers: { id: "1" } }, "transfers"],
    [
      "a text in a list of messages",
      ListTransfersResponse,
      { transfers: ["1"] },
      'transfers[0] must be an object, not "1"',
    ],
    [
      "a wrong member of a message in a list",
      ListTransfersResponse,
      { transfers: [{}, { description: 1 }] },
      "transfers[1].description must be a string, not 1",
    ],
    [
      "a text for a message of a oneof",
      BatchCreateTransfersResponse,
      { results: [{ transfer: "8" }] },
      "results[0].transfer must be",
    ],
    [
      "a wrong member in a oneof",
      BatchCreateTransfersResponse,
      { results: [{ transfer: { state: true } }] },
      "results[0].transfer.state must be",
    ],
    [
      "two members of one oneof",
      BatchCreateTransfersResponse,
      { results: [{ transfer: {}, error: {} }] },
      "results[0].error must be the only outcome",
    ],
  ])("%s", (_, type, json, place) => {
    expect(() => decodeJson(type, JSON.stringify(json))).toThrow(place);
  });
});

describe("refuses bytes that are not such a message", () => {
  test.each<[what: string, type: Message, bytes: Uint8Array]>([
    ["a field that ends too early", Account, Uint8Array.from([18, 5, 65])],
    ["a tag that cannot be", Account, Uint8Array.from([0, 1])],
    ["the end of a group", Account, Uint8Array.from([12])],
    [
      "a message that is longer than what holds it",
      ListTransfersResponse,
      bytes((w) => w.uint32(10).uint32(3).uint32(58).uint32(5)),
    ],
    ["a time beyond year 9999", Account, bytes((w) => w.uint32(138).fork().uint32(8).int64(253_402_300_800n).join())],
    ["nanoseconds beyond a second", Account, bytes((w) => w.uint32(138).fork().uint32(16).int32(1_000_000_000).join())],
  ])("%s", (_, type, content) => {
    expect(() => decodeBinary(type, content)).toThrow();
  });

  test("but skips a field of another wire type, as of a newer service", () => {
    expect(
      decodeBinary(
        Account,
        bytes((w) => w.uint32(10).string("4").uint32(16).int64(1n)),
      ),
    ).toMatchObject({ id: 0n, name: "" });
  });
});

describe("completes a request, or names its mistake", () => {
  test("what a caller writes", () => {
    const request = complete(CreateTransferRequest, {
      amount: 5,
      debitAccountId: "4",
      effectiveAt: "2026-01-02T03:04:05.6789+01:00",
      metadata: { a: "b" },
      colour: "blue",
      expiresAt: null,
    });
    expect(request).toMatchObject({
      amount: 5n,
      debitAccountId: 4n,
      creditAccountId: 0n,
      metadata: { a: "b" },
      expiresAt: undefined,
    });
    expect(request.effectiveAt).toBe("2026-01-02T02:04:05.678900Z");
    expect(request).not.toHaveProperty("colour");
  });

  test.each<[what: string, input: unknown, mistake: string]>([
    ["a Date", { effectiveAt: new Date(0) }, "effectiveAt must be an RFC 3339 string, not "],
    ["more than an int64", { amount: 2n ** 63n }, "amount must be an integer within 64 bits, not 9223372036854775808"],
    ["no time", { effectiveAt: "yesterday" }, 'effectiveAt must be an RFC 3339 string, not "yesterday"'],
    ["a fraction", { amount: 1.5 }, "amount must be an integer within 64 bits, not 1.5"],
    ["an empty id", { debitAccountId: "" }, 'debitAccountId must be an integer within 64 bits, not ""'],
    ["a number for a text", { description: 4 }, "description must be a string, not 4"],
    ["a number in a map", { metadata: { order: 77 } }, "metadata.order must be a string, not 77"],
    ["a list for a map", { metadata: [] }, "metadata must be an object"],
    ["a text for a boolean", { pending: "false" }, 'pending must be a boolean, not "false"'],
    ["no object", "4", 'CreateTransferRequest must be an object, not "4"'],
  ])("%s", (_, input, mistake) => {
    expect(() => complete(CreateTransferRequest, input)).toThrow(mistake);
  });

  test("names the position of a mistake in a list", () => {
    const request = { transfers: [{}, { amount: true }] };
    expect(() => complete(fields.BatchCreateTransfersRequest, request)).toThrow("transfers[1].amount must be");
  });

  test("accepts an enum's member or name; an error lists all names", () => {
    expect(complete(Account, { type: AccountType.ACCOUNT_TYPE_ASSET }).type).toBe(1);
    expect(complete(Account, { type: "ACCOUNT_TYPE_ASSET" }).type).toBe(1);
    for (const type of ["LIABILITY", 77, AccountType.UNRECOGNIZED, "toString"])
      expect(() => complete(Account, { type })).toThrow(
        /^type must be one of ACCOUNT_TYPE_UNSPECIFIED, ACCOUNT_TYPE_ASSET, .*ACCOUNT_TYPE_EXPENSE, not /,
      );
  });
});

describe("toJson", () => {
  test("makes a copy that JSON.stringify accepts, and that can be sent again", () => {
    const transfer = complete(CreateTransferRequest, {
      amount: 2n ** 62n,
      metadata: { order: "77" },
      effectiveAt: "2026-01-02T03:04:05Z",
    });
    const stored: unknown = JSON.parse(JSON.stringify(toJson(transfer)));
    expect(stored).toMatchObject({ amount: "4611686018427387904", metadata: { order: "77" } });
    expect(complete(CreateTransferRequest, stored)).toEqual(transfer);
  });

  test.each<[value: unknown, json: string]>([
    [{ at: new Date(0), amounts: [1n, [2n]] }, '{"at":"1970-01-01T00:00:00.000Z","amounts":["1",["2"]]}'],
    [{ a: undefined, b: null, c: () => 1 }, '{"b":null}'],
    [7n, '"7"'],
    [JSON.parse('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}'],
  ])("%o", (value, json) => {
    expect(JSON.stringify(toJson(value))).toBe(json);
  });
});
