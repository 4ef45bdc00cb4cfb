/** Random messages of the API, as the server's own code makes them. */
import type { EnumInfo, FieldInfo, IMessageType } from "@protobuf-ts/runtime";
import { ScalarType } from "@protobuf-ts/runtime";
import fc from "fast-check";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import type { Fields } from "./all-types.ts";

export type MessageInfo = IMessageType<Fields>;

/** A google.protobuf.Timestamp. */
export type Instants = fc.Arbitrary<{ readonly seconds: bigint; readonly nanos: number }>;

/** Every message of the API: requests, replies, and all messages inside them. */
export function allMessages(): readonly MessageInfo[] {
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

const text = fc.string({ unit: "grapheme", maxLength: 20 });
const int64 = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constantFrom(0n, 2n ** 53n + 1n));

// Only numbers that the API has: clients read others as "unrecognized".
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

function fieldValue(field: FieldInfo, instants: Instants): fc.Arbitrary<unknown> {
  if (field.kind === "map") {
    // Assigned by ts-proto, "__proto__" does not become a key of a map.
    const key = text.filter((name) => name !== "__proto__");
    return fc.dictionary(key, text, { maxKeys: 3, noNullPrototype: true });
  }
  const one =
    field.kind === "scalar"
      ? scalar(field.T)
      : field.kind === "enum"
        ? enumNumber(field.T())
        : messageOf(field.T(), instants);
  return field.repeat === 0 ? one : fc.array(one, { maxLength: 3 });
}

/** Random messages of a type, with times from this list. */
export function messageOf(type: MessageInfo, instants: Instants): fc.Arbitrary<Fields> {
  if (type.typeName === "google.protobuf.Timestamp") return instants;
  const plain: Record<string, fc.Arbitrary<unknown>> = {};
  const groups = new Map<string, fc.Arbitrary<unknown>[]>();
  for (const field of type.fields) {
    const value = fieldValue(field, instants);
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
