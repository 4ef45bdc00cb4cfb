import fc from "fast-check";
import { AllTypes, type Fields } from "./all-types.ts";

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const uint32 = fc.nat({ max: 2 ** 32 - 1 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const text = fc.string({ unit: "grapheme", maxLength: 40 });
const color = fc.constantFrom(0, 1, 2, 99);
const timestamp = fc.record({
  seconds: fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }),
  nanos: fc.oneof(
    fc.nat({ max: 999 }).map((ms) => ms * 1_000_000),
    fc.nat({ max: 999_999_999 }),
  ),
});
const duration = fc
  .record({ seconds: fc.nat({ max: 2 ** 31 }), nanos: fc.nat({ max: 999_999_999 }), sign: fc.constantFrom(1, -1) })
  .map(({ seconds, nanos, sign }) => ({ seconds: BigInt(seconds * sign), nanos: nanos === 0 ? 0 : nanos * sign }));

/**
 * Messages of AllTypes, as protobuf-ts makes them, down to a few levels; `plain` ones have no well-known types but
 * Timestamp, since protobuf-ts generates JSON for those rather than reflecting it.
 */
export function messages(depth = 2, plain = false): fc.Arbitrary<Fields> {
  const nested: fc.Arbitrary<Fields> =
    depth === 0 ? fc.constant(AllTypes.create()) : fc.memo(() => messages(depth - 1, plain))();
  return fc
    .record(
      {
        text,
        smallInt: int32,
        bigInt: int64,
        smallUint: uint32,
        bigUint: uint64,
        dbl: fc.double().map((value) => value + 0),
        // protobuf-ts does not round what it reads to a float.
        flt: plain ? fc.constantFrom(0, 1.5, -0.25, 1024) : fc.float().map((value) => value + 0),
        flag: fc.boolean(),
        data: fc.uint8Array({ maxLength: 20 }),
        color,
        tags: fc.array(text, { maxLength: 3 }),
        counts: fc.dictionary(text, int32, { maxKeys: 3, noNullPrototype: true }),
        nested,
        maybeText: text,
        choice: fc.oneof(
          text.map((choiceText) => ({ oneofKind: "choiceText", choiceText })),
          nested.map((choiceNested) => ({ oneofKind: "choiceNested", choiceNested })),
        ),
        renamed: text,
        at: timestamp,
        ...(plain ? {} : { took: duration, boxed: int64.map((value) => ({ value })) }),
        byFlag: fc.dictionary(fc.constantFrom("true", "false"), color, { noNullPrototype: true }),
        colors: fc.array(color, { maxLength: 3 }),
        longs: fc.array(int64, { maxLength: 3 }),
        zigzag: int32,
        // protobuf-ts refuses the upper half of a fixed32 in JSON.
        fixed: plain ? fc.nat({ max: 2 ** 31 - 1 }) : uint32,
        fixedLong: int64,
        items: fc.array(nested, { maxLength: 1 }),
      },
      { requiredKeys: [] },
    )
    .map((fields) => AllTypes.create(fields));
}
