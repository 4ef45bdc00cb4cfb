/** The feed of events over a transport in memory: what it asks, repeats, throws and cancels. `feed.test.ts` uses the service. */
import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  createClient,
  type EventsOptions,
  events,
  FinanceError,
  type Transport,
  type TransportReply,
} from "../../packages/client/src/index.ts";

/** What the transport does with one call: the events and the cursor of a reply, a refusal, an error, or no reply. */
type Step =
  | { readonly ids?: readonly number[]; readonly cursor: string; readonly afterMs?: number }
  | { readonly status: number; readonly code?: string; readonly meta?: Readonly<Record<string, string>> }
  | { readonly error: unknown }
  | "hang";

interface Asked {
  readonly cursor?: string;
  readonly fromEnd?: boolean;
  readonly accountId?: string;
  readonly pageSize: number;
  readonly waitMs?: number;
}

/** A transport with these steps, of which the last one is repeated. */
function scripted(...steps: readonly Step[]) {
  const asked: Asked[] = [];
  const timesMs: number[] = [];
  const headers: Readonly<Record<string, string>>[] = [];
  const canceled: unknown[] = [];
  const transport: Transport = {
    async send(request) {
      const step = steps[asked.length] ?? steps.at(-1) ?? "hang";
      asked.push(JSON.parse(String(request.body)));
      headers.push(request.headers);
      timesMs.push(Date.now());
      if (step === "hang") {
        return await new Promise((_, reject) => {
          request.signal.addEventListener("abort", () => {
            canceled.push(request.signal.reason);
            reject(request.signal.reason);
          });
        });
      }
      if ("error" in step) throw step.error;
      if ("status" in step) {
        const { status, code, meta } = step;
        return replyOf(status, code === undefined ? "<html>" : JSON.stringify({ code, msg: "", meta }));
      }
      if (step.afterMs !== undefined) await new Promise((resolve) => setTimeout(resolve, step.afterMs));
      const found = (step.ids ?? []).map((id) => ({ id: `${id}`, cursor: `c${id}` }));
      return replyOf(200, JSON.stringify({ events: found, cursor: step.cursor }));
    },
  };
  const finance = createClient({ events }, { baseUrl: "http://localhost", transport });
  return { finance, asked, timesMs, headers, canceled };
}

function replyOf(status: number, text: string): TransportReply {
  const header = (name: string) => (name === "content-type" ? "application/json" : undefined);
  return { status, header, body: new TextEncoder().encode(text) };
}

/** The ids of this many events. */
async function take(feed: AsyncIterable<{ readonly id: bigint }>, count: number): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of feed) {
    ids.push(Number(id));
    if (ids.length === count) break;
  }
  return ids;
}

const network = { error: Object.assign(new Error("reset"), { code: "ECONNRESET" }) };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Lets all timers fire, as soon as they are set, until the work is done. */
async function inFastTime<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const end = () => {
    isDone = true;
  };
  work.then(end, end);
  while (!isDone) await vi.advanceTimersToNextTimerAsync();
  return await work;
}

