import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FairQueue } from "../../src/finance/turns.ts";

const TURN = 4;
const BATCH = 10;

interface Item {
  readonly caller: string;
  readonly postings: number;
  /** Among the caller's own. */
  readonly number: number;
}

/** A queue whose items know who sent them, and in which order. */
class Harness {
  readonly queue: FairQueue<Item>;
  readonly #sent = new Map<string, number>();

  constructor(sizeMax = 1_000_000) {
    this.queue = new FairQueue<Item>({ sizeMax, turnSize: TURN, batchSizeMax: BATCH });
  }

  add(caller: string, postings: number, nowMs = 0): boolean {
    const number = (this.#sent.get(caller) ?? 0) + 1;
    if (!this.queue.add(caller, postings, { caller, postings, number }, nowMs)) return false;
    this.#sent.set(caller, number);
    return true;
  }

  /** The next batch as "a1 a1 b3": who sent groups of how many postings. */
  take(nowMs = 0): string {
    return (this.queue.take(nowMs)?.items ?? []).map(({ caller, postings }) => `${caller}${postings}`).join(" ");
  }
}

/** Groups as "a1 b3": who sends how many postings. */
function groupsOf(text: string): [caller: string, postings: number][] {
  return text.split(" ").map((group) => [group.charAt(0), Number(group.slice(1))]);
}

describe(`with turns of ${TURN} postings and batches of ${BATCH}`, () => {
  test.each<[what: string, sent: string, batches: string[]]>([
    ["a caller alone fills whole batches", "a1 a1 a1 a1 a1 a1 a1 a1 a1 a1 a1", ["a1 a1 a1 a1 a1 a1 a1 a1 a1 a1", "a1"]],
    ["a caller alone has no large groups", "a5 a5 a20 a1", ["a5 a5", "a20", "a1"]],
    ["callers send a turn each", "a1 a1 a1 a1 a1 a1 b1 c1 b1", ["a1 a1 a1 a1 b1 b1 c1", "a1 a1"]],
    ["who has waited behind a full batch is first in the next", "a4 b4 c4 a1", ["a4 b4", "c4 a1"]],
    ["a large group is a batch of its own, once", "a20 a20 b1 b1", ["a20", "b1 b1", "a20"]],
    ["what is small goes before a large group behind it", "b1 a20 c1", ["b1 c1", "a20"]],
    [
      "a large group is paid for by later turns",
      "a9 a1 b4 b4 b4 b1",
      // It leaves a debt of 5 postings, which two rounds pay off.
      ["a9", "b4", "b4 a1", "b4", "b1"],
    ],
    ["two callers of large groups alternate", "a20 a20 a20 b20 b20", ["a20", "b20", "a20", "b20", "a20"]],
    ["the debt of the only waiting caller delays nobody", "a20 b1 a1", ["a20", "b1", "a1"]],
  ])("%s", (_, sent, batches) => {
    const harness = new Harness();
    for (const [caller, postings] of groupsOf(sent)) expect(harness.add(caller, postings)).toBe(true);
    const taken: string[] = [];
    for (let batch = harness.take(); batch !== ""; batch = harness.take()) taken.push(batch);
    expect(taken).toEqual(batches);
    expect(harness.queue.size).toBe(0);
  });

  test("a caller that comes while another sends large groups is next", () => {
    const harness = new Harness();
    for (let sent = 0; sent < 50; sent += 1) harness.add("a", 1000);
    expect(harness.take()).toBe("a1000");
    for (let sent = 0; sent < 5; sent += 1) {
      harness.add("b", 1);
      expect(harness.take()).toBe("b1");
    }
  });

  describe("after a large group beside another caller", () => {
    function afterLarge(): Harness {
      const harness = new Harness();
      for (const [caller, postings] of groupsOf("b1 a20 a20 a1")) harness.add(caller, postings);
      expect(harness.take(0)).toBe("b1");
      expect(harness.take(0)).toBe("a20");
      harness.queue.ended("a", 50, 100);
      return harness;
    }

    test("large groups pause for twice as long as it took, and small ones do not", () => {
      const harness = afterLarge();
      expect(harness.queue.nextMs(100)).toBe(200);
      expect(harness.take(199)).toBe("");
      harness.add("b", 1, 150);
      harness.add("c", 20, 150);
      expect(harness.queue.nextMs(150)).toBe(150);
      expect(harness.take(150)).toBe("b1");
      expect(harness.take(199)).toBe("");
      expect([harness.take(200), harness.take(200)]).toEqual(["c20", "a20"]);
    });

    test("a caller's own postings stay behind its large group", () => {
      const harness = afterLarge();
      harness.add("b", 1, 150);
      expect([harness.take(150), harness.take(150)]).toEqual(["b1", ""]);
    });

    test("no pause is longer than half a second", () => {
      const harness = afterLarge();
      harness.queue.ended("a", 5000, 100);
      expect(harness.queue.nextMs(100)).toBe(600);
    });

    test("a caller that has been alone for a second pauses no more", () => {
      const harness = new Harness();
      harness.add("b", 1, 0);
      harness.take(0);
      harness.add("a", 5, 1000);
      harness.add("a", 5, 1000);
      expect(harness.queue.take(1000)).toEqual({
        items: [expect.objectContaining({ postings: 5 }), expect.objectContaining({ postings: 5 })],
      });
    });

    test("callers that all send large groups pause only after one of them sends a small group", () => {
      const harness = new Harness();
      for (const [caller, postings] of groupsOf("a20 b20 a20 b20")) harness.add(caller, postings);
      expect(harness.take(0)).toBe("a20");
      harness.queue.ended("a", 50, 50);
      expect(harness.take(50)).toBe("b20");
      harness.add("c", 1, 60);
      harness.queue.ended("b", 50, 100);
      expect([harness.take(100), harness.take(100), harness.queue.nextMs(100)]).toEqual(["c1", "", 200]);
    });
  });

  describe("with room for 100 postings", () => {
    test("a caller alone gets half", () => {
      const harness = new Harness(100);
      const accepted = Array.from({ length: 100 }, () => harness.add("a", 1)).filter(Boolean);
      expect(accepted).toHaveLength(50);
    });

    test("each further caller gets half of what is left, and there is a place for one more", () => {
      const harness = new Harness(100);
      const fill = (caller: string) => Array.from({ length: 100 }, () => harness.add(caller, 1)).filter(Boolean).length;
      expect(["a", "b", "c", "d"].map(fill)).toEqual([50, 25, 12, 6]);
      expect(harness.add("e", 1)).toBe(true);
      expect(harness.add("a", 1)).toBe(false);
    });

    test("a refused caller has room again after its postings were taken", () => {
      const harness = new Harness(100);
      harness.add("a", 50);
      expect(harness.add("a", 1)).toBe(false);
      harness.take();
      expect(harness.add("a", 50)).toBe(true);
    });
  });
});

const LARGEST = 30;
const arrivals = fc.array(
  fc.record({
    caller: fc.constantFrom("a", "b", "c", "d"),
    postings: fc.integer({ min: 1, max: LARGEST }),
    taken: fc.boolean(),
  }),
  { maxLength: 200 },
);

test("every group is taken once, each caller's in the order of arrival, and no pause lasts", () => {
  fc.assert(
    fc.property(arrivals, fc.integer({ min: 0, max: 50 }), (script, tookMs) => {
      const harness = new Harness();
      const taken: Item[] = [];
      let nowMs = 0;
      const take = () => {
        nowMs = Math.max(nowMs, harness.queue.nextMs(nowMs));
        const batch = harness.queue.take(nowMs);
        if (batch === undefined) throw new Error("nothing was taken though something waits");
        taken.push(...batch.items);
        nowMs += tookMs;
        if (batch.largeOf !== undefined) harness.queue.ended(batch.largeOf, tookMs, nowMs);
      };
      for (const { caller, postings, taken: takes } of script) {
        harness.add(caller, postings, nowMs);
        if (takes) take();
      }
      while (harness.queue.size > 0) take();
      for (const name of ["a", "b", "c", "d"]) {
        const sent = script
          .filter(({ caller }) => caller === name)
          .map(({ postings }, index) => ({ caller: name, postings, number: index + 1 }));
        expect(taken.filter(({ caller }) => caller === name)).toEqual(sent);
      }
    }),
  );
});

test("waiting callers get the same number of postings, apart from one group and two turns", () => {
  const groups = fc.array(fc.integer({ min: 1, max: LARGEST }), { minLength: 1, maxLength: 100 });
  fc.assert(
    fc.property(fc.array(groups, { minLength: 2, maxLength: 5 }), (lines) => {
      const harness = new Harness();
      const left = new Map<string, number>();
      const served = new Map<string, number>();
      lines.forEach((line, index) => {
        for (const postings of line) harness.add(`${index}`, postings);
        left.set(`${index}`, line.length);
        served.set(`${index}`, 0);
      });
      while ([...left.values()].every((groups) => groups > 0)) {
        for (const { caller, postings } of harness.queue.take(0)?.items ?? []) {
          left.set(caller, (left.get(caller) ?? 0) - 1);
          served.set(caller, (served.get(caller) ?? 0) + postings);
        }
        const counts = [...served.values()];
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(LARGEST + 2 * TURN);
      }
    }),
  );
});
