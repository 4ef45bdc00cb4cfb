import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TypeRegistry } from "../../packages/twirp/src/codec/fields.ts";
import { JsonReaders } from "../../packages/twirp/src/codec/json-reader.ts";
import { UNLIMITED } from "../../packages/twirp/src/codec/limits.ts";
import { AllTypes, Holder } from "./all-types.ts";

const readers = new JsonReaders(new TypeRegistry([AllTypes]), UNLIMITED);

function read(text: string | Buffer) {
  return readers.read(AllTypes, Buffer.from(text));
}

describe("a field is read from", () => {
  test.each<[json: string, property: string, value: unknown]>([
    ['{"text":"a\\u00e9\\n\\ud83d\\ude00"}', "text", "aé\n😀"],
    ['{"text":null}', "text", ""],
    ['{"small_int":1e2}', "smallInt", 100],
    ['{"smallInt":"12"}', "smallInt", 12],
    ['{"small_int":-2147483648}', "smallInt", -2147483648],
    ['{"small_int":1.0}', "smallInt", 1],
    ['{"small_int":100e-2}', "smallInt", 1],
    ['{"small_int":0.0}', "smallInt", 0],
    ['{"small_int":-0}', "smallInt", 0],
    ['{"small_uint":4294967295}', "smallUint", 4294967295],
    ['{"big_int":9007199254740993}', "bigInt", 9007199254740993n],
    ['{"big_int":"9007199254740993"}', "bigInt", 9007199254740993n],
    ['{"big_int":-9223372036854775808}', "bigInt", -(2n ** 63n)],
    ['{"big_int":9223372036854775807}', "bigInt", 2n ** 63n - 1n],
    ['{"big_int":9.007199254740993e15}', "bigInt", 9007199254740993n],
    ['{"big_uint":"18446744073709551615"}', "bigUint", 2n ** 64n - 1n],
    ['{"dbl":"NaN"}', "dbl", Number.NaN],
    ['{"dbl":"-Infinity"}', "dbl", Number.NEGATIVE_INFINITY],
    ['{"dbl":"1.5"}', "dbl", 1.5],
    ['{"flt":0.1}', "flt", Math.fround(0.1)],
    // Halfway between two floats lies a double, to which all three are rounded.
    ['{"flt":1.00000017881393432617187499}', "flt", 1.0000001192092896],
    ['{"flt":1.000000178813934326171875}', "flt", 1.0000002384185791],
    ['{"flt":"1.00000017881393432617187501"}', "flt", 1.0000002384185791],
    ['{"flt":-1.00000017881393432617187499}', "flt", -1.0000001192092896],
    ['{"flt":16777217}', "flt", 16777216],
    ['{"flt":16777217.000000000001}', "flt", 16777218],
    ['{"flt":16777219}', "flt", 16777220],
    ['{"flt":3.4028235677973366e38}', "flt", 3.4028234663852886e38],
    ['{"flt":340282356779733661637539395458142568447}', "flt", 3.4028234663852886e38],
    ['{"flt":7.006492321624085e-46}', "flt", 0],
    ['{"flt":7.0064923216240862e-46}', "flt", 1.401298464324817e-45],
    ['{"flt":-0.0}', "flt", -0],
    ['{"small_uint":-0}', "smallUint", 0],
    ['{"small_uint":"-0"}', "smallUint", 0],
    ['{"small_uint":-0.0}', "smallUint", 0],
    ['{"small_uint":-0e5}', "smallUint", 0],
    ['{"big_uint":-0}', "bigUint", 0n],
    ['{"big_uint":"-0.0"}', "bigUint", 0n],
    ['{"took":"315576000000.999999999s"}', "took", { seconds: 315_576_000_000n, nanos: 999_999_999 }],
    ['{"took":"-315576000000.999999999s"}', "took", { seconds: -315_576_000_000n, nanos: -999_999_999 }],
    ['{"flag":true}', "flag", true],
    ['{"data":"+/8="}', "data", new Uint8Array([251, 255])],
    ['{"data":"-_8"}', "data", new Uint8Array([251, 255])],
    // MIME encoders break lines.
    ['{"data":"QUJD\\r\\nREVG"}', "data", new Uint8Array(Buffer.from("ABCDEF"))],
    ['{"data":"QUI\\n\\n"}', "data", new Uint8Array(Buffer.from("AB"))],
    ['{"data":"QUI=\\r\\n\\r\\n"}', "data", new Uint8Array(Buffer.from("AB"))],
    ['{"color":"COLOR_RED"}', "color", 1],
    ['{"color":99}', "color", 99],
    ['{"tags":["a",""]}', "tags", ["a", ""]],
    ['{"tags":null}', "tags", []],
    ['{"maybe_text":""}', "maybeText", ""],
    ['{"maybe_text":null}', "maybeText", undefined],
    ['{"choice_text":"a","choice_nested":null}', "choice", { oneofKind: "choiceText", choiceText: "a" }],
    ['{"customName":"x"}', "renamed", "x"],
    ['{"renamed":"x"}', "renamed", "x"],
    ['{"at":"2024-02-29T23:59:59.5+01:30"}', "at", { seconds: 1709245799n, nanos: 500_000_000 }],
    ['{"at":"0001-01-01T00:00:00Z"}', "at", { seconds: -62135596800n, nanos: 0 }],
    ['{"took":"-1.5s"}', "took", { seconds: -1n, nanos: -500_000_000 }],
    ['{"took":"0.000000001s"}', "took", { seconds: 0n, nanos: 1 }],
    ['{"mask":"text,displayName.subField"}', "mask", { paths: ["text", "display_name.sub_field"] }],
    ['{"mask":""}', "mask", { paths: [] }],
    ['{"mask":" "}', "mask", { paths: [] }],
    ['{"mask":"\\u0085\\t aB,c \\u00a0\\u3000"}', "mask", { paths: ["a_b", "c"] }],
    ['{"boxed":"5"}', "boxed", { value: 5n }],
    ['{"colors":["COLOR_RED",2]}', "colors", [1, 2]],
    ['{"longs":["-1",2]}', "longs", [-1n, 2n]],
    ['  \n{ "flag" :\ttrue }\r\n ', "flag", true],
  ])("%s", (json, property, value) => {
    expect(read(json)[property]).toEqual(value);
  });
});

