import { ServiceType } from "@protobuf-ts/runtime-rpc";
import { TwirpServer } from "twirp-ts";
import { describe, expect, test, vi } from "vitest";
import { MessageCodecs } from "../../packages/twirp/src/codec/codec.ts";
import { TypeRegistry } from "../../packages/twirp/src/codec/fields.ts";
import { JsonCursor } from "../../packages/twirp/src/codec/json-cursor.ts";
import type { CallContext } from "../../packages/twirp/src/index.ts";
import { settingsOf } from "../../packages/twirp/src/options.ts";
import { compileRouting } from "../../packages/twirp/src/routing.ts";
import { Any, type AnyType, Empty, Envelope, type Fields, Holder } from "./all-types.ts";

const PREFIX = "type.googleapis.com/";

function codecOf(type: AnyType, emitDefaults = false, types: readonly AnyType[] = [Envelope, Holder, Empty]) {
  return new MessageCodecs({ emitDefaults, camelCase: false }, new TypeRegistry(types)).of(type);
}

const codec = codecOf(Envelope);

function read(json: string): Fields {
  return { ...codec.readJson(Buffer.from(json)) };
}

/** An Any as generated code has it. */
function pack(name: string, hex: string): Fields {
  return { typeUrl: PREFIX + name, value: new Uint8Array(Buffer.from(hex, "hex")) };
}

const innermost = '{"@type":"type.googleapis.com/test.AllTypes","small_int":5}';

describe("an Any in JSON is both read and written as", () => {
  test.each<[what: string, json: string, name: string, hex: string]>([
    [
      "the fields of its message",
      '{"@type":"type.googleapis.com/test.AllTypes","small_int":5}',
      "test.AllTypes",
      "1005",
    ],
    ["no fields", '{"@type":"type.googleapis.com/test.AllTypes"}', "test.AllTypes", ""],
    [
      "fields of every kind",
      '{"@type":"type.googleapis.com/test.AllTypes","big_int":"-1","tags":["a"],"nested":{"flag":true},"took":"1s"}',
      "test.AllTypes",
      "18ffffffffffffffffff015a01616a0240019a01020801",
    ],
    [
      "a wrapper",
      '{"@type":"type.googleapis.com/google.protobuf.Int64Value","value":"5"}',
      "google.protobuf.Int64Value",
      "0805",
    ],
    [
      "a Duration",
      '{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.500s"}',
      "google.protobuf.Duration",
      "08011080cab5ee01",
    ],
    [
      "a Timestamp",
      '{"@type":"type.googleapis.com/google.protobuf.Timestamp","value":"1970-01-01T00:00:05Z"}',
      "google.protobuf.Timestamp",
      "0805",
    ],
    [
      "a FieldMask",
      '{"@type":"type.googleapis.com/google.protobuf.FieldMask","value":"a,bC"}',
      "google.protobuf.FieldMask",
      "0a01610a03625f63",
    ],
    [
      "a Struct",
      '{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"a":1}}',
      "google.protobuf.Struct",
      "0a0e0a0161120911000000000000f03f",
    ],
    [
      "a ListValue",
      '{"@type":"type.googleapis.com/google.protobuf.ListValue","value":[true]}',
      "google.protobuf.ListValue",
      "0a022001",
    ],
    [
      "a Value that is an object",
      '{"@type":"type.googleapis.com/google.protobuf.Value","value":{"a":null}}',
      "google.protobuf.Value",
      "2a090a070a016112020800",
    ],
    [
      "a Value that is a number",
      '{"@type":"type.googleapis.com/google.protobuf.Value","value":1}',
      "google.protobuf.Value",
      "11000000000000f03f",
    ],
    [
      "a Value that is null",
      '{"@type":"type.googleapis.com/google.protobuf.Value","value":null}',
      "google.protobuf.Value",
      "0800",
    ],
    ["an Empty", '{"@type":"type.googleapis.com/google.protobuf.Empty","value":{}}', "google.protobuf.Empty", ""],
    ["an empty Any", '{"@type":"type.googleapis.com/google.protobuf.Any","value":{}}', "google.protobuf.Any", ""],
    [
      "another Any",
      `{"@type":"type.googleapis.com/google.protobuf.Any","value":${innermost}}`,
      "google.protobuf.Any",
      `0a21${Buffer.from("type.googleapis.com/test.AllTypes").toString("hex")}12021005`,
    ],
  ])("%s", (_what, content, name, hex) => {
    const message = read(`{"content":${content}}`);
    expect(message["content"]).toEqual(pack(name, hex));
    expect(codec.writeJson(Envelope.create(message))).toBe(`{"content":${content}}`);
  });

  test("an empty object for an empty Any", () => {
    expect(read('{"content":{}}')["content"]).toEqual({ typeUrl: "", value: new Uint8Array(0) });
    expect(codec.writeJson(Envelope.create({ content: { typeUrl: "", value: new Uint8Array(0) } }))).toBe(
      '{"content":{}}',
    );
  });

  test("an element of a list and a value of a map", () => {
    const json = `{"enclosures":[${innermost},{}],"by_name":{"a":${innermost}}}`;
    expect(codec.writeJson(Envelope.create(read(json)))).toBe(json);
  });
});