describe("what it asks", () => {
  test("the first call is short, and each further one waits and continues after the last reply", async () => {
    const { finance, asked } = scripted({ ids: [1, 2], cursor: "c2" }, { ids: [3], cursor: "c3" });
    expect(await take(finance.events(), 3)).toEqual([1, 2, 3]);
    expect(asked).toEqual([{ pageSize: 20 }, { cursor: "c2", pageSize: 500, waitMs: 25_000 }]);
  });

  test("it passes on the options, and starts from the end only once", async () => {
    const { finance, asked } = scripted({ cursor: "c7" }, { ids: [8], cursor: "c8" });
    const options = { fromEnd: true, accountId: 4n, pageSize: 3, waitMs: 9 };
    expect(await take(finance.events(options), 1)).toEqual([8]);
    expect(asked).toEqual([
      { fromEnd: true, accountId: "4", pageSize: 3 },
      { cursor: "c7", accountId: "4", pageSize: 3, waitMs: 9 },
    ]);
  });

  test("it still starts from the end if the first calls fail", async () => {
    const { finance, asked } = scripted(network, { status: 503 }, { cursor: "c7" }, { ids: [8], cursor: "c8" });
    expect(await inFastTime(take(finance.events({ fromEnd: true }), 1))).toEqual([8]);
    expect(asked.map(({ fromEnd, cursor }) => fromEnd ?? cursor)).toEqual([true, true, true, "c7"]);
  });

  test("it continues after the cursor that it is given", async () => {
    const { finance, asked } = scripted({ ids: [8], cursor: "c8" });
    await take(finance.events({ cursor: "c7" }), 1);
    expect(asked).toEqual([{ cursor: "c7", pageSize: 20 }]);
  });

  test("each call may take timeoutMs longer than the wait", async () => {
    const { finance, headers } = scripted({ cursor: "c7" }, { ids: [8], cursor: "c8" });
    await take(finance.events({ headers: { "x-page": "home" } }), 1);
    expect(headers.map((sent) => sent["twirp-timeout-ms"])).toEqual(["30000", "55000"]);
    expect(headers.map((sent) => sent["x-page"])).toEqual(["home", "home"]);
    const short = scripted({ cursor: "c7" }, { ids: [8], cursor: "c8" });
    await take(short.finance.events({ timeoutMs: 1000, waitMs: 5000 }), 1);
    expect(short.headers.map((sent) => sent["twirp-timeout-ms"])).toEqual(["1000", "6000"]);
  });

  test("it lets changes in quick succession come in one reply, and asks at once after a full one", async () => {
    const steps = [
      { ids: [1], cursor: "c1" },
      { ids: [2], cursor: "c2" },
      { ids: [3, 4, 5], cursor: "c5" },
    ] as const;
    const { finance, timesMs } = scripted(
      ...steps,
      { ids: [6], cursor: "c6", afterMs: 70 },
      { ids: [7], cursor: "c7" },
    );
    expect(await inFastTime(take(finance.events({ pageSize: 3 }), 7))).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(timesMs.map((ms) => ms - (timesMs[0] ?? 0))).toEqual([0, 0, 50, 50, 120]);
    const slow = scripted(...steps);
    expect(await inFastTime(take(slow.finance.events({ intervalMs: 1000 }), 3))).toEqual([1, 2, 3]);
    expect(slow.timesMs.map((ms) => ms - (slow.timesMs[0] ?? 0))).toEqual([0, 0, 1000]);
  });

  test("pages come with their cursors, without events only if the cursor is new", async () => {
    const { finance } = scripted(
      { cursor: "c7" },
      { cursor: "c9" },
      { cursor: "c9", afterMs: 25_000 },
      { ids: [10, 11], cursor: "c11" },
    );
    const pages: object[] = [];
    const read = async () => {
      for await (const page of finance.events.pages({ fromEnd: true })) {
        pages.push([page.events.map(({ id }) => Number(id)), page.cursor]);
        if (page.events.length > 0) break;
      }
    };
    await inFastTime(read());
    expect(pages).toEqual([
      [[], "c7"],
      [[], "c9"],
      [[10, 11], "c11"],
    ]);
  });
});

