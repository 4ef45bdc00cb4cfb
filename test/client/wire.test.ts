/** The client's small wire format against @bufbuild/protobuf/wire. */
import * as full from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BinaryReader, BinaryWriter } from "../../packages/client/src/wire.ts";

type Value =
  | { readonly kind: "int32"; readonly value: number }
  | { readonly kind: "int64"; readonly value: bigint }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "message"; readonly value: readonly Value[] };

const { values } = fc.letrec<{ values: readonly Value[]; value: Value }>((tie) => ({
  values: fc.array(tie("value"), { maxLength: 6 }),
  value: fc.oneof(
    { maxDepth: 3 },
    fc.record({ kind: fc.constant("int32" as const), value: fc.integer() }),
    fc.record({ kind: fc.constant("int64" as const), value: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) }),
    fc.record({ kind: fc.constant("bool" as const), value: fc.boolean() }),
    fc.record({ kind: fc.constant("string" as const), value: fc.string({ unit: "grapheme" }) }),
    fc.record({ kind: fc.constant("message" as const), value: tie("values") }),
  ),
}));

/** Written by the client. */
function write(content: readonly Value[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const { kind, value } of content) {
    if (kind === "message") writer.delimited(write(value));
    else if (kind === "int64") writer.int64(value);
    else if (kind === "string") writer.string(value);
    else writer.int32(Number(value));
  }
  return writer.finish();
}

/** Written by @bufbuild/protobuf/wire. */
function writeFully(writer: full.BinaryWriter, content: readonly Value[]): full.BinaryWriter {
  for (const { kind, value } of content) {
    if (kind === "message") writeFully(writer.fork(), value).join();
    else if (kind === "int64") writer.int64(value);
    else if (kind === "bool") writer.bool(value);
    else if (kind === "string") writer.string(value);
    else writer.int32(value);
  }
  return writer;
}

function read(reader: BinaryReader, content: readonly Value[]): readonly Value[] {
  return content.map((wanted): Value => {
    const { kind } = wanted;
    if (kind === "message") {
      const end = reader.uint32() + reader.pos;
      const value = read(reader, wanted.value);
      expect(reader.pos).toBe(end);
      return { kind, value };
    }
    if (kind === "int64") return { kind, value: reader.int64() };
    if (kind === "bool") return { kind, value: reader.bool() };
    if (kind === "string") return { kind, value: reader.string() };
    return { kind, value: reader[kind]() };
  });
}

test("it writes the same bytes as the reference, and reads them back", () => {
  fc.assert(
    fc.property(values, (content) => {
      const bytes = write(content);
      expect(bytes).toEqual(new Uint8Array(writeFully(new full.BinaryWriter(), content).finish()));
      const reader = new BinaryReader(bytes);
      expect(read(reader, content)).toEqual(content);
      expect(reader.pos).toBe(reader.len);
    }),
  );
});

test.each<[what: string, tag: number, content: readonly number[]]>([
  ["a varint of ten bytes", 0, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ["a fixed64", 1, [1, 2, 3, 4, 5, 6, 7, 8]],
  ["bytes", 2, [3, 1, 2, 3]],
  ["a fixed32", 5, [1, 2, 3, 4]],
])("it passes over %s, as a newer service may send", (_, wireType, content) => {
  const reader = new BinaryReader(Uint8Array.from([...content, 7]));
  reader.skip(wireType);
  expect(reader.pos).toBe(content.length);
  expect(reader.uint32()).toBe(7);
});

describe("it refuses", () => {
  test.each<[what: string, read: (reader: BinaryReader) => unknown, bytes: readonly number[]]>([
    ["nothing", (reader) => reader.uint32(), []],
    ["a varint without an end", (reader) => reader.int64(), [0x80, 0x80]],
    ["a varint of more than ten bytes", (reader) => reader.int64(), Array(11).fill(0x80)],
    ["a text that ends too early", (reader) => reader.string(), [5, 65]],
    ["a text that is no UTF-8", (reader) => reader.string(), [1, 0xff]],
    ["to pass over more than there is", (reader) => reader.skip(2), [4, 1]],
    ["to pass over a group", (reader) => reader.skip(3), [1]],
    ["a wire type that there is not", (reader) => reader.skip(7), [1]],
  ])("%s", (_, act, bytes) => {
    expect(() => act(new BinaryReader(Uint8Array.from(bytes)))).toThrow();
  });
});
