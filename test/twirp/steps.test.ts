/** Reading a request takes steps in proportion to its bytes at most, whatever they are. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { BinaryReaders } from "../../packages/twirp/src/codec/binary-reader.ts";
import { TypeRegistry } from "../../packages/twirp/src/codec/fields.ts";
import { JsonReaders } from "../../packages/twirp/src/codec/json-reader.ts";
import { DecodingRules, UNLIMITED } from "../../packages/twirp/src/codec/limits.ts";
import { type Form, type Forms, steepOf } from "../setup/growth.ts";
import { StepCounter } from "../setup/step-counter.ts";
import { AllTypes, type AnyType, Envelope, Holder } from "./all-types.ts";

/** Fields of each kind of reader; the type's other fields share theirs. */
const SCALARS = "text small_int big_int small_uint big_uint dbl flt flag data color at took mask boxed".split(" ");
const COLLECTIONS = "tags counts nested choice_nested extra by_id by_flag colors longs items".split(" ");
const NUMBERS = [1, 2, 3, 6, 7, 8, 9, 11, 12, 13, 15, 16, 18, 20, 23, 24, 25, 26, 29, 30, 999];

/** The smaller of the two sizes that are compared. */
const SIZE = 512;

// Counting blocks makes code slow.
vi.setConfig({ testTimeout: 120_000 });

let counter: StepCounter;
beforeAll(() => {
  counter = new StepCounter();
});
afterAll(() => counter.close());

const readers = new JsonReaders(new TypeRegistry([AllTypes, Holder, Envelope]), UNLIMITED);
const binaryReaders = new BinaryReaders(UNLIMITED);
const readJson = (type: AnyType, text: string) => readers.read(type, Buffer.from(text));

/** The forms whose steps grow faster than their size. */
const steep = <Input>(forms: Forms<Input>, read: (input: Input) => unknown) => steepOf(counter, SIZE, forms, read);

function listed(count: number, element: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => element(index)).join(",");
}

const zeros = (count: number) => "0".repeat(count);

const numbers: Forms = {
  sevens: (size) => "7".repeat(size),
  "a round number": (size) => `1${zeros(size)}`,
  "zeros within": (size) => `1${zeros(size)}1.0`,
  "zeros within, with an exponent": (size) => `1${zeros(size)}1e0`,
  "zeros within, many times": (size) => `${"10".repeat(size)}.0`,
  "a fraction of zeros": (size) => `1.${zeros(size)}`,
  "a small fraction": (size) => `0.${zeros(size)}1`,
  "a fraction of sevens": (size) => `0.${"7".repeat(size)}`,
  "an exponent of zeros": (size) => `1e${zeros(size)}1`,
  "an exponent of nines": (size) => `1e${"9".repeat(size)}`,
  "a negative exponent of zeros": (size) => `1e-${zeros(size)}1`,
  "1, with zeros and an exponent": (size) => `1${zeros(size)}e-${size}`,
  "1, with a fraction and an exponent": (size) => `0.${zeros(size - 1)}1e${size}`,
  "halfway between two floats": (size) => `1.00000005960464477539062500${zeros(size)}1`,
  "a negative number": (size) => `-${"9".repeat(size)}`,
  "leading zeros": (size) => `${zeros(size)}1`,
  "a sign": (size) => `+${zeros(size)}1`,
  "many signs": (size) => "-".repeat(size),
  "many points": (size) => "1.".repeat(size),
  "many exponents": (size) => "1e".repeat(size),
};