describe("what it repeats", () => {
  const cut = Object.assign(new Error("stream has been aborted"), { code: "ERR_BAD_RESPONSE" });
  const cause = Object.assign(new TypeError("fetch failed"), { cause: network.error });
  const noToken = new FinanceError("unauthenticated", "no token", { reason: "token_unavailable", cause });

  test.each<[what: string, step: Step]>([
    ["a lost connection", network],
    ["unavailable", { status: 503, code: "unavailable" }],
    ["a proxy without a server", { status: 502 }],
    ["a call that took too long", { status: 408, code: "deadline_exceeded" }],
    ["a limit that says when", { status: 429, code: "resource_exhausted", meta: { retry_after_ms: "50" } }],
    ["a token that the network kept away", { error: noToken }],
    ["a reply that broke off", { error: cut }],
    ["a reply without a cursor, which protobuf reads if a proxy cut it", { ids: [2, 3], cursor: "" }],
    ["an internal error", { status: 500, code: "internal" }],
    ["a proxy's error", { status: 520 }],
  ])("%s, from the cursor of the last reply", async (_, step) => {
    const { finance, asked } = scripted({ ids: [1], cursor: "c1" }, step, step, { ids: [2, 3], cursor: "c3" });
    const states: string[] = [];
    const onState = (state: string, error?: FinanceError) => states.push(error ? `${state}: ${error.code}` : state);
    expect(await inFastTime(take(finance.events({ onState }), 3))).toEqual([1, 2, 3]);
    const [first, long, ...short] = asked;
    expect(first).toEqual({ pageSize: 20 });
    expect(long).toEqual({ cursor: "c1", pageSize: 500, waitMs: 25_000 });
    expect(short).toEqual([
      { cursor: "c1", pageSize: 20 },
      { cursor: "c1", pageSize: 20 },
    ]);
    expect(states).toEqual(["live", expect.stringMatching(/^reconnecting: \w+$/), "live"]);
  });

  test("a call without a reply", async () => {
    const { finance, timesMs, canceled } = scripted({ cursor: "c1" }, "hang", { ids: [2], cursor: "c2" });
    vi.spyOn(Math, "random").mockReturnValue(0);
    expect(await inFastTime(take(finance.events({ timeoutMs: 5000 }), 1))).toEqual([2]);
    expect(timesMs.map((ms) => ms - (timesMs[0] ?? 0))).toEqual([0, 0, 30_000]);
    expect(canceled).toEqual([expect.objectContaining({ reason: "timed_out" })]);
  });

  test.each([
    ["a lost connection", network],
    ["a reply that broke off", { error: cut }],
  ])("%s without an end, at growing intervals of up to ten seconds", async (_, step) => {
    const failures = Array.from({ length: 40 }, () => step);
    const { finance, timesMs } = scripted(...failures, { ids: [1], cursor: "c1" });
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    expect(await inFastTime(take(finance.events(), 1))).toEqual([1]);
    const waitsMs = timesMs.slice(1).map((ms, index) => ms - (timesMs[index] ?? 0));
    expect(waitsMs.slice(0, 9)).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    expect(new Set(waitsMs.slice(9))).toEqual(new Set([5000]));
  });

  test("after the time that the service asks for, which may be longer than a timer", async () => {
    const limit = (retry_after_ms: string) => ({ status: 429, code: "resource_exhausted", meta: { retry_after_ms } });
    const { finance, timesMs } = scripted(limit("7000"), limit("9999999999"), { ids: [1], cursor: "c1" });
    vi.spyOn(Math, "random").mockReturnValue(0);
    expect(await inFastTime(take(finance.events(), 1))).toEqual([1]);
    expect(timesMs.map((ms) => ms - (timesMs[0] ?? 0))).toEqual([0, 7000, 7000 + 2 ** 31 - 1]);
  });

  test("a call that found nothing, at once after a wait, and within a second if the service did not wait", async () => {
    const nothing = { cursor: "c1" };
    const { finance, timesMs } = scripted(
      nothing,
      nothing,
      nothing,
      { ...nothing, afterMs: 25_000 },
      {
        ids: [2],
        cursor: "c2",
      },
    );
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    expect(await inFastTime(take(finance.events({ cursor: "c1" }), 1))).toEqual([2]);
    expect(timesMs.map((ms) => ms - (timesMs[0] ?? 0))).toEqual([0, 0, 500, 1000, 26_000]);
  });
});

describe("what it throws", () => {
  const interceptor = { error: new TypeError("x is not a function") };

  test.each<[what: string, step: Step, error: object]>([
    ["a wrong request", { status: 400, code: "invalid_argument" }, { code: "invalid_argument" }],
    ["a missing scope", { status: 403, code: "permission_denied" }, { code: "permission_denied" }],
    ["a token that is refused", { status: 401, code: "unauthenticated" }, { code: "unauthenticated", status: 401 }],
    ["an unknown account", { status: 404, code: "not_found" }, { code: "not_found" }],
    [
      "a cursor of another feed",
      { status: 412, code: "failed_precondition", meta: { reason: "feed_diverged" } },
      { code: "failed_precondition", reason: "feed_diverged" },
    ],
    ["a service without the feed", { status: 404, code: "bad_route" }, { code: "bad_route" }],
    ["a limit that does not say when", { status: 429, code: "resource_exhausted" }, { code: "resource_exhausted" }],
  ])("%s, at once", async (_, step, error) => {
    const { finance, asked } = scripted({ cursor: "c1" }, step);
    const states: string[] = [];
    const feed = finance.events({ onState: (state) => states.push(state) });
    await expect(feed.next()).rejects.toMatchObject(error);
    expect(asked).toHaveLength(2);
    expect(states).toEqual(["live"]);
    expect(await feed.next()).toEqual({ done: true, value: undefined });
  });

  test.each<[what: string, step: Step, error: object]>([
    ["an interceptor that throws", interceptor, { code: "unknown", reason: "transport_failed" }],
    ["an internal error", { status: 500, code: "internal" }, { code: "internal", status: 500 }],
    ["replies without a cursor", { cursor: "" }, { code: "internal", reason: "invalid_reply" }],
  ])("%s, after eleven times in a row", async (_, step, error) => {
    const tenTimes = Array.from({ length: 10 }, () => step);
    const { finance, asked } = scripted(
      ...tenTimes,
      { ids: [1], cursor: "c1" },
      ...tenTimes,
      { ids: [2], cursor: "c2" },
      step,
    );
    const feed = finance.events();
    expect(await inFastTime(feed.next())).toMatchObject({ value: { id: 1n } });
    expect(await inFastTime(feed.next())).toMatchObject({ value: { id: 2n } });
    await expect(inFastTime(feed.next())).rejects.toMatchObject(error);
    expect(asked).toHaveLength(10 + 1 + 10 + 1 + 11);
  });

  test("a token function's own error", async () => {
    const { finance } = scripted({ error: new FinanceError("unauthenticated", "", { reason: "token_unavailable" }) });
    await expect(finance.events().next()).rejects.toMatchObject({ reason: "token_unavailable" });
  });

  test("an error of onState", async () => {
    const { finance } = scripted({ cursor: "c1" });
    const onState = () => {
      throw new RangeError("mine");
    };
    await expect(finance.events({ onState }).next()).rejects.toThrow(RangeError);
  });
});

