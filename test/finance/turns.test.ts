import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LedgerWatch, Turns, type TurnsOptions } from "../../src/finance/turns.ts";

/** Works that end when they are told to. */
class Harness {
  nowMs = 0;
  readonly refusals: string[] = [];
  /** The works that have begun and not ended, in the order of their beginnings. */
  readonly underWay: string[] = [];
  readonly #ends = new Map<string, () => void>();
  readonly #turns: Turns;

  constructor(options: Partial<TurnsOptions> = {}) {
    const watch = new LedgerWatch();
    watch.observer = {
      batchEnded: () => undefined,
      sealEnded: () => undefined,
      refused: (room) => this.refusals.push(room),
    };
    this.#turns = new Turns({ room: "reads", watch, slots: 8, now: () => this.nowMs, ...options });
  }

  /** Asks for works named as "a1 a2 b1", by their callers. */
  ask(names: string): Promise<void>[] {
    return names.split(" ").map((name) =>
      this.#turns.run(name.charAt(0), async () => {
        this.underWay.push(name);
        await new Promise<void>((resolve) => this.#ends.set(name, resolve));
        this.underWay.splice(this.underWay.indexOf(name), 1);
      }),
    );
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    await settled();
  }
}

/** All that can go on without anybody's help has done so. */
function settled(): Promise<void> {
  return vi.advanceTimersByTimeAsync(0).then(() => undefined);
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a single caller has every slot, and its queued tasks start in order", async () => {
  const harness = new Harness({ slots: 2 });
  harness.ask("a1 a2 a3 a4");
  await settled();
  expect(harness.underWay).toEqual(["a1", "a2"]);
  await harness.end("a2");
  await harness.end("a1");
  expect(harness.underWay).toEqual(["a3", "a4"]);
});

test("beside another caller, nobody has more than a quarter of the slots", async () => {
  const harness = new Harness();
  harness.ask("b1 a1 a2 a3 a4");
  await settled();
  expect(harness.underWay).toEqual(["b1", "a1", "a2"]);
  await harness.end("a1");
  expect(harness.underWay).toEqual(["b1", "a2", "a3"]);
});

test("a caller that comes while another has every slot is next; then they alternate", async () => {
  const harness = new Harness({ slots: 2, slotsBesideOthers: 2 });
  harness.ask("a1 a2 a3 a4 a5 b1 b2");
  await settled();
  const begun: (string | undefined)[] = [];
  for (let count = 0; count < 5; count += 1) {
    await harness.end(harness.underWay[0] ?? "");
    begun.push(harness.underWay.at(-1));
  }
  expect(begun).toEqual(["a3", "b1", "a4", "b2", "a5"]);
});

test("a caller has every slot again after being alone for a second", async () => {
  const harness = new Harness({ slots: 4 });
  harness.ask("b1 a1 a2 a3 a4");
  await settled();
  await harness.end("b1");
  expect(harness.underWay).toEqual(["a1"]);
  harness.nowMs = 1000;
  await harness.end("a1");
  expect(harness.underWay).toEqual(["a2", "a3", "a4"]);
});

test("tasks of one key run one after the other if it may have one slot", async () => {
  const harness = new Harness({ slotsAlone: 1, slotsBesideOthers: 1 });
  harness.ask("a1 a2 b1");
  await settled();
  expect(harness.underWay).toEqual(["a1", "b1"]);
  await harness.end("a1");
  expect(harness.underWay).toEqual(["b1", "a2"]);
});

describe("after a long task", () => {
  async function afterOne(tookMs: number, names: string): Promise<Harness> {
    const harness = new Harness({ slots: 4 });
    harness.ask(names);
    await settled();
    harness.nowMs = tookMs;
    await harness.end("a1");
    return harness;
  }

  test("a caller with more queued tasks rests for twice as long as it took, while others are active", async () => {
    const harness = await afterOne(100, "b1 a1 a2");
    expect(harness.underWay).toEqual(["b1"]);
    harness.ask("c1 a3");
    await vi.advanceTimersByTimeAsync(199);
    expect(harness.underWay).toEqual(["b1", "c1"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(harness.underWay).toEqual(["b1", "c1", "a2"]);
  });

  test.each<[what: string, tookMs: number, names: string, underWay: string[]]>([
    ["nobody rests who is alone", 100, "a1 a2 a3 a4 a5", ["a2", "a3", "a4", "a5"]],
    ["nobody rests after a short work", 50, "b1 a1 a2", ["b1", "a2"]],
  ])("%s", async (_, tookMs, names, underWay) => {
    const harness = await afterOne(tookMs, names);
    expect(harness.underWay).toEqual(underWay);
  });

  test("a caller without queued tasks does not rest", async () => {
    const harness = await afterOne(100, "b1 a1");
    harness.ask("a2");
    await settled();
    expect(harness.underWay).toEqual(["b1", "a2"]);
  });

  test("no rest is longer than half a second", async () => {
    const harness = await afterOne(900, "b1 a1 a2");
    harness.ask("c1");
    await vi.advanceTimersByTimeAsync(500);
    expect(harness.underWay).toContain("a2");
  });
});

test("a failed task gives its slot back", async () => {
  const turns = new Turns({ room: "reads", watch: new LedgerWatch(), slots: 1 });
  await expect(turns.run("a", () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  await expect(turns.run("a", async () => "done")).resolves.toBe("done");
});

describe("refused is", () => {
  const overloaded = { refusal: { situation: "overloaded", meta: { retry_after_ms: "500" } } };

  test("a task that has waited too long, and the turn goes to the next", async () => {
    const harness = new Harness({ slots: 1, waitMsMax: 5000 });
    const [, second] = harness.ask("a1 a2");
    const refused = expect(second).rejects.toMatchObject(overloaded);
    await vi.advanceTimersByTimeAsync(5000);
    await refused;
    harness.ask("b1");
    await harness.end("a1");
    expect([harness.underWay, harness.refusals]).toEqual([["b1"], ["reads"]]);
  });

  test("only a caller that fills half of the queue", async () => {
    const harness = new Harness({ slots: 1, waitingMax: 4 });
    const [, , , third] = harness.ask("a1 a2 a3 a4");
    await expect(third).rejects.toMatchObject(overloaded);
    harness.ask("b1");
    await harness.end("a1");
    await harness.end("a2");
    expect([harness.underWay, harness.refusals]).toEqual([["b1"], ["reads"]]);
  });
});
