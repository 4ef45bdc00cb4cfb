/** Compares the search by time in an account's statement with counting. */
import { array, assert, asyncProperty, constantFrom, integer } from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";

let database: TestDatabase;
let accounts = 0;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

/** Writes a statement whose entries are these seconds apart, and queries it for every second around them. */
async function searchAll(gaps: readonly number[]) {
  accounts += 1;
  await database.pool.query(
    `insert into entry (account_id, sequence, transfer_id, amount, balance_after, created_at)
     select $1, n, n, 1, n, to_timestamp(sum(gap) over (order by n))
       from unnest($2::int[]) with ordinality as gaps (gap, n)`,
    [accounts, gaps],
  );
  const end = gaps.reduce((sum, gap) => sum + gap, 0);
  const { rows } = await database.pool.query<{ found: bigint; counted: bigint }>(
    `select sequence_at($1, at) as found,
            (select count(*) from entry where account_id = $1 and created_at <= at) as counted
       from (select to_timestamp(second) as at
               from generate_series(-1, $2::int + 1, greatest(1, $2::int / 200)) as second) moments`,
    [accounts, end],
  );
  return rows;
}

test.each<[what: string, gaps: number[]]>([
  ["no entries", []],
  ["one entry", [5]],
  ["entries at the same time", [5, ...Array<number>(50).fill(0)]],
  ["evenly spaced entries", Array<number>(2000).fill(1)],
  ["a burst at the beginning", [...Array<number>(1000).fill(0), 100_000, 1]],
  ["a burst at the end", [1, 100_000, ...Array<number>(1000).fill(0)]],
  ["growing gaps", Array.from({ length: 60 }, (_, n) => n ** 3)],
])("with %s, the search finds the last entry up to each time", async (_, gaps) => {
  for (const { found, counted } of await searchAll(gaps)) expect(found).toBe(counted);
});

test("with random gaps, the search finds the last entry up to each time", async () => {
  const gap = constantFrom(0, 0, 0, 1, 1, 2, 60, 3600);
  await assert(
    asyncProperty(array(gap, { maxLength: 120 }), integer({ min: 0, max: 5 }), async (gaps, repeats) => {
      const all = Array.from({ length: repeats + 1 }, () => gaps).flat();
      for (const { found, counted } of await searchAll(all)) expect(found).toBe(counted);
    }),
    { numRuns: 60 },
  );
});