const texts: Forms = {
  letters: (size) => "a".repeat(size),
  spaces: (size) => `${" ".repeat(size)}1`,
  "spaces after": (size) => `1${" ".repeat(size)}x`,
  "two bytes each": (size) => "é".repeat(size),
  "four bytes each": (size) => "🦊".repeat(size),
  "short escapes": (size) => "\\n".repeat(size),
  backslashes: (size) => "\\\\".repeat(size),
  "long escapes": (size) => "\\u0041".repeat(size),
  surrogates: (size) => "\\ud83d\\ude00".repeat(size),
  "unpaired surrogates": (size) => "\\ud800".repeat(size),
  "bad escapes": (size) => "\\x".repeat(size),
  base64: (size) => "QUJD".repeat(size),
  "base64 for URLs": (size) => "-_-_".repeat(size),
  "base64 of both kinds": (size) => `${"+".repeat(size)}_`,
  padding: (size) => "=".repeat(size),
  "padding within": (size) => "AA==".repeat(size),
  "a time with a long fraction": (size) => `2026-01-01T00:00:00.${zeros(size)}Z`,
  "a time with a long year": (size) => `${"2".repeat(size)}-01-01T00:00:00Z`,
  "many times": (size) => "2026-01-01T00:00:00Z".repeat(size),
  "a long span": (size) => `1${zeros(size)}s`,
  "a span with leading zeros": (size) => `${zeros(size)}1s`,
  "a span with a long fraction": (size) => `1.${zeros(size)}s`,
  "points and an s": (size) => `${".".repeat(size)}s`,
  "paths of a mask": (size) => listed(size, () => "a"),
  "one path of many parts": (size) => Array.from({ length: size }, () => "a").join("."),
  "one path of many words": (size) => "aB".repeat(size),
  capitals: (size) => "A".repeat(size),
  commas: (size) => ",".repeat(size),
  "names of an enum": (size) => "COLOR_".repeat(size),
  infinities: (size) => "-Infinity".repeat(size),
};

const quoted = (forms: Forms): Forms =>
  Object.fromEntries(
    Object.entries(forms).map(([name, form]): [string, Form] => [`"${name}"`, (size) => `"${form(size)}"`]),
  );

const ELEMENTS: Forms = {
  numbers: () => "1",
  fractions: () => "1.0",
  text: () => '"a"',
  "text numbers": () => '"1"',
  true: () => "true",
  null: () => "null",
  objects: () => "{}",
  lists: () => "[]",
  "objects with members": () => '{"text":"a","small_int":1,"flag":true}',
  times: () => '"2026-01-01T00:00:00Z"',
  spans: () => '"1.5s"',
};

const nestedIn = (open: string, close: string, depth: number, within: string) =>
  `${open.repeat(depth)}${within}${close.repeat(depth)}`;

const collections: Forms = Object.fromEntries([
  ...Object.entries(ELEMENTS).flatMap(([name, element]): [string, Form][] => [
    [`a list of ${name}`, (size) => `[${listed(size, element)}]`],
    [`a map of ${name}`, (size) => `{${listed(size, (index) => `"k${index}":${element(index)}`)}}`],
    [`a map of numbers to ${name}`, (size) => `{${listed(size, (index) => `"${size - index}":${element(index)}`)}}`],
    [
      `a map of large numbers to ${name}`,
      (size) => `{${listed(size, (index) => `"${index}00000":${element(index)}`)}}`,
    ],
    [`a deep list of ${name}`, (size) => nestedIn("[", "]", 90, listed(size, element))],
    [`messages with lists of ${name}`, (size) => `{"extra":{"a":[${listed(size, element)}]}}`],
  ]),
  ["names that escape", (size) => `{${listed(size, (index) => `"\\u006b${index}":1`)}}`],
  ["a long name", (size) => `{"${"n".repeat(size)}":1}`],
  ["a long number for a name", (size) => `{"${"9".repeat(size)}":1}`],
  ["zeros for a name", (size) => `{"${zeros(size)}1":1}`],
  ["a name with a sign", (size) => `{"-${zeros(size)}":1}`],
  ["the same name", (size) => `{${listed(size, () => '"a":1')}}`],
  ["unknown names", (size) => `{${listed(size, (index) => `"unknown${index}":[{"a":1}]`)}}`],
  ["a message in a message", (size) => nestedIn('{"nested":', "}", 90, `{"text":"${"a".repeat(size)}"}`)],
  ["a choice in a choice", (size) => nestedIn('{"choice_nested":', "}", 90, `{"tags":[${listed(size, () => '"a"')}]}`)],
  ["too deep", (size) => "[".repeat(size)],
  ["too deep objects", (size) => '{"nested":'.repeat(size)],
  ["space before", (size) => `${" \n\t\r".repeat(size)}1`],
  ["space within", (size) => `[${" ".repeat(size)}1${" ".repeat(size)},${" ".repeat(size)}2 ]`],
  ["space in an object", (size) => `{${" ".repeat(size)}"a"${" ".repeat(size)}:${" ".repeat(size)}1 }`],
  ["nothing but space", (size) => " ".repeat(size)],
  ["no end", (size) => `[${listed(size, () => "1")}`],
  ["no end of text", (size) => `"${"a".repeat(size)}`],
  ["commas", (size) => `[${",".repeat(size)}]`],
]);

