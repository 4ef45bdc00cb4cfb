/** The rules of proto3's two formats, as Google's conformance suite tests them, on a message with fields of every type. */
import { describe, expect, test } from "vitest";
import { MessageCodecs } from "../../packages/twirp/src/codec/codec.ts";
import { TypeRegistry } from "../../packages/twirp/src/codec/fields.ts";
import { Every, fieldOf, Inner, KEY_KINDS, KINDS, NUMBERS } from "./every-type.ts";
import { READ_AND_WRITTEN, UNREADABLE, UNWRITABLE } from "./protobuf-rules.ts";

const codec = new MessageCodecs({ emitDefaults: false, camelCase: true }, new TypeRegistry([Every, Inner])).of(Every);

const kinds = Object.entries(KINDS).map(([name, kind], index) => ({ name, index, ...kind }));

function varint(value: number): string {
  const rest = Math.floor(value / 128);
  return rest === 0 ? hexByte(value) : hexByte((value % 128) + 128) + varint(rest);
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, "0");
}

function tag(number: number, wireType: number): string {
  return varint(number * 8 + wireType);
}

function delimited(number: number, hex: string): string {
  return tag(number, 2) + varint(hex.length / 2) + hex;
}

function read(hex: string): object {
  return codec.readBinary(Buffer.from(hex, "hex"));
}

/** The JSON of a message that is given in its wire format, from which it is read again. */
function jsonOf(hex: string): string {
  const json = codec.writeJson(read(hex));
  expect(codec.writeJson(codec.readJson(Buffer.from(json)))).toBe(json);
  const again = codec.writeBinary(read(hex));
  expect(codec.writeJson(codec.readBinary(again))).toBe(json);
  return json;
}

describe("JSON is read and written by the rule", () => {
  test.each(READ_AND_WRITTEN)("%s", (_rule, json, written) => {
    const message = codec.readJson(Buffer.from(json));
    expect(codec.writeJson(message)).toBe(written);
    expect(codec.writeJson(codec.readBinary(codec.writeBinary(message)))).toBe(written);
  });
});

describe("JSON is refused by the rule", () => {
  test.each(UNREADABLE)("%s", (_rule, json) => {
    expect(() => codec.readJson(Buffer.from(json))).toThrow(/ at offset \d+$/);
  });
});

describe("no JSON is written by the rule", () => {
  test.each(UNWRITABLE)("%s", (_rule, fields) => {
    const message = codec.readBinary(codec.writeBinary(Every.create(fields)));
    expect(() => codec.writeJson(message)).toThrow(/range|finite|no JSON form/);
  });
});

