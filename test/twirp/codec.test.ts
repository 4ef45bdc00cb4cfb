import { LongType, MessageType, ScalarType, UnknownFieldHandler } from "@protobuf-ts/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import { Timestamp } from "../../generated/server/google/protobuf/timestamp.ts";
import { BinaryReaders } from "../../packages/twirp/src/codec/binary-reader.ts";
import { MessageCodecs } from "../../packages/twirp/src/codec/codec.ts";
import { TypeRegistry } from "../../packages/twirp/src/codec/fields.ts";
import type { WriteOptions } from "../../packages/twirp/src/codec/json-writer.ts";
import { UNLIMITED } from "../../packages/twirp/src/codec/limits.ts";
import { AllTypes, type AnyType, Duration, type Fields, Struct } from "./all-types.ts";
import { messages } from "./messages.ts";

function codecOf(type: AnyType, options: Partial<WriteOptions> = {}) {
  return new MessageCodecs({ emitDefaults: true, camelCase: false, ...options }, new TypeRegistry([type])).of(type);
}

const codec = codecOf(AllTypes);

const readBinary = (type: AnyType, body: Buffer) => new BinaryReaders(UNLIMITED).read(type, body);

function write(fields: Fields): Fields {
  return JSON.parse(codec.writeJson(AllTypes.create(fields)));
}

describe("against protobuf-ts", () => {
  test("JSON is the same", () => {
    // protobuf-ts leaves out an unset message field, which Go writes as null.
    const comparable = (_key: string, value: unknown) => (value === null ? undefined : value);
    fc.assert(
      fc.property(messages(2, true), (message) => {
        const theirs = AllTypes.toJsonString(message, { emitDefaultValues: true, useProtoFieldName: true });
        expect(JSON.parse(codec.writeJson(message), comparable)).toEqual(JSON.parse(theirs, comparable));
      }),
    );
  });

  test("JSON does not depend on the order in which a message declares its fields", () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...AllTypes.fields]),
        fc.boolean(),
        messages(1, true),
        (fields, emit, message) => {
          const type = new MessageType<Fields>("test.Shuffled", fields);
          const { writeJson } = codecOf(type, { emitDefaults: emit });
          const shuffled = Object.fromEntries(Object.entries(message));
          const theirs = type.toJsonString(shuffled, { emitDefaultValues: emit, useProtoFieldName: true });
          const comparable = (_key: string, value: unknown) => (value === null ? undefined : value);
          expect(JSON.parse(writeJson(shuffled), comparable)).toEqual(JSON.parse(theirs, comparable));
        },
      ),
    );
  });

  test("they read the JSON that is written here", () => {
    fc.assert(
      fc.property(messages(2, true), (message) => {
        expect(AllTypes.fromJsonString(codec.writeJson(message))).toEqual(message);
      }),
    );
  });

  test("binary is the same to the byte", () => {
    fc.assert(
      fc.property(messages(), (message) => {
        expect(codec.writeBinary(message).toString("hex")).toBe(
          Buffer.from(AllTypes.toBinary(message)).toString("hex"),
        );
      }),
    );
  });

  test.each<[string, Fields]>([
    ["text of 127 bytes", { text: "x".repeat(127) }],
    ["text of 128 bytes", { text: "x".repeat(128) }],
    ["text of 16384 bytes, beyond ASCII", { text: "\u{1f600}".repeat(4096) }],
    ["an unpaired surrogate", { text: "a\ud800b" }],
    [
      "text of 2 MiB two levels down",
      { nested: AllTypes.create({ items: [AllTypes.create({ text: "é".repeat(2 ** 20) })] }) },
    ],
    ["bytes that outgrow the writer", { data: new Uint8Array(5000).fill(7) }],
    ["a packed list of 1000", { longs: Array.from({ length: 1000 }, (_, index) => BigInt(index) ** 6n) }],
    [
      "64-bit integers around 2^32, 2^53 and their ends",
      {
        longs: [31n, 32n, 52n, 53n, 62n].flatMap((bits) => [2n ** bits - 1n, 2n ** bits, -(2n ** bits)]),
        bigUint: 2n ** 64n - 1n,
        bigInt: -(2n ** 63n),
      },
    ],
    ["map keys of each kind", { byId: { "-9223372036854775808": AllTypes.create() }, byFlag: { true: 1, false: 2 } }],
  ])("binary is the same to the byte for %s", (_what, fields) => {
    const message = AllTypes.create(fields);
    expect(codec.writeBinary(message).equals(AllTypes.toBinary(message))).toBe(true);
  });

  test("binary has the negative zero that protobuf-ts leaves out and Go writes", () => {
    expect(codec.writeBinary(AllTypes.create({ dbl: -0 })).toString("hex")).toBe("310000000000000080");
  });

  test("binary is read as the same message", () => {
    fc.assert(
      fc.property(messages(), (message) => {
        const bytes = new Uint8Array(codec.writeBinary(message));
        expect(readBinary(AllTypes, Buffer.from(bytes))).toEqual(AllTypes.fromBinary(bytes));
      }),
    );
  });
});

