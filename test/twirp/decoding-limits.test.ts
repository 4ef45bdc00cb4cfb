/** What one request may make the server hold: counted while it is read, and refused before it is built. */
import { describe, expect, test, vi } from "vitest";
import { MessageCodecs } from "../../packages/twirp/src/codec/codec.ts";
import { TypeRegistry } from "../../packages/twirp/src/codec/fields.ts";
import { type DecodingLimits, elementsSent } from "../../packages/twirp/src/codec/limits.ts";
import { AllTypes, type AnyType, type Fields, Holder } from "./all-types.ts";
import { echo, serve } from "./serve.ts";
import { hatService } from "./service.ts";

function readersOf(type: AnyType, limits: DecodingLimits) {
  const codec = new MessageCodecs({ emitDefaults: true, camelCase: false }, new TypeRegistry([type]), limits).of(type);
  return {
    json: (text: string) => codec.readJson(Buffer.from(text)) as Fields,
    binary: (hex: string) => codec.readBinary(Buffer.from(hex, "hex")) as Fields,
  };
}

const listOf = (count: number, element: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => element(index));
const hexOf = (count: number, element: string) => element.repeat(count);

describe("a request has at most the configured number of", () => {
  const { json, binary } = readersOf(AllTypes, { objects: 4, listValues: 5, unknownFields: 3 });

  test.each<[what: string, within: string, beyond: string]>([
    ["messages", '{"items":[{},{},{}]}', '{"items":[{},{},{},{}]}'],
    ["messages in messages", '{"nested":{"nested":{"nested":{}}}}', '{"nested":{"nested":{"nested":{"nested":{}}}}}'],
    [
      "times",
      '{"at":"2026-01-01T00:00:00Z","boxed":1,"took":"1s"}',
      '{"at":"2026-01-01T00:00:00Z","took":"1s","boxed":1,"mask":""}',
    ],
    ["pairs", '{"counts":{"a":1,"b":2,"c":3}}', '{"counts":{"a":1,"b":2,"c":3,"d":4}}'],
    ["pairs of a struct", '{"extra":{"a":1}}', '{"extra":{"a":1,"b":2}}'],
    ["values of a struct", '{"extra":{"a":1}}', '{"extra":{"a":[]}}'],
    ["bytes", '{"items":[{"data":""}]}', '{"items":[{"data":""},{"data":""}]}'],
  ])("%s in JSON", (_what, within, beyond) => {
    expect(json(within)).toBeDefined();
    expect(() => json(beyond)).toThrow("more than 4 messages, byte strings and map pairs");
  });

  test.each<[what: string, field: string, count: number]>([
    ["messages", "f20100", 3],
    ["parts of one message", "6a00", 3],
    ["choices", "820100", 3],
    ["pairs", "62050a01611001", 3],
    ["byte strings", "4a00", 3],
    ["pairs with messages", "ba0106120008011200", 1],
  ])("%s in protobuf", (_what, field, count) => {
    expect(binary(hexOf(count, field))).toBeDefined();
    expect(() => binary(hexOf(count + 1, field))).toThrow("more than 4 messages, byte strings and map pairs");
  });

  test.each<[what: string, within: string, beyond: string]>([
    ["texts", '{"tags":["","","","",""]}', '{"tags":["","","","","",""]}'],
    ["numbers", '{"longs":[1,2,3,4,5]}', '{"longs":[1,2,3,4,5,6]}'],
    ["enum members", '{"colors":[1,2,"COLOR_RED",0,0]}', '{"colors":[1,2,"COLOR_RED",0,0,0]}'],
    ["values of several lists", '{"tags":["",""],"longs":[1,2,3]}', '{"tags":["",""],"nested":{"longs":[1,2,3,4]}}'],
    ["paths", '{"mask":"a,b,c,d,e"}', '{"mask":"a,b,c,d,e,f"}'],
  ])("%s of lists in JSON", (_what, within, beyond) => {
    expect(json(within)).toBeDefined();
    expect(() => json(beyond)).toThrow("more than 5 values in lists");
  });

  test.each<[what: string, within: string, beyond: string]>([
    ["texts", hexOf(5, "5a00"), hexOf(6, "5a00")],
    ["packed numbers", "d201050101010101", "d20106010101010101"],
    ["numbers, packed and apart", "d20103010101d00101d00101", "d2010401010101d00101d00101"],
    ["packed enum members", "ca01050101010101", "ca0106010101010101"],
    ["paths", `aa010a${hexOf(5, "0a00")}`, `aa010c${hexOf(6, "0a00")}`],
  ])("%s of lists in protobuf", (_what, within, beyond) => {
    expect(binary(within)).toBeDefined();
    expect(() => binary(beyond)).toThrow("more than 5 values in lists");
  });

  test("unknown members", () => {
    const members = listOf(4, (index) => `"unknown${index}":[{},{}]`);
    expect(json(`{${members.slice(1)}}`)).toEqual(AllTypes.create());
    expect(() => json(`{${members}}`)).toThrow("more than 3 unknown fields");
    expect(() => json(`{"items":[{"x":1},{"x":1}],"nested":{"x":1},"x":1}`)).toThrow("more than 3 unknown fields");
  });

  test.each([
    ["varint", "b83e05"],
    ["text", "ba3e0161"],
    ["group", "bb3e0801bc3e"],
    ["known field in another form", "0801"],
  ])("unknown fields: %s", (_what, field) => {
    expect(binary(hexOf(3, field))).toBeDefined();
    expect(() => binary(hexOf(4, field))).toThrow("more than 3 unknown fields");
  });

  test("unknown fields of map entries", () => {
    expect(() => binary("620cb83e05b83e05b83e05b83e05")).toThrow("more than 3 unknown fields");
  });

  test("one request does not use up the next one's", () => {
    for (let times = 0; times < 10; times += 1) expect(json('{"items":[{},{},{}],"x":1}')).toBeDefined();
  });
});