describe.each(kinds)("a field of type $name", ({ name, index, wireType, values }) => {
  const jsonName = fieldOf(name).jsonName;
  const numbers = { one: NUMBERS.one + index, list: NUMBERS.list + index, apart: NUMBERS.apart + index };
  const [zero = ["", ""], some = zero] = values;
  const last = values.at(-1) ?? zero;
  // A message has presence, and what is empty and unset differ.
  const isMessage = name === "msg";
  const isPacked = wireType !== 2;

  test("ValidDataScalar, ValidDataScalarBinary", () => {
    for (const [hex, json] of values) {
      const isShown = json !== zero[1] || isMessage;
      expect(jsonOf(tag(numbers.one, wireType) + hex)).toBe(isShown ? `{"${jsonName}":${json}}` : "{}");
    }
  });

  test("RepeatedScalarSelectsLast, RepeatedScalarMessageMerge", () => {
    const twice = tag(numbers.one, wireType) + last[0] + tag(numbers.one, wireType) + some[0];
    expect(jsonOf(twice)).toBe(`{"${jsonName}":${some[1]}}`);
  });

  test("ValidDataRepeated, packed and not, for a field of either kind", () => {
    const list = `[${values.map(([, json]) => json).join(",")}]`;
    const packed = (number: number) => delimited(number, values.map(([hex]) => hex).join(""));
    const apart = (number: number) => values.map(([hex]) => tag(number, wireType) + hex).join("");
    for (const [field, number] of [
      ["List", numbers.list],
      ["Apart", numbers.apart],
    ] as const) {
      expect(jsonOf(apart(number))).toBe(`{"${jsonName}${field}":${list}}`);
      if (isPacked) expect(jsonOf(packed(number))).toBe(`{"${jsonName}${field}":${list}}`);
    }
    const written = (hex: string) => codec.writeBinary(read(hex)).toString("hex");
    expect(written(apart(numbers.list))).toBe(isPacked ? packed(numbers.list) : apart(numbers.list));
    expect(written(apart(numbers.apart))).toBe(apart(numbers.apart));
  });

  test("ValidDataOneof: DefaultValue, NonDefaultValue, MultipleValuesForSameField", () => {
    const member = (hex: string) => tag(NUMBERS.oneof + index, wireType) + hex;
    const or = fieldOf(`or_${name}`).jsonName;
    expect(jsonOf(member(zero[0]))).toBe(`{"${or}":${zero[1]}}`);
    expect(jsonOf(member(some[0]))).toBe(`{"${or}":${some[1]}}`);
    expect(jsonOf(member(zero[0]) + member(some[0]))).toBe(`{"${or}":${some[1]}}`);
    expect(codec.writeBinary(read(member(zero[0]))).toString("hex")).toBe(member(zero[0]));
  });

  test("ValidDataOneof: MultipleValuesForDifferentField", () => {
    const or = fieldOf(`or_${name}`).jsonName;
    const member = tag(NUMBERS.oneof + index, wireType) + some[0];
    for (const other of kinds) {
      if (other.name === name) continue;
      const [, value = ["", ""]] = other.values;
      expect(jsonOf(tag(NUMBERS.oneof + other.index, other.wireType) + value[0] + member)).toBe(`{"${or}":${some[1]}}`);
    }
  });

  test("ValidDataMap, to this type: Default, MissingDefault, NonDefault, Unordered and duplicates", () => {
    const key = `${tag(1, 2)}0161`;
    const value = (hex: string) => tag(2, wireType) + hex;
    const entry = (hex: string) => delimited(NUMBERS.toKind + index, hex);
    const to = fieldOf(`to_${name}`).jsonName;
    expect(jsonOf(entry(`${tag(1, 2)}00${value(zero[0])}`))).toBe(`{"${to}":{"":${zero[1]}}}`);
    expect(jsonOf(entry(""))).toBe(`{"${to}":{"":${zero[1]}}}`);
    expect(jsonOf(entry(key + value(some[0])))).toBe(`{"${to}":{"a":${some[1]}}}`);
    expect(jsonOf(entry(value(some[0]) + key))).toBe(`{"${to}":{"a":${some[1]}}}`);
    expect(jsonOf(entry(key + value(last[0])) + entry(key + value(some[0])))).toBe(`{"${to}":{"a":${some[1]}}}`);
    expect(jsonOf(entry(`${tag(1, 2)}0162${key}${value(some[0])}`))).toBe(`{"${to}":{"a":${some[1]}}}`);
    expect(jsonOf(entry(key + value(last[0]) + value(some[0])))).toBe(`{"${to}":{"a":${some[1]}}}`);
  });

  test("PrematureEof, before a value, inside it, and in packed or delimited data", () => {
    const unknown = 4000;
    for (const number of [numbers.one, numbers.list, numbers.apart, unknown]) {
      const before = tag(number, wireType);
      expect(() => read(before)).toThrow(RangeError);
      for (let end = 2; end < some[0].length; end += 2) {
        const cut = some[0].slice(0, end);
        if (cut !== some[0]) expect(() => read(before + cut), cut).toThrow(RangeError);
      }
      if (wireType === 2) expect(() => read(`${before}01`)).toThrow(RangeError);
      // A group begins, and never ends.
      expect(() => read(tag(number, 3))).toThrow(RangeError);
    }
    if (isPacked) {
      expect(() => read(`${tag(numbers.list, 2)}01`)).toThrow(RangeError);
      const value = wireType === 0 ? "80" : some[0].slice(2);
      expect(() => read(delimited(numbers.list, value))).toThrow(RangeError);
    }
    // In a nested message whose length is right.
    expect(() => read(delimited(NUMBERS.one + 16, tag(1, 0)))).toThrow(RangeError);
  });
});

describe.each(KEY_KINDS)("a map by %s", (name) => {
  const number = NUMBERS.byKind + KEY_KINDS.indexOf(name);
  const kind = KINDS[name] ?? { wireType: 0, values: [] };
  const by = fieldOf(`by_${name}`).jsonName;
  const unquoted = (json: string) => json.replaceAll('"', "");

  test("ValidDataMap, with every key", () => {
    for (const [hex, json] of kind.values) {
      const entry = delimited(number, tag(1, kind.wireType) + hex + tag(2, kind.wireType) + hex);
      expect(jsonOf(entry)).toBe(`{"${by}":{"${unquoted(json)}":${json}}}`);
    }
  });

  test("ValidDataMap: MissingDefault", () => {
    const [, zero = ""] = kind.values[0] ?? [];
    expect(jsonOf(delimited(number, ""))).toBe(`{"${by}":{"${unquoted(zero)}":${zero}}}`);
  });
});

