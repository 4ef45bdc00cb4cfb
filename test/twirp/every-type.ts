import {
  type EnumInfo,
  type FieldInfo,
  type IMessageType,
  LongType,
  MessageType,
  RepeatType,
  ScalarType,
} from "@protobuf-ts/runtime";
import { Timestamp } from "../../generated/server/google/protobuf/timestamp.ts";
import {
  Any,
  type AnyType,
  Duration,
  Empty,
  FieldMask,
  type Fields,
  ListValue,
  NULL_VALUE,
  Struct,
  Value,
} from "./all-types.ts";

/** How a type stands on the wire: https://protobuf.dev/programming-guides/encoding/#structure */
type WireType = 0 | 1 | 2 | 5;

interface Kind {
  readonly wireType: WireType;
  /** What a value of the type is made of, for a field. */
  readonly part:
    | { readonly kind: "scalar"; readonly T: ScalarType; readonly L?: LongType }
    | { readonly kind: "enum"; readonly T: () => EnumInfo }
    | { readonly kind: "message"; readonly T: () => AnyType };
  /** Values in their wire format and in JSON; the first is the zero value. */
  readonly values: readonly (readonly [hex: string, json: string])[];
}

const MOOD: EnumInfo = [
  "test.Mood",
  { 0: "CALM", CALM: 0, 1: "GLAD", GLAD: 1, ALSO_GLAD: 1, 2: "SAD", SAD: 2, "-1": "ODD", ODD: -1 },
];

const scalar = (T: ScalarType) => ({ kind: "scalar", T, L: LongType.BIGINT }) as const;

