import { expect, test } from "vitest";
import { shared } from "../../src/plugins/health.ts";

const HOUR = 3_600_000;

/** Makes 1, then 2, and so on, each when it is told to. */
function counting() {
  let made = 0;
  let finish: (() => void)[] = [];
  const make = () => {
    made += 1;
    const number = made;
    return new Promise<number>((resolve) => finish.push(() => resolve(number)));
  };
  const finishAll = () => {
    for (const each of finish) each();
    finish = [];
  };
  return { make, finishAll, made: () => made };
}

test("callers that ask while it is being made share it, however long that takes", async () => {
  const { make, finishAll, made } = counting();
  const get = shared(0, make);
  const asked = [get(), get(), get()];
  finishAll();
  expect(await Promise.all(asked)).toEqual([1, 1, 1]);
  const next = get();
  finishAll();
  expect([await next, made()]).toEqual([2, 2]);
});

test("it is shared for its time", async () => {
  const { make, finishAll, made } = counting();
  const get = shared(HOUR, make);
  const first = get();
  finishAll();
  expect([await first, await get(), made()]).toEqual([1, 1, 1]);
});

test("a failure is not shared", async () => {
  let calls = 0;
  const get = shared(HOUR, async () => {
    calls += 1;
    if (calls === 1) throw new Error("away");
    return calls;
  });
  await expect(get()).rejects.toThrow("away");
  expect(await get()).toBe(2);
});
