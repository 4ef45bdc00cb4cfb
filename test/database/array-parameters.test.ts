import { afterAll, beforeAll, expect, test } from "vitest";
import { type ArrayElements, type ArrayElementType, arrayOf, parseTimestamptz } from "../../src/database/index.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
});

const elements: { readonly [Type in ArrayElementType]: readonly (ArrayElements[Type] | null)[] } = {
  bigint: [0n, 1n, -1n, null, 2n ** 63n - 1n, -(2n ** 63n)],
  smallint: [0, 1, -1, null, 32_767, -32_768],
  boolean: [true, null, false],
  // The years 1 and 9999, and the microseconds around both epochs.
  timestamptz: [
    0n,
    -1n,
    946_684_799_999_999n,
    946_684_800_000_001n,
    null,
    -62_135_596_800_000_000n,
    253_402_300_799_999_999n,
  ],
  uuid: ["0123456789abcdef0123456789abcdef", null, "f".repeat(32), "0".repeat(32)],
  text: ["", "a", null, '\\ " , { } NULL null', "\u00e9\u20ac\u{1f600}", "x".repeat(100_000)],
  jsonb: ["{}", null, '{"a": "\u20ac\\\\"}', "[1, 2]"],
  numeric: [0n, null, 10n ** 40n],
};

/** How PostgreSQL's text of an element is read. */
const read: { readonly [Type in ArrayElementType]?: (text: string) => unknown } = {
  bigint: BigInt,
  smallint: Number,
  boolean: (text) => text === "true",
  timestamptz: parseTimestamptz,
  uuid: (text) => text.replaceAll("-", ""),
  numeric: BigInt,
};

async function sent(type: string, parameter: unknown): Promise<readonly (string | null)[]> {
  const { rows } = await database.pool.query<{ element: string | null }>(
    `select element::text from unnest($1::${type}[]) as elements (element)`,
    [parameter],
  );
  return rows.map(({ element }) => element);
}

function check<Type extends ArrayElementType>(type: Type): void {
  test(`PostgreSQL reads an array of ${type}, nulls included`, async () => {
    const written = arrayOf[type](elements[type], (element) => element);
    const texts = await sent(type, written);
    expect(texts.map((text) => (text === null ? null : (read[type]?.(text) ?? text)))).toEqual(elements[type]);
  });

  test(`PostgreSQL reads an array of ${type} without elements`, async () => {
    expect(
      await sent(
        type,
        arrayOf[type]([], () => null),
      ),
    ).toEqual([]);
  });
}

check("bigint");
check("smallint");
check("boolean");
check("timestamptz");
check("uuid");
check("text");
check("jsonb");
check("numeric");

test.each([2n ** 63n, -(2n ** 63n) - 1n])("refuses %s, which PostgreSQL could not store", (value) => {
  expect(() => arrayOf.bigint([value], (element) => element)).toThrow(RangeError);
});