test("messages are the same after writing and reading", () => {
  fc.assert(
    fc.property(messages(), (message) => {
      expect(codec.readJson(Buffer.from(codec.writeJson(message)))).toEqual(message);
      expect(readBinary(AllTypes, codec.writeBinary(message))).toEqual(message);
    }),
  );
});

describe("JSON is written", () => {
  test("with every field that is not optional, as Go does", () => {
    expect(write({})).toEqual({
      text: "",
      small_int: 0,
      big_int: "0",
      small_uint: 0,
      big_uint: "0",
      dbl: 0,
      flt: 0,
      flag: false,
      data: "",
      color: "COLOR_UNSPECIFIED",
      tags: [],
      counts: {},
      nested: null,
      renamed: "",
      at: null,
      took: null,
      extra: null,
      mask: null,
      boxed: null,
      by_id: {},
      by_flag: {},
      colors: [],
      longs: [],
      zigzag: 0,
      fixed: 0,
      fixed_long: "0",
      items: [],
    });
  });

  test("without zero values, if the option says so", () => {
    const sparse = codecOf(AllTypes, { emitDefaults: false });
    expect(sparse.writeJson(AllTypes.create())).toBe("{}");
    const message = AllTypes.create({ maybeText: "", choice: { oneofKind: "choiceText", choiceText: "" }, flag: true });
    expect(sparse.writeJson(message)).toBe('{"flag":true,"maybe_text":"","choice_text":""}');
    expect(sparse.writeJson(AllTypes.create({ text: "0" }))).toBe('{"text":"0"}');
  });

  test("in lowerCamelCase, if the option says so", () => {
    const camel = codecOf(AllTypes, { emitDefaults: false, camelCase: true });
    const message = AllTypes.create({ smallInt: 1, renamed: "x" });
    expect(camel.writeJson(message)).toBe('{"smallInt":1,"customName":"x"}');
  });

  test.each<[name: string, fields: Fields, value: unknown]>([
    ["flt", { flt: Math.fround(0.1) }, 0.1],
    ["flt", { flt: Math.fround(3.4028234663852886e38) }, 3.4028235e38],
    ["flt", { flt: Math.fround(1.4e-45) }, 1e-45],
    ["flt", { flt: 16_777_216 }, 16_777_216],
    ["dbl", { dbl: Number.NaN }, "NaN"],
    ["dbl", { dbl: Number.NEGATIVE_INFINITY }, "-Infinity"],
    ["dbl", { dbl: -0 }, -0],
    ["color", { color: 99 }, 99],
    ["text", { text: "a\ud800" }, "a\ufffd"],
    ["at", { at: { seconds: 1n, nanos: 678_000_000 } }, "1970-01-01T00:00:01.678Z"],
    ["at", { at: { seconds: 1n, nanos: 1 } }, "1970-01-01T00:00:01.000000001Z"],
    ["took", { took: { seconds: -1n, nanos: -500_000 } }, "-1.000500s"],
    ["mask", { mask: { paths: ["text", "display_name"] } }, "text,displayName"],
    ["mask", { mask: { paths: ["_a.b_c1._d"] } }, "A.bC1.D"],
    ["boxed", { boxed: { value: 5n } }, "5"],
  ])("%s: %o", (name, fields, value) => {
    expect(write(fields)[name]).toBe(value);
  });

  test("of a Struct with any keys and values", () => {
    const json = '{"a":[1,null,{"b":true,"c":"x"}],"__proto__":{"d":[]}}';
    const struct = codecOf(Struct);
    expect(struct.writeJson(struct.readJson(Buffer.from(json)))).toBe(json);
  });

  test("of maps with the keys of Object's own members", () => {
    const json = codec.writeJson(codec.readJson(Buffer.from('{"counts":{"__proto__":5,"constructor":1}}')));
    expect(json.toString()).toContain('"counts":{"__proto__":5,"constructor":1}');
  });
});