describe("an Any is read from JSON", () => {
  test.each<[what: string, content: string, name: string, hex: string]>([
    ["with @type last", '{"small_int":5,"@type":"type.googleapis.com/test.AllTypes"}', "test.AllTypes", "1005"],
    [
      "with @type behind value",
      '{"value":"5","@type":"type.googleapis.com/google.protobuf.Int64Value"}',
      "google.protobuf.Int64Value",
      "0805",
    ],
    [
      "with unknown fields, which are dropped",
      '{"@type":"type.googleapis.com/google.protobuf.Int64Value","value":5,"x":[{}]}',
      "google.protobuf.Int64Value",
      "0805",
    ],
    [
      "with an escape in the name @type",
      '{"\\u0040type":"type.googleapis.com/test.AllTypes","small_int":5}',
      "test.AllTypes",
      "1005",
    ],
    [
      "with an Empty that has no value, as other languages write it",
      '{"@type":"type.googleapis.com/google.protobuf.Empty"}',
      "google.protobuf.Empty",
      "",
    ],
    [
      "with a type that has a field named value",
      '{"@type":"type.googleapis.com/test.Holder","free":5}',
      "test.Holder",
      "0a09110000000000001440",
    ],
  ])("%s", (_what, content, name, hex) => {
    expect(read(`{"content":${content}}`)["content"]).toEqual(pack(name, hex));
  });

  test.each(["test.AllTypes", "/test.AllTypes", "https://example.com/a/b/test.AllTypes"])(
    "with the URL %s, of which only the end counts but all is kept",
    (url) => {
      expect(read(`{"content":{"@type":"${url}","small_int":5}}`)["content"]).toEqual({
        typeUrl: url,
        value: new Uint8Array([0x10, 5]),
      });
    },
  );

  test("as empty without an @type, because all its fields are unknown then", () => {
    expect(read('{"content":{"value":"","typeUrl":"x","a":{"@type":5}}}')["content"]).toEqual({
      typeUrl: "",
      value: new Uint8Array(0),
    });
  });

  test("as unset from null", () => {
    expect(read('{"content":null}')["content"]).toBeUndefined();
  });

  test("with an @type in a Struct, which is plain data there", () => {
    const json = '{"content":{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"@type":5}}}';
    expect(codec.writeJson(Envelope.create(read(json)))).toBe(json);
  });

  // Otherwise the innermost would be read through once for each Any around it.
  test("any number of them, because an @type is not an unknown field", () => {
    const enclosures = Array(10_001).fill('{"@type":"test.AllTypes"}');
    expect(read(`{"enclosures":[${enclosures}]}`)["enclosures"]).toHaveLength(10_001);
  });

  test("with one look-ahead, however deep Anys are nested", () => {
    const nested = (depth: number): string =>
      depth === 0 ? innermost : `{"value":${nested(depth - 1)},"@type":"google.protobuf.Any"}`;
    const lookAhead = vi.spyOn(JsonCursor.prototype, "lookAhead");
    try {
      read(`{"content":${nested(40)}}`);
      expect(lookAhead).toHaveBeenCalledTimes(1);
    } finally {
      lookAhead.mockRestore();
    }
  });
});