describe("a field has at most the configured number of elements", () => {
  const elements = {
    "test.AllTypes.items": 2,
    "test.AllTypes.counts": 2,
    "test.AllTypes.longs": 2,
    "test.AllTypes.tags": 2,
  };
  const { json, binary } = readersOf(AllTypes, { elements });

  test.each([
    ["items", '{"items":[{},{}]}', '{"items":[{},{},'],
    ["counts", '{"counts":{"a":1,"b":2}}', '{"counts":{"a":1,"b":2,"c"'],
    ["longs", '{"longs":[1,2]}', '{"longs":[1,2,'],
    ["tags", '{"tags":["a","b"]}', '{"tags":["a","b",'],
  ])("%s in JSON, of which no more is read", (name, within, beyond) => {
    expect(json(within)).toBeDefined();
    expect(() => json(`${beyond}3`)).toThrow(name === "counts" ? "expected a colon" : `${name}: more than 2 elements`);
    expect(() => json(`${beyond}:3`)).toThrow(`${name}: more than 2 elements`);
  });

  test.each([
    ["items", "f20100"],
    ["longs", "d00101"],
    ["tags", "5a0161"],
  ])("%s in protobuf", (name, field) => {
    expect(binary(hexOf(2, field))).toBeDefined();
    expect(() => binary(hexOf(3, field))).toThrow(`${name}: more than 2 elements`);
  });

  test("packed and unpacked numbers together", () => {
    expect(() => binary("d201020101d00101")).toThrow("longs: more than 2 elements");
    expect(() => binary("d20103010101")).toThrow("longs: more than 2 elements");
  });

  test("pairs in protobuf, where a key may come again", () => {
    const pair = (key: string) => `62050a01${key}1001`;
    expect(binary(`${pair("61")}${pair("62")}`)).toBeDefined();
    expect(() => binary(`${pair("61")}${pair("62")}${pair("63")}`)).toThrow("counts: more than 2 elements");
  });
});