describe("binary is read by the rule", () => {
  const inner = NUMBERS.one + 16;
  const orInner = NUMBERS.oneof + 16;
  test.each<[rule: string, hex: string, json: string]>([
    ["RepeatedScalarMessageMerge", delimited(inner, "0801") + delimited(inner, "1802"), '{"msg":{"a":1,"b":2}}'],
    [
      "ValidDataOneof.MESSAGE.Merge",
      delimited(orInner, "0801") + delimited(orInner, "1802"),
      '{"orMsg":{"a":1,"b":2}}',
    ],
    [
      "ValidDataMap.STRING.MESSAGE.MergeValue",
      delimited(NUMBERS.toKind + 16, `0a0161${delimited(2, "0801")}${delimited(2, "1802")}`),
      '{"toMsg":{"a":{"a":1,"b":2}}}',
    ],
    ["OneofZeroMessageSetTwice", delimited(orInner, "") + delimited(orInner, ""), '{"orMsg":{}}'],
    ["a boolean of any other number", `${tag(13, 0)}8001`, '{"flag":true}'],
    ["an int32 of more bits, which are cut off", `${tag(3, 0)}ffffffffffffffffff01`, '{"i32":-1}'],
    ["an enum that is not known", `${tag(16, 0)}4d`, '{"mood":77}'],
    ["FloatFieldNormalizeQuietNan", `${tag(2, 5)}2301c0ff`, '{"flt":"NaN"}'],
    ["FloatFieldNormalizeSignalingNan", `${tag(2, 5)}2301807f`, '{"flt":"NaN"}'],
    ["DoubleFieldNormalizeQuietNan", `${tag(1, 1)}230100000000f8ff`, '{"dbl":"NaN"}'],
    ["DoubleFieldNormalizeSignalingNan", `${tag(1, 1)}230100000000f07f`, '{"dbl":"NaN"}'],
    ["a known number in another form, which is unknown", `${tag(1, 0)}01${tag(3, 0)}01`, '{"i32":1}'],
    [
      "unknown fields of every form",
      `${tag(3000, 0)}01${tag(3001, 1)}0000000000000000${tag(3002, 2)}0161${tag(3003, 5)}00000000${tag(3004, 3)}0801${tag(3004, 4)}`,
      "{}",
    ],
  ])("%s", (_rule, hex, json) => {
    expect(jsonOf(hex)).toBe(json);
  });

  test("UnknownVarint, UnknownOrdering: unknown fields are kept, in their order", () => {
    const unknown = `${tag(3000, 0)}7b${tag(3001, 2)}0161${tag(3000, 0)}7c`;
    expect(codec.writeBinary(read(unknown)).toString("hex")).toBe(unknown);
  });
});

describe("binary is refused by the rule", () => {
  test.each<[rule: string, hex: string]>([
    ["IllegalZeroFieldNum_Case_0", "0001"],
    ["IllegalZeroFieldNum_Case_1", "010000000000000000"],
    ["IllegalZeroFieldNum_Case_2", "020101"],
    ["IllegalZeroFieldNum_Case_3", "0500000000"],
    ["BadTag_FieldNumberTooHigh", "88808080800101"],
    ["BadTag_FieldNumberSlightlyTooHigh", "888080804001"],
    ["BadTag_VarintMoreThanTenBytes", "88808080808080808080800001"],
    ["UnmatchedEndGroup", tag(201, 4)],
    ["UnmatchedEndGroupWrongType", tag(1, 4)],
    ["UnmatchedEndGroupNestedLen", delimited(17, tag(1234, 4))],
    ["UnmatchedEndGroupNested", tag(201, 3) + tag(202, 4) + tag(201, 4)],
    ["UnmatchedEndGroupWithData", `${tag(1, 4)}120161`],
    ["UnmatchedStartGroup", tag(201, 3)],
    ["UnmatchedStartGroupNestedLen", delimited(17, tag(1234, 3))],
    ["UnmatchedStartGroupNested", tag(201, 3) + tag(202, 3) + tag(201, 4)],
    ["UnmatchedStartGroupWithData", `${tag(1, 3)}120161`],
    ["MismatchedGroupTags", `${tag(201, 3)}120161${tag(202, 4)}`],
    ["MismatchedNestedGroupTags", `${tag(201, 3)}${tag(202, 3)}120161${tag(203, 4)}${tag(201, 4)}`],
    ["RejectInvalidUtf8.String", delimited(14, "ff")],
    ["RejectInvalidUtf8.String.Oneof", delimited(NUMBERS.oneof + 13, "c0")],
    ["RejectInvalidUtf8.String.MapKey", delimited(NUMBERS.toKind, "0a01ff")],
    ["RejectInvalidUtf8.String.MapValue", delimited(NUMBERS.toKind + 13, "1201ff")],
    ["PrematureEofInSubmessageValue", delimited(17, "1202")],
  ])("%s", (_rule, hex) => {
    expect(() => read(hex)).toThrow(RangeError);
  });
});
