import type { IMessageType } from "@protobuf-ts/runtime";
import type { MessageFields } from "./message-fields.ts";

const WRAPPERS: ReadonlySet<string> = namesIn([
  "DoubleValue",
  "FloatValue",
  "Int64Value",
  "UInt64Value",
  "Int32Value",
  "UInt32Value",
  "BoolValue",
  "StringValue",
  "BytesValue",
]);

const OTHERS: ReadonlySet<string> = namesIn([
  "Any",
  "Timestamp",
  "Duration",
  "Struct",
  "ListValue",
  "Value",
  "FieldMask",
  "Empty",
]);

/** Whether the JSON of a type is that of its one field. */
export function isWrapper({ typeName }: IMessageType<MessageFields>): boolean {
  return WRAPPERS.has(typeName);
}

/**
 * Whether a type has a JSON form of its own, which an Any holds in a member `value`; others add their fields to the Any's.
 *
 * https://protobuf.dev/programming-guides/json/#any
 */
export function isWellKnown(type: IMessageType<MessageFields>): boolean {
  return isWrapper(type) || OTHERS.has(type.typeName);
}

function namesIn(types: readonly string[]): ReadonlySet<string> {
  return new Set(types.map((name) => `google.protobuf.${name}`));
}