describe("a method that refuses more elements itself", () => {
  const limit = { max: 2, refusedBy: "method" } as const;
  const elements = { "test.AllTypes.items": limit, "test.AllTypes.counts": limit, "test.AllTypes.longs": limit };
  const { json, binary } = readersOf(AllTypes, { elements, objects: 10, unknownFields: 1 });

  test.each<[how: string, read: (count: number) => Fields]>([
    [
      "JSON",
      (count) =>
        json(
          `{"items":[${listOf(count, () => '{"x":1}')
            .slice(0, 1)
            .concat(listOf(count - 1, () => "{}"))}]}`,
        ),
    ],
    ["protobuf", (count) => binary(hexOf(count, "f20100"))],
  ])("hears how many messages came in %s, and gets one too many at most", (_how, read) => {
    for (const [count, kept] of [
      [2, 2],
      [3, 3],
      [4, 3],
      [5000, 3],
    ] as const) {
      const { items } = read(count) as { items: unknown[] };
      expect([elementsSent(items), items.length]).toEqual([count, kept]);
    }
  });

  test("learns how many pairs were sent", () => {
    const { counts } = json(`{"counts":{${listOf(5000, (index) => `"k${index}":1`)}}}`) as { counts: Fields };
    expect([elementsSent(counts), Object.keys(counts)]).toEqual([5000, ["k0", "k1", "k2"]]);
    const pairs = ["61", "62", "61", "62", "61"].map((key) => `62050a01${key}1001`).join("");
    const same = binary(pairs) as { counts: Fields };
    expect([elementsSent(same.counts), Object.keys(same.counts)]).toEqual([2, ["a", "b"]]);
    const more = ["63", "64", "65"].map((key) => `62050a01${key}1001`).join("");
    const beyond = binary(pairs + more) as { counts: Fields };
    expect([elementsSent(beyond.counts), Object.keys(beyond.counts)]).toEqual([5, ["a", "b", "c"]]);
  });

  test.each([3, 70, 200])("learns how many of %i pairs were sent among those of other maps", (max) => {
    const elements = {
      "test.AllTypes.by_id": { max, refusedBy: "method" },
      "test.AllTypes.counts": { max, refusedBy: "method" },
    } as const;
    const { binary } = readersOf(AllTypes, { elements });
    const hex = (bytes: number[]) => Buffer.from(bytes).toString("hex");
    const count = (index: number) => hex([0x62, 5, 0x0a, 1, 0x30 + index, 0x10, 1]);
    // Each value of by_id holds a map of its own.
    const id = (index: number) => hex([0xba, 1, 12, 0x08, 0x80 + (index % 128), index >> 7, 0x12, 7]) + count(0);
    for (const sent of [max, max + 1, max + 30]) {
      const ids = Array.from({ length: sent }, (_, index) => id(index) + count(index % 3));
      const message = binary(ids.join("") + id(0)) as { byId: Fields; counts: Fields };
      const beyond = sent > max ? 1 : 0;
      expect(elementsSent(message.byId)).toBe(sent + beyond);
      expect([Object.keys(message.byId).length, elementsSent(message.counts)]).toEqual([Math.min(sent, max + 1), 3]);
    }
  });

  test("learns how many packed numbers were sent", () => {
    const { longs } = binary("d20105020202020200".slice(0, -2)) as { longs: unknown[] };
    expect([elementsSent(longs), longs]).toEqual([5, [1n, 1n, 1n]]);
  });

  test("creates no objects for the rest", () => {
    const create = vi.spyOn(AllTypes, "create");
    json(`{"items":[${listOf(5000, () => '{"text":"a"}')}]}`);
    binary(hexOf(5000, "f20100"));
    expect(create).toHaveBeenCalledTimes(2 * (1 + 3));
  });

  test("still gets no broken JSON", () => {
    expect(() => json('{"items":[{},{},{},{},{]}')).toThrow("expected a string");
  });
});

test("a request over a limit is malformed", async () => {
  const { call } = await serve({ services: [hatService(echo)], limits: { unknownFields: 1 } });
  expect((await call("Make", '{"a":1}')).status).toBe(200);
  expect((await call("Make", '{"a":1,"b":2}')).body).toMatchObject({
    code: "malformed",
    meta: { detail: "more than 1 unknown fields" },
  });
});

test.each([
  [{ objects: 0 }, "limits.objects must be a whole number"],
  [{ unknownFields: 1.5 }, "limits.unknownFields must be a whole number"],
  [{ elements: { "test.Hat.sizes": 0 } }, "limits.elements: test.Hat.sizes must be a whole number"],
  [{ elements: { "test.Hat.nothing": 1 } }, "limits.elements: test.Hat.nothing is not a list or map field"],
  [{ elements: { "": 1 } }, "limits.elements:  is not a list or map field"],
])("%j is refused at registration", async (limits, problem) => {
  await expect(serve({ services: [hatService(echo)], limits })).rejects.toThrow(problem);
});

test("a limit is only for lists and maps", () => {
  expect(() => readersOf(Holder, { elements: { "test.Holder.free": 1 } })).toThrow("is not a list or map field");
});