/** Every type that a field may have, under the name that its fields begin with. */
export const KINDS: Readonly<Record<string, Kind>> = {
  dbl: {
    wireType: 1,
    part: scalar(ScalarType.DOUBLE),
    values: [
      ["0000000000000000", "0"],
      ["9a9999999999b93f", "0.1"],
      ["ffffffffffffefff", "-1.7976931348623157e+308"],
      ["0100000000000000", "5e-324"],
      ["000000000000f07f", '"Infinity"'],
      ["000000000000f87f", '"NaN"'],
    ],
  },
  flt: {
    wireType: 5,
    part: scalar(ScalarType.FLOAT),
    values: [
      ["00000000", "0"],
      ["cdcccc3d", "0.1"],
      ["ffff7fff", "-3.4028235e+38"],
      ["01000000", "1e-45"],
      ["000080ff", '"-Infinity"'],
      ["0000c07f", '"NaN"'],
    ],
  },
  i32: {
    wireType: 0,
    part: scalar(ScalarType.INT32),
    values: [
      ["00", "0"],
      ["b960", "12345"],
      ["ffffffff07", "2147483647"],
      ["80808080f8ffffffff01", "-2147483648"],
    ],
  },
  i64: {
    wireType: 0,
    part: scalar(ScalarType.INT64),
    values: [
      ["00", '"0"'],
      ["b960", '"12345"'],
      ["ffffffffffffffff7f", '"9223372036854775807"'],
      ["80808080808080808001", '"-9223372036854775808"'],
    ],
  },
  u32: {
    wireType: 0,
    part: scalar(ScalarType.UINT32),
    values: [
      ["00", "0"],
      ["b960", "12345"],
      ["ffffffff0f", "4294967295"],
    ],
  },
  u64: {
    wireType: 0,
    part: scalar(ScalarType.UINT64),
    values: [
      ["00", '"0"'],
      ["b960", '"12345"'],
      ["ffffffffffffffffff01", '"18446744073709551615"'],
    ],
  },
  s32: {
    wireType: 0,
    part: scalar(ScalarType.SINT32),
    values: [
      ["00", "0"],
      ["f2c001", "12345"],
      ["feffffff0f", "2147483647"],
      ["ffffffff0f", "-2147483648"],
    ],
  },
  s64: {
    wireType: 0,
    part: scalar(ScalarType.SINT64),
    values: [
      ["00", '"0"'],
      ["f2c001", '"12345"'],
      ["feffffffffffffffff01", '"9223372036854775807"'],
      ["ffffffffffffffffff01", '"-9223372036854775808"'],
    ],
  },
  fx32: {
    wireType: 5,
    part: scalar(ScalarType.FIXED32),
    values: [
      ["00000000", "0"],
      ["39300000", "12345"],
      ["ffffffff", "4294967295"],
    ],
  },
  fx64: {
    wireType: 1,
    part: scalar(ScalarType.FIXED64),
    values: [
      ["0000000000000000", '"0"'],
      ["3930000000000000", '"12345"'],
      ["ffffffffffffffff", '"18446744073709551615"'],
    ],
  },
  sfx32: {
    wireType: 5,
    part: scalar(ScalarType.SFIXED32),
    values: [
      ["00000000", "0"],
      ["39300000", "12345"],
      ["00000080", "-2147483648"],
    ],
  },
  sfx64: {
    wireType: 1,
    part: scalar(ScalarType.SFIXED64),
    values: [
      ["0000000000000000", '"0"'],
      ["3930000000000000", '"12345"'],
      ["0000000000000080", '"-9223372036854775808"'],
    ],
  },
  flag: {
    wireType: 0,
    part: scalar(ScalarType.BOOL),
    values: [
      ["00", "false"],
      ["01", "true"],
    ],
  },
  str: {
    wireType: 2,
    part: scalar(ScalarType.STRING),
    values: [
      ["00", '""'],
      ["0568656c6c6f", '"hello"'],
      ["07e8b0b7e6ad8c61", '"谷歌a"'],
      ["04f09f9881", '"😁"'],
    ],
  },
  data: {
    wireType: 2,
    part: scalar(ScalarType.BYTES),
    values: [
      ["00", '""'],
      ["03010203", '"AQID"'],
      ["03fffe80", '"//6A"'],
    ],
  },
  mood: {
    wireType: 0,
    part: { kind: "enum", T: () => MOOD },
    values: [
      ["00", '"CALM"'],
      ["01", '"GLAD"'],
      ["ffffffffffffffffff01", '"ODD"'],
      ["b960", "12345"],
    ],
  },
  msg: {
    wireType: 2,
    part: { kind: "message", T: () => Inner },
    values: [
      ["00", "{}"],
      ["0308b960", '{"a":12345}'],
    ],
  },
};

export const Inner: AnyType = new MessageType<Fields>("test.Inner", [
  { no: 1, name: "a", kind: "scalar", T: ScalarType.INT32 },
  { no: 2, name: "every", kind: "message", T: () => Every },
  { no: 3, name: "b", kind: "scalar", T: ScalarType.INT32 },
]);

/** Field numbers: those of the kinds in their order, after each of these. */
export const NUMBERS = {
  one: 1,
  list: 21,
  apart: 41,
  oneof: 61,
  toKind: 81,
  byKind: 101,
  wellKnown: 121,
  lists: 151,
  names: 181,
};

const KEY_TYPES: ReadonlySet<string> = new Set([
  "i32",
  "i64",
  "u32",
  "u64",
  "s32",
  "s64",
  "fx32",
  "fx64",
  "sfx32",
  "sfx64",
  "flag",
  "str",
]);

/** The kinds that may be keys of a map. */
export const KEY_KINDS = Object.keys(KINDS).filter((name) => KEY_TYPES.has(name));

const wrapper = (name: string, T: ScalarType): AnyType =>
  new MessageType<Fields>(`google.protobuf.${name}`, [{ no: 1, name: "value", ...scalar(T) }]);