describe("no Any is read from", () => {
  test.each<[content: string, reason: RegExp]>([
    ['"text"', /expected an object for google.protobuf.Any/],
    ["[]", /expected an object for google.protobuf.Any/],
    ['{"@type":"type.googleapis.com/test.Missing"}', /@type: "type.googleapis.com\/test.Missing" is not a type/],
    ['{"@type":"not_a_url","value":""}', /@type: "not_a_url" is not a type/],
    ['{"@type":"type.googleapis.com/"}', /is not a type/],
    ['{"@type":"","value":""}', /@type: expected a type URL, got an empty string/],
    ['{"@type":5}', /@type: expected a type URL in a string/],
    ['{"@type":null}', /@type: expected a type URL in a string/],
    ['{"@type":{"@type":"test.AllTypes"}}', /@type: expected a type URL in a string/],
    ['{"@type":"test.AllTypes","@type":"test.AllTypes"}', /@type: given twice/],
    ['{"@type":"google.protobuf.Int64Value"}', /value: missing/],
    ['{"@type":"google.protobuf.Any"}', /value: missing/],
    ['{"@type":"google.protobuf.Int64Value","value":1,"value":1}', /value: given twice/],
    ['{"@type":"google.protobuf.Int64Value","value":null}', /expected a 64-bit integer/],
    ['{"@type":"google.protobuf.Int64Value","value":"x"}', /expected a 64-bit integer/],
    ['{"@type":"google.protobuf.Empty","value":5}', /expected an object/],
    ['{"@type":"test.AllTypes","small_int":"x"}', /small_int: expected/],
    ['{"@type":"test.AllTypes","small_int":1,"small_int":1}', /small_int: given twice/],
    ['{"@type":"google.protobuf.Any","value":{"@type":"test.Missing"}}', /"test.Missing" is not a type/],
    ['{"@type":"google.protobuf.Any","value":{"value":1,"@type":5}}', /@type: expected a type URL in a string/],
  ])("%s", (content, reason) => {
    expect(() => read(`{"content":${content}}`)).toThrow(reason);
  });

  test("more objects with an @type than a request may have objects", () => {
    const limited = new MessageCodecs({ emitDefaults: false, camelCase: false }, new TypeRegistry([Envelope]), {
      objects: 5,
    }).of(Envelope);
    const typed = (count: number) => Buffer.from(`{"content":{"x":[${Array(count).fill('{"@type":""}')}]}}`);
    expect(limited.readJson(typed(5))).toBeDefined();
    expect(() => limited.readJson(typed(6))).toThrow("more than 5 messages, byte strings and map pairs");
  });

  test("Anys in Anys that hold a large one again and again", () => {
    const nest = (depth: number, text: string): string =>
      `${'{"@type":"test.Envelope","content":'.repeat(depth)}{"@type":"test.AllTypes","text":"${text}"}${"}".repeat(depth)}`;
    expect(read(`{"content":${nest(90, "small")}}`)["content"]).toBeDefined();
    const large = "a".repeat(100_000);
    expect(read(`{"content":${nest(10, large)}}`)["content"]).toBeDefined();
    expect(() => read(`{"content":${nest(90, large)}}`)).toThrow("too many bytes in too many levels");
  });

  test("more members beside a value than a request may have unknown fields", () => {
    const members = Array.from({ length: 10_001 }, (_, index) => `"m${index}":1`);
    const content = (count: number) =>
      read(`{"content":{"@type":"google.protobuf.Empty",${members.slice(0, count)}}}`)["content"];
    expect(content(10_000)).toBeDefined();
    expect(() => content(10_001)).toThrow("more than 10000 unknown fields");
  });

  test("a long @type, of which the error has only the beginning", () => {
    const message = vi.fn();
    try {
      read(`{"content":{"@type":"${"\\u0001".repeat(100_000)}"}}`);
    } catch (error) {
      message(error);
    }
    expect(String(message.mock.lastCall)).toMatch(
      /^SyntaxError: @type: "(?:\\x01){200}"… is not a type of this server/,
    );
  });

  test("more than 100 levels", () => {
    const nest = (depth: number): string =>
      depth === 0 ? "{}" : `{"@type":"google.protobuf.Any","value":${nest(depth - 1)}}`;
    expect(read(`{"content":${nest(98)}}`)["content"]).toBeDefined();
    expect(() => read(`{"content":${nest(100)}}`)).toThrow("nesting deeper than 100");
  });
});