const scalars: Forms = { ...numbers, ...quoted(numbers), ...quoted(texts) };
const values: Forms = { ...scalars, ...collections };

describe("JSON", () => {
  test.each([
    ...SCALARS.map((field) => [field, scalars] as const),
    ...COLLECTIONS.map((field) => [field, collections] as const),
    ["unknown", values] as const,
  ])("a value of %s", (field, forms) => {
    expect(steep(forms, (value) => readJson(AllTypes, `{"${field}":${value}}`))).toEqual([]);
  });

  test("a value of any type", () => {
    expect(steep(values, (value) => readJson(Holder, `{"free":${value}}`))).toEqual([]);
  });

  test("a whole body", () => {
    expect(steep(values, (value) => readJson(AllTypes, value))).toEqual([]);
  });

  test.each(["content", "enclosures", "by_name"])("messages of any type in %s", (field) => {
    const open = (type: string) => `{"@type":"x/test.${type}"`;
    const within = `${open("Envelope")},"content":`;
    const contents: Forms = {
      ...collections,
      "a long type": (size) => `{"@type":"x/${"t".repeat(size)}"}`,
      "a type of many parts": (size) => `{"@type":"${"x/".repeat(size)}test.AllTypes"}`,
      "the type at the end": (size) => `{"tags":[${listed(size, () => '"a"')}],"@type":"x/test.AllTypes"}`,
      "many types": (size) => `{${listed(size, () => '"@type":"x/test.AllTypes"')}}`,
      "a list of them": (size) => `[${listed(size, () => `${open("AllTypes")},"text":"a"}`)}]`,
      "a map of them": (size) => `{${listed(size, (index) => `"k${index}":${open("AllTypes")},"flag":true}`)}}`,
      "lists of them in one": (size) =>
        `${open("Envelope")},"enclosures":[${listed(size, () => `${open("Envelope")},"enclosures":[{}]}`)}]}`,
      "one in another": (size) => nestedIn(within, "}", 90, `${open("AllTypes")},"text":"${"a".repeat(size)}"}`),
      "one in another, without end": (size) => within.repeat(size),
    };
    expect(steep(contents, (value) => readJson(Envelope, `{"${field}":${value}}`))).toEqual([]);
  });

  test("a body that is not UTF-8", () => {
    const bodies = { "at the end": (size: number) => Buffer.concat([Buffer.alloc(size, 0x20), Buffer.from([0xff])]) };
    expect(steep(bodies, (body) => readers.read(AllTypes, body))).toEqual([]);
  });
});

type Bytes = readonly number[];
type BytesOf = (size: number) => Buffer;

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 0x80))];
}

const tag = (number: number, wireType: number) => varint(number * 8 + wireType);
const part = (bytes: Bytes) => [...varint(bytes.length), ...bytes];
const repeated = (size: number, bytes: (index: number) => Bytes) =>
  Buffer.from(Array.from({ length: size }, (_, index) => bytes(index)).flat());