describe("refuses to write", () => {
  test.each<[string, unknown]>([
    ["a string", "text"],
    ["an array", []],
    ["another message", Timestamp.create()],
    ["an object of other fields", { unexpected: true }],
  ])("%s", (_what, message) => {
    expect(() => codec.writeJson(message)).toThrow(TypeError);
    expect(() => codec.writeBinary(message)).toThrow(TypeError);
  });

  test.each<[string, Fields]>([
    ["text", { text: 5 }],
    ["small_int", { smallInt: 2 ** 31 }],
    ["small_int", { smallInt: 1.5 }],
    ["small_uint", { smallUint: -1 }],
    ["big_int", { bigInt: 2n ** 63n }],
    ["flag", { flag: undefined }],
    ["data", { data: "AA==" }],
    ["color", { color: "COLOR_RED" }],
    ["tags", { tags: "x" }],
    ["tags", { tags: {} }],
    ["data", { data: [] }],
    ["counts", { counts: [] }],
    ["nested", { nested: "x" }],
    ["items", { items: [undefined] }],
    ["choice_text", { choice: "x" }],
  ])("a wrong %s: %o", (name, fields) => {
    const message = { ...AllTypes.create(), ...fields };
    expect(() => codec.writeJson(message)).toThrow(`test.AllTypes.${name}: expected`);
    expect(() => codec.writeBinary(message)).toThrow(`test.AllTypes.${name}: expected`);
  });

  test("a wrong message, and leaves nothing of it in the next", () => {
    expect(() => codec.writeBinary(AllTypes.create({ text: "begun", items: ["x"] }))).toThrow(TypeError);
    expect(codec.writeBinary(AllTypes.create({ flag: true })).toString("hex")).toBe("4001");
  });

  test.each(["", ".", "a.", "1foo", "a..b", "a_", "a__b", "a_1", "a_B", "A", "é", "a b"])(
    "a mask with %j, which is not a list of field names or would be read as another",
    (path) => {
      expect(() => write({ mask: { paths: ["a", path] } })).toThrow(RangeError);
    },
  );

  test("times out of range, or a mask that JSON cannot spell", () => {
    expect(() => write({ at: { seconds: 253_402_300_800n, nanos: 0 } })).toThrow(RangeError);
    expect(() => write({ at: { seconds: 0n, nanos: -1 } })).toThrow(RangeError);
    expect(() => write({ mask: { paths: ["notReversible"] } })).toThrow(RangeError);
    expect(() => codecOf(Duration).writeJson({ seconds: 1n, nanos: -1 })).toThrow(RangeError);
  });
});