describe("how it ends", () => {
  const twoAndWait = [{ ids: [1, 2], cursor: "c2" }, "hang"] as const;

  test.each<[what: string, count: number]>([
    ["while it waits for an event", 2],
    ["before the next event of a page", 1],
    ["before the first call", 0],
  ])("signal cancels it %s", async (_, count) => {
    const { finance, asked, canceled } = scripted(...twoAndWait);
    const controller = new AbortController();
    const feed = finance.events({ signal: controller.signal });
    for (let taken = 0; taken < count; taken += 1) await feed.next();
    const isWaiting = count === 2;
    const next = isWaiting ? feed.next() : undefined;
    if (isWaiting) await vi.waitFor(() => expect(asked).toHaveLength(2));
    controller.abort("enough");
    await expect(next ?? feed.next()).rejects.toMatchObject({ code: "canceled", reason: "canceled", cause: "enough" });
    expect(canceled).toHaveLength(isWaiting ? 1 : 0);
    expect(asked).toHaveLength(count);
    expect(await feed.next()).toEqual({ done: true, value: undefined });
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  test("signal cancels it between two tries, and no listeners are left behind", async () => {
    const added = vi.spyOn(EventTarget.prototype, "addEventListener");
    const removed = vi.spyOn(EventTarget.prototype, "removeEventListener");
    const { finance, asked } = scripted(network);
    const controller = new AbortController();
    const next = finance.events({ signal: controller.signal }).next();
    const isCanceled = expect(next).rejects.toMatchObject({ code: "canceled" });
    while (asked.length < 20) await vi.advanceTimersToNextTimerAsync();
    expect(added.mock.calls.length).toBeGreaterThan(20);
    expect(added.mock.calls.length - removed.mock.calls.length).toBeLessThan(5);
    controller.abort();
    await isCanceled;
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  test("return cancels the call in flight and ends quietly", async () => {
    const { finance, asked, canceled } = scripted(...twoAndWait);
    const controller = new AbortController();
    const feed = finance.events({ signal: controller.signal });
    expect(await take({ [Symbol.asyncIterator]: () => ({ next: () => feed.next() }) }, 2)).toEqual([1, 2]);
    const next = feed.next();
    await vi.waitFor(() => expect(asked).toHaveLength(2));
    expect(await feed.return()).toEqual({ done: true, value: undefined });
    expect(await next).toEqual({ done: true, value: undefined });
    expect(canceled).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  test("break ends it, and nothing more is called", async () => {
    const { finance, asked } = scripted(...twoAndWait);
    expect(await take(finance.events(), 1)).toEqual([1]);
    expect(asked).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("nothing is called before the first event is asked for, nor after return", async () => {
    const { finance, asked } = scripted(...twoAndWait);
    const feed = finance.events();
    expect(asked).toEqual([]);
    await feed.return();
    expect(await feed.next()).toEqual({ done: true, value: undefined });
    expect(asked).toEqual([]);
  });
});

test("it needs no this, and takes no options", async () => {
  const { finance } = scripted({ ids: [1], cursor: "c1" });
  const { events: follow } = finance;
  const options: EventsOptions | undefined = undefined;
  expect(await take(follow(options), 1)).toEqual([1]);
  expect(await take(follow(), 1)).toEqual([1]);
});