describe("an Any is written", () => {
  test("with a Struct of as many levels as JSON may have, each of which is three messages", () => {
    const struct = `${'{"a":'.repeat(97)}1${"}".repeat(97)}`;
    const json = `{"content":{"@type":"google.protobuf.Struct","value":${struct}}}`;
    expect(codec.writeJson(Envelope.create(read(json)))).toBe(json);
    expect(() =>
      read(`{"content":{"@type":"google.protobuf.Struct","value":{"a":${struct.replace("1", "[1]")}}}}`),
    ).toThrow("nesting deeper than 100");
  });

  test("with the defaults of its message, when those are asked for", () => {
    const { content } = JSON.parse(
      codecOf(Envelope, true).writeJson(Envelope.create({ content: pack("test.Holder", "") })),
    );
    expect(content).toEqual({ "@type": `${PREFIX}test.Holder`, free: null });
  });

  test("without fields that its type does not have", () => {
    expect(codec.writeJson(Envelope.create({ content: pack("test.AllTypes", "1005b83e05") }))).toBe(
      `{"content":${innermost}}`,
    );
  });
});

describe("no Any is written", () => {
  test.each<[what: string, content: Fields, reason: RegExp]>([
    ["of an unknown type", pack("test.Missing", ""), /"type.googleapis.com\/test.Missing" is not a type/],
    ["with a value and no type", { typeUrl: "", value: new Uint8Array([1]) }, /a value but no type_url/],
    ["of bytes that are none of its type", pack("test.AllTypes", "10"), /value beyond the end/],
    ["of a value that JSON cannot hold", pack("google.protobuf.Duration", "08ffffffffffffffff7f"), /out of range/],
    ["without a URL", { value: new Uint8Array(0) }, /type_url: expected a string/],
    ["without bytes", { typeUrl: "", value: "" }, /value: expected a Uint8Array/],
  ])("%s", (_what, content, reason) => {
    const message = { ...Envelope.create(), content };
    expect(() => codec.writeJson(message)).toThrow(reason);
  });

  test("beyond 100 levels, which no limit on one message would see", () => {
    const nest = (depth: number): Fields => {
      let any: Fields = { typeUrl: "", value: new Uint8Array(0) };
      for (let level = 1; level < depth; level += 1) {
        any = { typeUrl: "google.protobuf.Any", value: codecOf(Any).writeBinary(any) };
      }
      return any;
    };
    expect(codec.writeJson(Envelope.create({ content: nest(100) }))).toContain("google.protobuf.Any");
    expect(() => codec.writeJson(Envelope.create({ content: nest(102) }))).toThrow("nesting deeper than 100");
  });
});

describe("a mounted service", () => {
  const json = Buffer.from('{"content":{"@type":"test.AllTypes"},"enclosures":[{"@type":"google.protobuf.Empty"}]}');
  const mount = (types?: readonly AnyType[]) => {
    const server = new TwirpServer<{ Send?: unknown }, CallContext>({
      service: {},
      packageName: "test",
      serviceName: "Post",
      methodList: ["Send"],
      matchRoute: () => {
        throw new Error("the adapter does not use these handlers");
      },
    });
    const type = new ServiceType("test.Post", [{ name: "Send", options: {}, I: Envelope, O: Envelope }]);
    const [route] = compileRouting(settingsOf({ services: [{ server, type }], ...(types && { types }) })).routes;
    return route;
  };

  test("knows all types in its methods' messages, and those in the options", () => {
    expect(mount([Empty])?.requestCodec.readJson(json)).toMatchObject({ content: { typeUrl: "test.AllTypes" } });
    expect(() => mount()?.requestCodec.readJson(json)).toThrow('@type: "google.protobuf.Empty" is not a type');
  });

  test("writes with them too", () => {
    const response = { ...Envelope.create(), content: { typeUrl: "google.protobuf.Empty", value: new Uint8Array(0) } };
    expect(mount([Empty])?.responseCodec.writeJson(response)).toContain('{"@type":"google.protobuf.Empty","value":{}}');
    expect(() => mount()?.responseCodec.writeJson(response)).toThrow('"google.protobuf.Empty" is not a type');
  });
});
