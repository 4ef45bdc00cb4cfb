import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as clientAccounts from "../../generated/ts-proto/finance/v1/account.ts";
import * as clientEntries from "../../generated/ts-proto/finance/v1/entry.ts";
import * as clientEvents from "../../generated/ts-proto/finance/v1/event.ts";
import * as clientReports from "../../generated/ts-proto/finance/v1/report.ts";
import * as clientTransfers from "../../generated/ts-proto/finance/v1/transfer.ts";
import { MessageCodecs } from "../../packages/twirp/src/codec/codec.ts";
import { TypeRegistry } from "../../packages/twirp/src/codec/fields.ts";
import { allMessages, type MessageInfo, messageOf } from "./finance-messages.ts";

/** What ts-proto generates for a message, with types of its own. */
interface TsProtoMessage {
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
  toJSON(message: unknown): unknown;
  fromJSON(json: unknown): unknown;
}

const clientModules = { ...clientAccounts, ...clientEntries, ...clientEvents, ...clientReports, ...clientTransfers };
const codecs = new MessageCodecs({ emitDefaults: true, camelCase: false }, new TypeRegistry([]));

function clientOf(type: MessageInfo): TsProtoMessage {
  const found: unknown = Reflect.get(clientModules, type.typeName.replace("finance.v1.", ""));
  if (typeof found !== "object" || found === null)
    throw new Error(`${type.typeName} is not among the client's messages`);
  // Each message is generated with types of its own; at run time they have one shape.
  return found as TsProtoMessage;
}

// ts-proto holds times as Dates: whole milliseconds, and before 1970 it writes negative nanos, which no server reads.
const instants = fc.nat({ max: 253_402_300_799_999 }).map((ms) => ({
  seconds: BigInt(Math.floor(ms / 1000)),
  nanos: (ms % 1000) * 1_000_000,
}));

test("the API has the messages that this test is about", () => {
  const names = allMessages().map(({ typeName }) => typeName);
  expect(names).toContain("finance.v1.Transfer");
  expect(names.length).toBeGreaterThan(25);
});

describe.each(allMessages().map((type) => [type.typeName, type] as const))("%s", (_name, type) => {
  const codec = codecs.of(type);
  const client = clientOf(type);
  const runs = { numRuns: 60 };

  test("passes through ts-proto in binary", () => {
    fc.assert(
      fc.property(messageOf(type, instants), (message) => {
        const there = client.decode(codec.writeBinary(message));
        expect(codec.readBinary(Buffer.from(client.encode(there).finish()))).toEqual(message);
      }),
      runs,
    );
  });

  test("passes through ts-proto in JSON, and is the same as in binary", () => {
    fc.assert(
      fc.property(messageOf(type, instants), (message) => {
        const there = client.fromJSON(JSON.parse(codec.writeJson(message)));
        expect(there).toEqual(client.decode(codec.writeBinary(message)));
        expect(codec.readJson(Buffer.from(JSON.stringify(client.toJSON(there))))).toEqual(message);
      }),
      runs,
    );
  });
});