/** A field over and over again in every form that the wire has, right or wrong. */
function occurrencesOf(number: number): Readonly<Record<string, BytesOf>> {
  const each = (wireType: number, value: (index: number) => Bytes): BytesOf => {
    return (size) => repeated(size, (index) => [...tag(number, wireType), ...value(index)]);
  };
  const packed = (bytes: Bytes): BytesOf => {
    return (size) => Buffer.from([...tag(number, 2), ...part(Array.from({ length: size }, () => bytes).flat())]);
  };
  const entry = (key: Bytes, value: Bytes) => part([...key, ...value]);
  return {
    "short varints": each(0, (index) => varint(index)),
    "long varints": each(0, () => [...Array<number>(9).fill(0xff), 1]),
    "8 bytes": each(1, () => Array<number>(8).fill(7)),
    "4 bytes": each(5, () => Array<number>(4).fill(7)),
    "no bytes": each(2, () => [0]),
    "text of one letter": each(2, () => part([0x61])),
    "text that is no UTF-8": each(2, () => part([0xff])),
    "a nested field": each(2, () => part([...tag(1, 2), ...part([0x61])])),
    "a nested unknown field": each(2, () => part([...tag(999, 0), 1])),
    "one part, long": (size) => Buffer.from([...tag(number, 2), ...part(Array<number>(size).fill(0x61))]),
    "one part of four-byte letters": (size) =>
      Buffer.from([...tag(number, 2), ...part([...Buffer.from("🦊".repeat(size))])]),
    "one part of unknown fields": packed([...tag(999, 0), 1]),
    "one part of nested messages": packed([...tag(13, 2), 0]),
    "one part of map entries": packed([...tag(12, 2), 0]),
    "packed varints": packed([1]),
    "packed long varints": packed([...Array<number>(9).fill(0xff), 1]),
    "packed 4 bytes": packed([1, 2, 3, 4]),
    "packed 8 bytes": packed([1, 2, 3, 4, 5, 6, 7, 8]),
    "entries of text": each(2, (index) =>
      entry([...tag(1, 2), ...part([...Buffer.from(`k${index}`)])], [...tag(2, 0), 1]),
    ),
    "entries of numbers": each(2, (index) => entry([...tag(1, 0), ...varint(index)], [...tag(2, 2), 0])),
    "entries with one key": each(2, () => entry([...tag(1, 2), ...part([0x61])], [...tag(2, 0), 1])),
    "an entry with many keys": packed([...tag(1, 2), ...part([0x61])]),
    "an entry with many values": packed([...tag(2, 2), 0]),
    groups: each(3, () => tag(number, 4)),
    "groups that hold something": each(3, () => [...tag(999, 0), 1, ...tag(number, 4)]),
    "one group": (size) =>
      Buffer.concat([
        Buffer.from(tag(number, 3)),
        repeated(size, () => [...tag(999, 0), 1]),
        Buffer.from(tag(number, 4)),
      ]),
    "groups without end": each(3, () => []),
    "ends of groups": each(4, () => []),
    "another number between": (size) =>
      repeated(size, (index) => (index % 2 === 0 ? [...tag(number, 2), 0] : [...tag(15, 2), ...part([0x61])])),
    "a length beyond the end": (size) =>
      Buffer.concat([Buffer.from([...tag(number, 2), ...varint(size * 2)]), Buffer.alloc(size)]),
  };
}

describe("protobuf", () => {
  test.each(NUMBERS)("field %i", (number) => {
    expect(steep(occurrencesOf(number), (body) => binaryReaders.read(AllTypes, body))).toEqual([]);
  });

  test("maps with limits, between each other", () => {
    const elements = { "test.AllTypes.by_id": 1e6, "test.AllTypes.counts": 1e6 };
    const limited = new BinaryReaders(new DecodingRules({ elements }, new TypeRegistry([AllTypes])));
    const count = (index: number) => [...tag(12, 2), ...part([...tag(1, 2), ...part([...Buffer.from(`${index}`)])])];
    const id = (index: number) => [
      ...tag(23, 2),
      ...part([...tag(1, 0), ...varint(index), ...tag(2, 2), ...part(count(0))]),
    ];
    const bodies: Forms<Buffer> = { both: (size) => repeated(size, (index) => [...id(index), ...count(index)]) };
    expect(steep(bodies, (body) => limited.read(AllTypes, body))).toEqual([]);
  });

  test("deep messages", () => {
    const deep = (size: number) => {
      let bytes: Bytes = repeated(size, () => [...tag(11, 2), ...part([0x61])]).toJSON().data;
      for (let depth = 0; depth < 90; depth += 1) bytes = [...tag(13, 2), ...part(bytes)];
      return Buffer.from(bytes);
    };
    const bodies: Readonly<Record<string, BytesOf>> = {
      deep,
      "many of them": (size) => Buffer.concat(Array.from({ length: size / 128 }, () => deep(128))),
    };
    expect(steep(bodies, (body) => binaryReaders.read(AllTypes, body))).toEqual([]);
  });
});

test("quadratic work is found", () => {
  const bodies: Forms = { zeros: (size) => `1${zeros(size)}1` };
  expect(steep(bodies, (text) => text.replace(/0+$/, ""))).toEqual([expect.stringMatching(/^zeros: 3\.9|^zeros: 4/)]);
  expect(steep(bodies, (text) => BigInt(text))).toHaveLength(1);
  const again = (text: string) => [...text].map((_, index) => text.slice(index));
  expect(steep(bodies, again)).toHaveLength(1);
  const loop = (text: string) => {
    let found = 0;
    for (const one of text) for (const other of text) found += one === other ? 1 : 0;
    return found;
  };
  expect(steep(bodies, loop)).toHaveLength(1);
});