test("map keys are data, whatever their text", () => {
  const message = read('{"counts":{"__proto__":5,"constructor":1},"by_id":{"007":{}},"by_flag":{"true":"COLOR_BLUE"}}');
  expect(Object.entries(message["counts"] ?? {})).toEqual([
    ["__proto__", 5],
    ["constructor", 1],
  ]);
  expect(Object.keys(message["byId"] ?? {})).toEqual(["7"]);
  expect(Object.entries(message["byFlag"] ?? {})).toEqual([["true", 2]]);
});

test("null is a value of its own in a google.protobuf.Value", () => {
  const message = readers.read(Holder, Buffer.from('{"free":null}'));
  expect(message).toEqual({ free: { kind: { oneofKind: "nullValue", nullValue: 0 } } });
});

test("unknown fields are skipped and change nothing", () => {
  const message = read(
    '{"__proto__":{"text":"x"},"constructor":{"prototype":{"a":[1,{}]}},"toString":null,"TEXT":"y"}',
  );
  expect(message).toEqual(AllTypes.create());
  expect(Object.getPrototypeOf({})).not.toHaveProperty("text");
});

describe("no message is read from", () => {
  test.each<[json: string, reason: RegExp]>([
    ["", /expected an object/],
    ["true", /expected an object/],
    ["[]", /expected an object/],
    ["{} x", /unexpected text after/],
    ["\ufeff{}", /expected an object/],
    ['{"text":"a",}', /expected a string/],
    ['{"text" "a"}', /expected a colon/],
    ['{"text":"a" "flag":true}', /expected a comma/],
    ['{"text":"a', /unterminated/],
    ['{"text":"\n"}', /control character/],
    ['{"text":"\\x"}', /bad escape/],
    ['{"text":"\\ud800"}', /surrogate/],
    ['{"zzz":"\\udc00"}', /surrogate/],
    ['{"zzz":tru}', /expected true/],
    ['{"zzz":01}', /leading zero/],
    ['{"zzz":1.}', /after the point/],
    ['{"zzz":1e}', /exponent/],
    ['{"zzz":+1}', /expected a value/],
    ['{"zzz":NaN}', /expected a value/],
    ['{"text":5}', /text: expected a string/],
    ['{"text":"a","text":"b"}', /text: given twice/],
    ['{"small_int":1,"smallInt":1}', /small_int: given twice/],
    ['{"renamed":"a","customName":null}', /renamed: given twice/],
    ['{"small_int":1.5}', /32-bit/],
    ['{"small_int":"abc"}', /32-bit/],
    ['{"small_int":""}', /32-bit/],
    ['{"small_int":" 1"}', /32-bit/],
    ['{"small_int":"+1"}', /32-bit/],
    ['{"small_int":"0x1"}', /32-bit/],
    ['{"small_int":true}', /32-bit/],
    ['{"small_int":2147483648}', /32-bit/],
    ['{"small_int":1.00000000000000000001}', /32-bit/],
    ['{"small_uint":-1}', /unsigned/],
    ['{"big_int":"9223372036854775808"}', /64-bit/],
    ['{"big_int":9223372036854775808}', /64-bit/],
    ['{"big_int":1e400000000}', /64-bit/],
    ['{"big_int":0.5}', /64-bit/],
    ['{"dbl":1e400}', /double/],
    ['{"dbl":"inf"}', /double/],
    ['{"flt":3.5e38}', /float/],
    ['{"flt":340282356779733661637539395458142568448}', /float/],
    ['{"flag":1}', /true or false/],
    ['{"flag":"true"}', /true or false/],
    ['{"data":"@@"}', /base64/],
    ['{"data":"a"}', /base64/],
    ['{"data":"ab="}', /base64/],
    ['{"data":"QUI=\\n"}', /base64/],
    ['{"data":"QU\\nI"}', /base64/],
    ['{"data":"QU\\r\\n"}', /base64/],
    ['{"data":"QUJD REVG"}', /base64/],
    ['{"data":"+_=="}', /base64/],
    ['{"color":"NOPE"}', /unknown enum name/],
    ['{"color":"color_red"}', /unknown enum name/],
    ['{"color":1.5}', /enum number/],
    ['{"tags":"x"}', /tags: expected an array/],
    ['{"tags":[null]}', /tags: expected a string/],
    ['{"counts":[]}', /counts: expected an object/],
    ['{"counts":{"a":null}}', /counts: expected/],
    ['{"counts":{"a":1,"a":2}}', /given twice/],
    ['{"by_id":{"1":{},"01":{}}}', /given twice/],
    ['{"by_id":{"abc":{}}}', /bad map key/],
    ['{"by_flag":{"yes":0}}', /bad map key/],
    ['{"nested":"x"}', /expected an object for test.AllTypes/],
    ['{"choice_text":"a","choice_nested":{}}', /choice is set already/],
    ['{"at":"yesterday"}', /RFC 3339/],
    ['{"at":"2023-02-29T00:00:00Z"}', /RFC 3339/],
    ['{"at":"2024-01-01T24:00:00Z"}', /RFC 3339/],
    ['{"at":"0001-01-01T00:00:00+01:00"}', /RFC 3339/],
    ['{"at":"2024-01-01T00:00:00.1234567890Z"}', /RFC 3339/],
    ['{"took":"3x"}', /duration/],
    ['{"took":"s"}', /duration/],
    ['{"took":"315576000001s"}', /duration/],
    ['{"mask":"snake_case"}', /lowerCamelCase/],
    ['{"mask":"a, b"}', /lowerCamelCase/],
    ['{"mask":"\\ufeffa"}', /lowerCamelCase/],
    ['{"extra":{"a":1,"a":2}}', /given twice/],
    ['{"extra":[]}', /expected an object/],
  ])("%j", (json, reason) => {
    expect(() => read(json)).toThrow(reason);
  });

  test("bytes that are not UTF-8", () => {
    expect(() => read(Buffer.from('{"text":"\xff\xfe"}', "latin1"))).toThrow("body is not valid UTF-8");
  });

  test("more than a hundred levels", () => {
    const nest = (depth: number) => `${'{"nested":'.repeat(depth)}{}${"}".repeat(depth)}`;
    expect(read(nest(99))).toBeDefined();
    expect(() => read(nest(100))).toThrow("nesting deeper than 100");
    expect(() => read(`{"zzz":${"[".repeat(100_000)}`)).toThrow("nesting deeper than 100");
  });
});

test("whatever is read is JSON to JSON.parse too", () => {
  const piece = fc.constantFrom(
    ...'{}[]",:\\ue+-.019 tfn',
    '"text"',
    '"dbl"',
    '"nested":{',
    "true",
    "null",
    "1e5",
    "\\ud800",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = `{${pieces.join("")}`;
      let accepted = true;
      try {
        read(text);
      } catch (error) {
        accepted = false;
        expect(error).toBeInstanceOf(SyntaxError);
      }
      if (accepted) JSON.parse(text);
    }),
    { numRuns: 5000 },
  );
});

test("any object that JSON.stringify writes is read, its unknown members skipped", () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string({ unit: "binary" }).map((name) => `x-${name}`),
        fc.jsonValue(),
      ),
      (object) => {
        expect(read(JSON.stringify(object))).toEqual(AllTypes.create());
      },
    ),
  );
});
