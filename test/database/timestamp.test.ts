import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseTimestamptz } from "../../src/database/index.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";

describe("an instant in PostgreSQL's text form", () => {
  test.each<[text: string, micros: bigint]>([
    ["1970-01-01 00:00:00+00", 0n],
    ["1970-01-01 00:00:00.000001+00", 1n],
    ["1969-12-31 23:59:59.999999+00", -1n],
    ["2026-01-31 23:59:59+00", 1_769_903_999_000_000n],
    ["2026-01-31 23:59:59.1+00", 1_769_903_999_100_000n],
    ["2026-01-31 23:59:59.12+00", 1_769_903_999_120_000n],
    ["2026-01-31 23:59:59.123+00", 1_769_903_999_123_000n],
    ["2026-01-31 23:59:59.1234+00", 1_769_903_999_123_400n],
    ["2026-01-31 23:59:59.12345+00", 1_769_903_999_123_450n],
    ["2026-01-31 23:59:59.123456+00", 1_769_903_999_123_456n],
    ["2024-02-29 12:00:00+00", 1_709_208_000_000_000n],
    ["2255-06-05 23:47:34.740991+00", 9_007_199_254_740_991n],
    ["2255-06-05 23:47:34.740992+00", 9_007_199_254_740_992n],
    ["2255-06-05 23:47:34.740993+00", 9_007_199_254_740_993n],
    ["9999-12-31 23:59:59.999999+00", 253_402_300_799_999_999n],
    ["10000-01-01 00:00:00+00", 253_402_300_800_000_000n],
    ["0100-01-01 00:00:00+00", -59_011_459_200_000_000n],
    ["0099-12-31 23:59:59.5+00", -59_011_459_200_500_000n],
    ["0001-01-01 00:00:00+00", -62_135_596_800_000_000n],
    ["0001-12-31 23:59:59+00 BC", -62_135_596_801_000_000n],
  ])("%s is %d microseconds", (text, micros) => {
    expect(parseTimestamptz(text)).toBe(micros);
  });
});

describe("a text that is no instant in UTC", () => {
  test.each([
    "infinity",
    "-infinity",
    "",
    "2026-01-31",
    "2026-01-31 23:59:59",
    "2026-01-31 23:59:59+01",
    "2026-01-31 23:59:59+05:30",
    "2026-01-31T23:59:59+00",
    "2026-01-31 23:59:59.+00",
    "2026-01-31 23:59:59.1234567+00",
    "2026-01-31 23:59:59,123+00",
    "2026-0a-31 23:59:59+00",
    "31-01-2026 23:59:59+00",
    " 2026-01-31 23:59:59+00",
  ])("%j is refused", (text) => {
    expect(() => parseTimestamptz(text)).toThrow(RangeError);
  });
});

describe("together with PostgreSQL", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(async () => {
    await database.drop();
  });

  test("every microsecond from 4000 BC to the year 12000 comes back exactly", async () => {
    const instants = fc.sample(fc.bigInt({ min: -188_000_000_000_000_000n, max: 316_000_000_000_000_000n }), 5000);
    const { rows } = await database.pool.query<{ time: bigint }>(
      `select timestamptz 'epoch' + make_interval(secs => micros / 1000000) + micros % 1000000 * interval '1 microsecond' as time
         from unnest($1::int8[]) with ordinality as given (micros, position)
        order by position`,
      [instants],
    );
    expect(rows.map(({ time }) => time)).toEqual(instants);
  });

  test("infinity fails its query, not the connection", async () => {
    const client = await database.pool.connect();
    try {
      await expect(client.query("select timestamptz 'infinity' as time")).rejects.toThrow(RangeError);
      expect((await client.query("select timestamptz 'epoch' as time")).rows).toEqual([{ time: 0n }]);
    } finally {
      client.release();
    }
  });
});
