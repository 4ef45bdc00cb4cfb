import type { EnumInfo, FieldInfo, IMessageType } from "@protobuf-ts/runtime";
import { ScalarType } from "@protobuf-ts/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as clientAccounts from "../../generated/client/finance/v1/account.ts";
import * as clientEntries from "../../generated/client/finance/v1/entry.ts";
import * as clientReports from "../../generated/client/finance/v1/report.ts";
import * as clientTransfers from "../../generated/client/finance/v1/transfer.ts";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import { MessageCodecs } from "../../src/twirp/message-codec.ts";
import { TypeRegistry } from "../../src/twirp/type-registry.ts";
import type { Fields } from "./all-types.ts";

type MessageInfo = IMessageType<Fields>;

/** What ts-proto generates for a message, with types of its own. */
interface TsProtoMessage {
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
  toJSON(message: unknown): unknown;
  fromJSON(json: unknown): unknown;
}

const clientModules = { ...clientAccounts, ...clientEntries, ...clientReports, ...clientTransfers };
const codecs = new MessageCodecs({ emitDefaults: true, camelCase: false }, new TypeRegistry([]));

/** Every message of the API: those that methods take or give, and all that these hold. */
function allMessages(): readonly MessageInfo[] {
  const found = new Map<string, MessageInfo>();
  const visit = (type: MessageInfo) => {
    if (found.has(type.typeName) || type.typeName === "google.protobuf.Timestamp") return;
    found.set(type.typeName, type);
    for (const field of type.fields) {
      if (field.kind === "message") visit(field.T());
      if (field.kind === "map" && field.V.kind === "message") visit(field.V.T());
    }
  };
  for (const { I, O } of FinanceService.methods) {
    visit(I);
    visit(O);
  }
  return [...found.values()];
}

function clientOf(type: MessageInfo): TsProtoMessage {
  const found: unknown = Reflect.get(clientModules, type.typeName.replace("finance.v1.", ""));
  if (typeof found !== "object" || found === null)
    throw new Error(`${type.typeName} is not among the client's messages`);
  // Each message is generated with types of its own; at run time they have one shape.
  return found as TsProtoMessage;
}

const text = fc.string({ unit: "grapheme", maxLength: 20 });
const int64 = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constantFrom(0n, 2n ** 53n + 1n));

// The client holds times as Dates: whole milliseconds, and before 1970 ts-proto writes negative nanos, which no server reads.
const timestamp = fc.nat({ max: 253_402_300_799_999 }).map((ms) => ({
  seconds: BigInt(Math.floor(ms / 1000)),
  nanos: (ms % 1000) * 1_000_000,
}));

// The client writes an enum number that it does not know as "UNRECOGNIZED".
function enumNumber([, values]: EnumInfo): fc.Arbitrary<number> {
  return fc.constantFrom(...Object.values(values).filter((value) => typeof value === "number"));
}

function scalar(type: ScalarType): fc.Arbitrary<unknown> {
  if (type === ScalarType.STRING) return text;
  if (type === ScalarType.BOOL) return fc.boolean();
  if (type === ScalarType.INT64) return int64;
  if (type === ScalarType.INT32) return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  throw new Error(`the API has no scalar ${type} yet: say here how it is made`);
}

function fieldValue(field: FieldInfo): fc.Arbitrary<unknown> {
  if (field.kind === "map") {
    // Assigned by ts-proto, "__proto__" is no key of a map.
    const key = text.filter((name) => name !== "__proto__");
    return fc.dictionary(key, text, { maxKeys: 3, noNullPrototype: true });
  }
  const one =
    field.kind === "scalar" ? scalar(field.T) : field.kind === "enum" ? enumNumber(field.T()) : messageOf(field.T());
  return field.repeat === 0 ? one : fc.array(one, { maxLength: 3 });
}

function messageOf(type: MessageInfo): fc.Arbitrary<Fields> {
  if (type.typeName === "google.protobuf.Timestamp") return timestamp;
  const plain: Record<string, fc.Arbitrary<unknown>> = {};
  const groups = new Map<string, fc.Arbitrary<unknown>[]>();
  for (const field of type.fields) {
    const value = fieldValue(field);
    const { localName, oneof } = field;
    if (oneof === undefined) plain[localName] = value;
    else {
      const member = value.map((set) => ({ oneofKind: localName, [localName]: set }));
      groups.set(oneof, [...(groups.get(oneof) ?? []), member]);
    }
  }
  for (const [oneof, members] of groups) plain[oneof] = fc.oneof(...members);
  return fc.record(plain, { requiredKeys: [] }).map((fields) => type.create(fields));
}

test("the API has the messages that this test is about", () => {
  const names = allMessages().map(({ typeName }) => typeName);
  expect(names).toContain("finance.v1.Transfer");
  expect(names.length).toBeGreaterThan(25);
});

describe.each(allMessages().map((type) => [type.typeName, type] as const))("%s", (_name, type) => {
  const codec = codecs.of(type);
  const client = clientOf(type);
  const runs = { numRuns: 60 };

  test("goes to ts-proto and back in binary", () => {
    fc.assert(
      fc.property(messageOf(type), (message) => {
        const there = client.decode(codec.writeBinary(message));
        expect(codec.readBinary(Buffer.from(client.encode(there).finish()))).toEqual(message);
      }),
      runs,
    );
  });

  test("goes to ts-proto and back in JSON, and is the same there as in binary", () => {
    fc.assert(
      fc.property(messageOf(type), (message) => {
        const there = client.fromJSON(JSON.parse(codec.writeJson(message)));
        expect(there).toEqual(client.decode(codec.writeBinary(message)));
        expect(codec.readJson(Buffer.from(JSON.stringify(client.toJSON(there))))).toEqual(message);
      }),
      runs,
    );
  });
});
