import fc from "fast-check";
import { expect, test } from "vitest";
import { parseTimestamptz } from "../../src/database/index.ts";
import { fromTimestamp, TIME_MAX, toTimestamp, toTimestamptz } from "../../src/finance/values.ts";

const TIME_MIN = -62_135_596_800_000_000n;

test("times keep their microsecond in both forms, before 1970 too", () => {
  const time = fc.bigInt({ min: TIME_MIN, max: TIME_MAX });
  // Neighbours lie within one second, whose text is kept.
  fc.assert(
    fc.property(time, fc.bigInt({ min: 0n, max: 2_000_000n }), (first, gap) => {
      for (const each of [first, first + gap > TIME_MAX ? TIME_MAX : first + gap, first]) {
        expect(parseTimestamptz(toTimestamptz(each).replace("T", " ").replace("Z", "+00"))).toBe(each);
        expect(fromTimestamp(toTimestamp(each))).toBe(each);
      }
    }),
  );
});