const WELL_KNOWN: Readonly<Record<string, IMessageType<object>>> = {
  any: Any,
  took: Duration,
  at: Timestamp,
  mask: FieldMask,
  struct: Struct,
  value: Value,
  values: ListValue,
  empty: Empty,
  dbl_box: wrapper("DoubleValue", ScalarType.DOUBLE),
  flt_box: wrapper("FloatValue", ScalarType.FLOAT),
  i64_box: wrapper("Int64Value", ScalarType.INT64),
  u64_box: wrapper("UInt64Value", ScalarType.UINT64),
  i32_box: wrapper("Int32Value", ScalarType.INT32),
  u32_box: wrapper("UInt32Value", ScalarType.UINT32),
  flag_box: wrapper("BoolValue", ScalarType.BOOL),
  str_box: wrapper("StringValue", ScalarType.STRING),
  data_box: wrapper("BytesValue", ScalarType.BYTES),
};

/** Names and what protoc makes of them for JSON; protobuf-ts's generated code says it where its own rule differs. */
const NAMES: Readonly<Record<string, string>> = {
  plain1: "plain1",
  two_words2: "twoWords2",
  _first3: "First3",
  two__4_: "two4",
  with5digit: "with5digit",
  with_6_digit: "with6Digit",
  mixedCase7: "mixedCase7",
  Upper8: "Upper8",
  _Upper9: "Upper9",
  ALL_CAPS10: "ALLCAPS10",
  last11_: "last11",
};

function fields(): Parameters<typeof create>[0] {
  const kinds = Object.entries(KINDS);
  const { one, list, apart, oneof, toKind, byKind, wellKnown, lists, names } = NUMBERS;
  const repeated = ({ wireType }: Kind) => (wireType === 2 ? RepeatType.UNPACKED : RepeatType.PACKED);
  return [
    ...kinds.map(([name, { part }], index) => ({ no: one + index, name, ...part })),
    ...kinds.map(([name, kind], index) => ({
      no: list + index,
      name: `${name}_list`,
      repeat: repeated(kind),
      ...kind.part,
    })),
    ...kinds.map(([name, { part }], index) => ({
      no: apart + index,
      name: `${name}_apart`,
      repeat: RepeatType.UNPACKED,
      ...part,
    })),
    ...kinds.map(([name, { part }], index) => ({ no: oneof + index, name: `or_${name}`, oneof: "choice", ...part })),
    { no: oneof + kinds.length, name: "or_null", oneof: "choice", kind: "enum", T: () => NULL_VALUE } as const,
    ...kinds.map(([name, { part }], index) => ({
      no: toKind + index,
      name: `to_${name}`,
      kind: "map" as const,
      K: ScalarType.STRING as const,
      V: part,
    })),
    ...KEY_KINDS.map((name, index) => mapBy(byKind + index, name)),
    ...Object.entries(WELL_KNOWN).map(([name, type], index) => ({
      no: wellKnown + index,
      name,
      kind: "message" as const,
      T: () => type,
    })),
    ...Object.entries(WELL_KNOWN).map(([name, type], index) => ({
      no: lists + index,
      name: `${name}_list`,
      kind: "message" as const,
      repeat: RepeatType.UNPACKED,
      T: () => type,
    })),
    ...Object.entries(NAMES).map(([name, jsonName], index) => ({
      no: names + index,
      name,
      jsonName,
      kind: "scalar" as const,
      T: ScalarType.INT32,
    })),
    { no: names + Object.keys(NAMES).length, name: "null", kind: "enum", T: () => NULL_VALUE },
  ];
}

function mapBy(no: number, name: string) {
  const part = KINDS[name]?.part;
  if (part?.kind !== "scalar") throw new Error(`${name} is no key`);
  const K = part.T as Exclude<ScalarType, ScalarType.DOUBLE | ScalarType.FLOAT | ScalarType.BYTES>;
  return { no, name: `by_${name}`, kind: "map" as const, K, V: part };
}

function create(list: ConstructorParameters<typeof MessageType<Fields>>[1]): AnyType {
  return new MessageType<Fields>("test.Every", list);
}

/** A message with fields of every type, in every way that proto3 has. */
export const Every: AnyType = create(fields());

export function fieldOf(name: string): FieldInfo {
  const field = Every.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new Error(`no field ${name}`);
  return field;
}