describe("binary", () => {
  test.each<[what: string, hex: string]>([
    ["a truncated varint", "1080"],
    ["a varint of eleven bytes", "10ffffffffffffffffffff01"],
    ["a varint of more than 64 bits", "10ffffffffffffffffff02"],
    ["field zero", "0001"],
    ["a field number that is too large", "808080801001"],
    ["wire type 6", "0e"],
    ["a group that ends without a beginning", "0c"],
    ["a group that never ends", "bb3e"],
    ["a group that ends as another", "bb3ec43e"],
    ["a length of 4 GiB", "0affffffff0f"],
    ["a length beyond the end", "0a05616263"],
    ["a length beyond its parent", "6a030a05616263"],
    ["a fixed32 that is cut off", "e501000000"],
    ["a string that is not UTF-8", "0a02fffe"],
    ["a packed list that is cut off in an element", "d2010180"],
  ])("refuses %s", (_what, hex) => {
    expect(() => codec.readBinary(Buffer.from(hex, "hex"))).toThrow(RangeError);
  });

  test.each<[what: string, hex: string, back?: string]>([
    ["nothing", ""],
    ["an unknown field", "b83e05"],
    ["an unknown group", "bb3e0801bc3e"],
    ["a known field in another wire type", "0801"],
    ["a negative int32", "10ffffffffffffffffff01"],
    ["the last of two values", "10011002", "1002"],
    ["an unpacked list", "c80101c80102", "ca01020102"],
    ["a message in two parts", "6a030a01616a021005", "6a050a01611005"],
    ["the oneof member that came last", "7a0161820100", "820100"],
    ["an optional field with its zero value", "7200"],
  ])("reads and writes %s", (_what, hex, back = hex) => {
    const message = codec.readBinary(Buffer.from(hex, "hex"));
    expect(codec.writeBinary(message).toString("hex")).toBe(back);
  });

  test("keeps map keys, whatever their text", () => {
    const hex = "620d0a095f5f70726f746f5f5f1005";
    const message = codec.readBinary(Buffer.from(hex, "hex"));
    expect(codec.writeJson(message)).toContain('"counts":{"__proto__":5}');
    expect(codec.writeBinary(message).toString("hex")).toBe(hex);
  });

  test("remembers unknown fields as protobuf-ts does", () => {
    const message = readBinary(AllTypes, Buffer.from("b83e05", "hex"));
    expect(UnknownFieldHandler.list(message)).toEqual([{ no: 999, wireType: 0, data: new Uint8Array([5]) }]);
  });

  test("is the same for generated code as for reflection, whatever the bytes", () => {
    const tag = (number: number, wireType: number) => [((number & 15) << 3) | wireType | 0x80, number >> 4];
    const data = fc.uint8Array({ minLength: 8, maxLength: 8 });
    const field = fc
      .tuple(fc.integer({ min: 1, max: 24 }), fc.constantFrom(0, 1, 2, 5), data, fc.nat({ max: 8 }))
      .map(([number, wireType, bytes, length]) => {
        const value = { 0: [length], 1: bytes, 2: [length, ...bytes.slice(0, length)], 5: bytes.slice(0, 4) }[wireType];
        return [...tag(number, wireType), ...(value ?? [])];
      });
    const part = fc
      .tuple(fc.integer({ min: 1, max: 24 }), fc.array(field, { maxLength: 3 }))
      .map(([number, fields]) => [...tag(number, 2), fields.flat().length, ...fields.flat()]);
    const bodies = fc.array(fc.oneof(field, part, fc.uint8Array({ maxLength: 3 })), { maxLength: 6 });
    const outcomeOf = (type: AnyType, body: Buffer) => {
      try {
        const message = readBinary(type, body);
        return { message, written: codecOf(type).writeBinary(message).toString("hex") };
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        return { error };
      }
    };
    const types: AnyType[] = FinanceService.methods.flatMap(({ I, O }) => [I, O]);
    const pairs = types.map((type) => [type, new MessageType<Fields>(type.typeName, [...type.fields])] as const);
    fc.assert(
      fc.property(fc.constantFrom(...pairs), bodies, ([generated, reflected], parts) => {
        const body = Buffer.from(parts.flatMap((bytes) => [...bytes]));
        expect(outcomeOf(generated, body)).toEqual(outcomeOf(reflected, body));
      }),
      { numRuns: 2000 },
    );
  });

  test("refuses 64-bit integers that a JavaScript number does not hold", () => {
    const type: AnyType = new MessageType<Fields>("test.Numbers", [
      { no: 1, name: "signed", kind: "scalar", T: ScalarType.INT64, L: LongType.NUMBER },
      { no: 2, name: "unsigned", kind: "scalar", T: ScalarType.UINT64, L: LongType.NUMBER },
    ]);
    const read = (hex: string) => readBinary(type, Buffer.from(hex, "hex"));
    expect(read("08ffffffffffffff0f10ffffffffffffff0f")).toEqual({ signed: 2 ** 53 - 1, unsigned: 2 ** 53 - 1 });
    for (const hex of ["088080808080808010", "10ffffffffffffffffff01"]) expect(() => read(hex)).toThrow(RangeError);
  });

  test("stops at a hundred levels", () => {
    const nest = (depth: number): Buffer => {
      let bytes: Buffer = Buffer.alloc(0);
      for (let level = 0; level < depth; level += 1) {
        const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7];
        bytes = Buffer.concat([Buffer.from([0x6a, ...length]), bytes]);
      }
      return bytes;
    };
    expect(codec.readBinary(nest(100))).toBeDefined();
    expect(() => codec.readBinary(nest(101))).toThrow("nesting deeper than 100");
    expect(() => codec.readBinary(Buffer.alloc(100_000, 0x0b))).toThrow("nesting deeper than 100");
  });

  test("throws nothing but a RangeError, and writes again what it reads", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.tuple(messages(1), fc.nat(), fc.nat({ max: 255 })).map(([message, at, byte]) => {
        const spoiled = new Uint8Array(codec.writeBinary(message));
        if (spoiled.length > 0) spoiled[at % spoiled.length] = byte;
        return spoiled;
      }),
    );
    fc.assert(
      fc.property(bytes, (body) => {
        let message: object;
        try {
          message = codec.readBinary(Buffer.from(body));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          return;
        }
        const written = codec.writeBinary(message);
        expect(codec.writeBinary(codec.readBinary(written)).toString("hex")).toBe(written.toString("hex"));
      }),
      { numRuns: 2000 },
    );
  });
});
