import { describe, expect, test } from "vitest";
import { networkOf } from "../../src/plugins/connections.ts";
import { RateLimit } from "../../src/plugins/overload.ts";

describe("a limit of 10 a second", () => {
  /** What calls at these milliseconds are answered: 0, or how long to wait. */
  const table: [what: string, at: number[], waits: number[]][] = [
    ["admits ten at once and no more", Array(12).fill(0), [...Array(10).fill(0), 100, 100]],
    ["admits one more each 100 ms", [...Array(10).fill(0), 99, 100, 100, 200], [...Array(10).fill(0), 1, 0, 100, 0]],
    [
      "is not used up by calls that were refused",
      [...Array(10).fill(0), 50, 50, 100],
      [...Array(10).fill(0), 50, 50, 0],
    ],
    ["saves up no more than a second", [...Array(11).fill(60_000)], [...Array(10).fill(0), 100]],
    [
      "gives no second helping at the turn of a second",
      [...Array(10).fill(900), 1000, 1000],
      [...Array(10).fill(0), 0, 100],
    ],
  ];
  test.each(table)("%s", (_what, at, waits) => {
    let nowMs = 0;
    const limit = new RateLimit({ perSecond: 10, now: () => nowMs });
    expect(
      at.map((time) => {
        nowMs = time;
        return limit.take("alice");
      }),
    ).toEqual(waits);
  });

  /** Calls of so many orders at these milliseconds, and what each is answered. */
  const batches: [what: string, calls: [at: number, orders: number][], waits: number[]][] = [
    [
      "counts the orders of a call",
      [
        [0, 6],
        [0, 4],
        [0, 1],
      ],
      [0, 0, 100],
    ],
    [
      "refuses a batch as a whole, which then has taken nothing",
      [
        [0, 6],
        [0, 5],
        [0, 4],
      ],
      [0, 100, 0],
    ],
    ["lets a batch of more than a second's orders through when nothing is owed", [[0, 1000]], [0]],
    [
      "refuses such a batch while anything is owed",
      [
        [0, 1],
        [0, 1000],
        [100, 1000],
      ],
      [0, 100, 0],
    ],
    [
      "waits until such a batch is paid off",
      [
        [0, 1000],
        [0, 1],
        [99_100, 1],
        [99_100, 1],
      ],
      [0, 99_100, 0, 100],
    ],
  ];
  test.each(batches)("%s", (_what, calls, waits) => {
    let nowMs = 0;
    const limit = new RateLimit({ perSecond: 10, now: () => nowMs });
    expect(
      calls.map(([at, orders]) => {
        nowMs = at;
        return limit.take("alice", orders);
      }),
    ).toEqual(waits);
  });

  test("does not count a unit twice that an earlier call paid", () => {
    const limit = new RateLimit({ perSecond: 10, now: () => 0 });
    const call = (orders: number) => [limit.take("alice"), limit.take("alice", orders, 1)];
    expect([call(10), limit.take("alice")]).toEqual([[0, 0], 100]);
    expect(new RateLimit({ perSecond: 10, now: () => 0 }).take("bob", 1000, 0)).toBe(0);
  });

  test("counts each key by itself", () => {
    const limit = new RateLimit({ perSecond: 1, now: () => 0 });
    expect(["alice", "bob", "alice"].map((key) => limit.take(key))).toEqual([0, 0, 1000]);
  });

  test("remembers a limited number of keys and forgets the one that called longest ago", () => {
    const limit = new RateLimit({ perSecond: 2, keysMax: 2, now: () => 0 });
    for (const key of ["alice", "bob", "alice", "carol"]) limit.take(key);
    expect(limit.size).toBe(2);
    expect(["alice", "bob"].map((key) => limit.take(key))).toEqual([500, 0]);
  });
});

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ["2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"],
  ["2001:0db8:0:1::9", "2001:db8:0:1::/64"],
  ["2001:db8::9", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
])("%s is of %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});
