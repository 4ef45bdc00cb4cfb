import { type EnumInfo, type IMessageType, LongType, MessageType, RepeatType, ScalarType } from "@protobuf-ts/runtime";
import { Timestamp } from "../../generated/server/google/protobuf/timestamp.ts";

export type Fields = Record<string, unknown>;
export type AnyType = IMessageType<Fields>;

const COLOR: EnumInfo = [
  "test.Color",
  { 0: "UNSPECIFIED", UNSPECIFIED: 0, 1: "RED", RED: 1, 2: "BLUE", BLUE: 2 },
  "COLOR_",
];

const long = { L: LongType.BIGINT } as const;

export const Duration: AnyType = new MessageType<Fields>("google.protobuf.Duration", [
  { no: 1, name: "seconds", kind: "scalar", T: ScalarType.INT64, ...long },
  { no: 2, name: "nanos", kind: "scalar", T: ScalarType.INT32 },
]);

export const Struct: AnyType = new MessageType<Fields>("google.protobuf.Struct", [
  { no: 1, name: "fields", kind: "map", K: ScalarType.STRING, V: { kind: "message", T: () => Value } },
]);

export const NULL_VALUE: EnumInfo = ["google.protobuf.NullValue", { 0: "NULL_VALUE", NULL_VALUE: 0 }];

export const Value: AnyType = new MessageType<Fields>("google.protobuf.Value", [
  {
    no: 1,
    name: "null_value",
    kind: "enum",
    oneof: "kind",
    T: () => NULL_VALUE,
  },
  { no: 2, name: "number_value", kind: "scalar", oneof: "kind", T: ScalarType.DOUBLE },
  { no: 3, name: "string_value", kind: "scalar", oneof: "kind", T: ScalarType.STRING },
  { no: 4, name: "bool_value", kind: "scalar", oneof: "kind", T: ScalarType.BOOL },
  { no: 5, name: "struct_value", kind: "message", oneof: "kind", T: () => Struct },
  { no: 6, name: "list_value", kind: "message", oneof: "kind", T: () => ListValue },
]);

export const ListValue: AnyType = new MessageType<Fields>("google.protobuf.ListValue", [
  { no: 1, name: "values", kind: "message", repeat: RepeatType.UNPACKED, T: () => Value },
]);

export const FieldMask: AnyType = new MessageType<Fields>("google.protobuf.FieldMask", [
  { no: 1, name: "paths", kind: "scalar", repeat: RepeatType.UNPACKED, T: ScalarType.STRING },
]);

const Int64Value: AnyType = new MessageType<Fields>("google.protobuf.Int64Value", [
  { no: 1, name: "value", kind: "scalar", T: ScalarType.INT64, ...long },
]);

/** A message with every kind of field that proto3 has. */
export const AllTypes: AnyType = new MessageType<Fields>("test.AllTypes", [
  { no: 1, name: "text", kind: "scalar", T: ScalarType.STRING },
  { no: 2, name: "small_int", kind: "scalar", T: ScalarType.INT32 },
  { no: 3, name: "big_int", kind: "scalar", T: ScalarType.INT64, ...long },
  { no: 4, name: "small_uint", kind: "scalar", T: ScalarType.UINT32 },
  { no: 5, name: "big_uint", kind: "scalar", T: ScalarType.UINT64, ...long },
  { no: 6, name: "dbl", kind: "scalar", T: ScalarType.DOUBLE },
  { no: 7, name: "flt", kind: "scalar", T: ScalarType.FLOAT },
  { no: 8, name: "flag", kind: "scalar", T: ScalarType.BOOL },
  { no: 9, name: "data", kind: "scalar", T: ScalarType.BYTES },
  { no: 10, name: "color", kind: "enum", T: () => COLOR },
  { no: 11, name: "tags", kind: "scalar", repeat: RepeatType.UNPACKED, T: ScalarType.STRING },
  { no: 12, name: "counts", kind: "map", K: ScalarType.STRING, V: { kind: "scalar", T: ScalarType.INT32 } },
  { no: 13, name: "nested", kind: "message", T: () => AllTypes },
  { no: 14, name: "maybe_text", kind: "scalar", opt: true, T: ScalarType.STRING },
  { no: 15, name: "choice_text", kind: "scalar", oneof: "choice", T: ScalarType.STRING },
  { no: 16, name: "choice_nested", kind: "message", oneof: "choice", T: () => AllTypes },
  { no: 17, name: "renamed", kind: "scalar", jsonName: "customName", T: ScalarType.STRING },
  { no: 18, name: "at", kind: "message", T: () => Timestamp },
  { no: 19, name: "took", kind: "message", T: () => Duration },
  { no: 20, name: "extra", kind: "message", T: () => Struct },
  { no: 21, name: "mask", kind: "message", T: () => FieldMask },
  { no: 22, name: "boxed", kind: "message", T: () => Int64Value },
  { no: 23, name: "by_id", kind: "map", K: ScalarType.INT64, V: { kind: "message", T: () => AllTypes } },
  { no: 24, name: "by_flag", kind: "map", K: ScalarType.BOOL, V: { kind: "enum", T: () => COLOR } },
  { no: 25, name: "colors", kind: "enum", repeat: RepeatType.PACKED, T: () => COLOR },
  { no: 26, name: "longs", kind: "scalar", repeat: RepeatType.PACKED, T: ScalarType.SINT64, ...long },
  { no: 27, name: "zigzag", kind: "scalar", T: ScalarType.SINT32 },
  { no: 28, name: "fixed", kind: "scalar", T: ScalarType.FIXED32 },
  { no: 29, name: "fixed_long", kind: "scalar", T: ScalarType.SFIXED64, ...long },
  { no: 30, name: "items", kind: "message", repeat: RepeatType.UNPACKED, T: () => AllTypes },
]);

export const Any: AnyType = new MessageType<Fields>("google.protobuf.Any", [
  { no: 1, name: "type_url", kind: "scalar", T: ScalarType.STRING },
  { no: 2, name: "value", kind: "scalar", T: ScalarType.BYTES },
]);

export const Empty: AnyType = new MessageType<Fields>("google.protobuf.Empty", []);

/** A message that holds messages of any type. */
export const Envelope: AnyType = new MessageType<Fields>("test.Envelope", [
  { no: 1, name: "content", kind: "message", T: () => Any },
  { no: 2, name: "enclosures", kind: "message", repeat: RepeatType.UNPACKED, T: () => Any },
  { no: 3, name: "by_name", kind: "map", K: ScalarType.STRING, V: { kind: "message", T: () => Any } },
  { no: 4, name: "known", kind: "message", T: () => AllTypes },
]);

/** A message with a field that takes null for a value of its own. */
export const Holder: AnyType = new MessageType<Fields>("test.Holder", [
  { no: 1, name: "free", kind: "message", T: () => Value },
]);
