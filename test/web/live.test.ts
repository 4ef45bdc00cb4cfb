/** Which queries an event makes the console fetch again, and when. */
import { type Event, TransferState } from "@finance-service/client";
import { QueryClient, type QueryKey, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { keys } from "../../web/src/data/queries.ts";
import { Refresher } from "../../web/src/live/refresher.ts";
import { EVERYTHING, touchedBy } from "../../web/src/live/touched.ts";

const [ANY, POSTED, PENDING, CAPTURED, VOIDED] = [
  TransferState.TRANSFER_STATE_UNSPECIFIED,
  TransferState.TRANSFER_STATE_POSTED,
  TransferState.TRANSFER_STATE_PENDING,
  TransferState.TRANSFER_STATE_CAPTURED,
  TransferState.TRANSFER_STATE_VOIDED,
];

/** Queries of pages, by what they show. */
const shown: Readonly<Record<string, QueryKey>> = {
  "known accounts": [...keys.accounts, "known"],
  "account 4": keys.account(4n),
  "account 5": keys.account(5n),
  "account 41": keys.account(41n),
  "changes of account 4": keys.accountChanges(4n),
  "statement of 4": keys.entries(4n),
  "statement of 5": keys.entries(5n),
  "chart of 4": [...keys.history(4n), 0, "now"],
  activity: [...keys.transfers(0n, ANY), 50],
  "posted transfers": [...keys.transfers(0n, POSTED), 50],
  holds: [...keys.transfers(0n, PENDING), 50],
  "voided holds": [...keys.transfers(0n, VOIDED), 50],
  "holds of 4": [...keys.transfers(4n, PENDING), 50],
  "holds of 5": [...keys.transfers(5n, PENDING), 50],
  "transfer 7": keys.transfer(7n),
  "transfer 8": keys.transfer(8n),
  "trial balance": keys.trialBalance,
  "form from 4 to 6": [...keys.trial({ debit: 4n, credit: 6n }), "text"],
  "form from 5 to 8": [...keys.trial({ debit: 5n, credit: 8n }), "text"],
};

function transferEvent(state: TransferState, reversesTransferId = 0n): Event {
  const transfer = { id: 7n, debitAccountId: 4n, creditAccountId: 6n, state, reversesTransferId };
  return { transfer } as Event;
}

const ALWAYS = ["known accounts", "account 4", "activity", "transfer 7", "form from 4 to 6"];
const MOVED = ["statement of 4", "chart of 4"];
const HOLDS = ["holds", "holds of 4"];

test.each<[what: string, event: Event, touched: readonly string[]]>([
  ["a posted transfer", transferEvent(POSTED), [...ALWAYS, ...MOVED, "posted transfers"]],
  ["a hold", transferEvent(PENDING), [...ALWAYS, ...HOLDS]],
  ["a capture", transferEvent(CAPTURED), [...ALWAYS, ...HOLDS, ...MOVED]],
  ["a void", transferEvent(VOIDED), [...ALWAYS, ...HOLDS, "voided holds"]],
  ["a reversal", transferEvent(POSTED, 8n), [...ALWAYS, ...MOVED, "posted transfers", "transfer 8"]],
  [
    "a change of an account",
    { account: { id: 4n } } as Event,
    ["known accounts", "account 4", "changes of account 4", "form from 4 to 6"],
  ],
  ["an event of a newer service", {} as Event, Object.keys(shown)],
])("%s touches exactly the queries that show it", (_, event, touched) => {
  const cache = new QueryClient().getQueryCache();
  const client = new QueryClient({ queryCache: cache });
  for (const queryKey of Object.values(shown)) client.setQueryData(queryKey, "reply");
  const found = new Set(touchedBy(event).flatMap((queryKey) => cache.findAll({ queryKey })));
  const names = Object.keys(shown).filter((name) => [...found].some(({ queryKey }) => queryKey === shown[name]));
  expect(names.toSorted()).toEqual([...touched].toSorted());
});

describe("the queries that a page shows", () => {
  let client: QueryClient;
  let refresher: Refresher;
  /** Answers the oldest pending fetch. */
  const replies: ((reply: string) => void)[] = [];
  const fetchReply = vi.fn(() => new Promise<string>((resolve) => replies.push(resolve)));
  beforeEach(() => {
    vi.useFakeTimers();
    client = new QueryClient();
    refresher = new Refresher(client);
    fetchReply.mockClear();
    replies.length = 0;
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const show = (queryKey: QueryKey, meta = {}) =>
    new QueryObserver(client, { queryKey, queryFn: fetchReply, meta }).subscribe(() => undefined);
  const settle = () => vi.advanceTimersByTimeAsync(0);
  const reply = async (text: string) => {
    replies.shift()?.(text);
    await settle();
  };

  test("are fetched at once, and then once for all events of a round and its pause", async () => {
    show(keys.account(4n));
    await reply("first");
    refresher.touch([keys.account(4n)]);
    await settle();
    expect(fetchReply).toHaveBeenCalledTimes(2);
    for (let count = 0; count < 1000; count += 1) refresher.touch([keys.account(4n)]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetchReply).toHaveBeenCalledTimes(2);
    await reply("second");
    await vi.advanceTimersByTimeAsync(399);
    expect(fetchReply).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(fetchReply).toHaveBeenCalledTimes(3);
    await reply("third");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetchReply).toHaveBeenCalledTimes(3);
    expect(client.getQueryData(keys.account(4n))).toBe("third");
  });

  test("are fetched again after a reply that may be older than the event", async () => {
    show(keys.account(4n));
    refresher.touch([keys.account(4n)]);
    await settle();
    expect(fetchReply).toHaveBeenCalledTimes(1);
    await reply("before the event");
    expect(fetchReply).toHaveBeenCalledTimes(2);
    await reply("after the event");
    expect(client.getQueryData(keys.account(4n))).toBe("after the event");
  });

  test("are not fetched by an event if they are costly or no longer shown, but marked as stale", async () => {
    const hide = show(keys.account(4n));
    await reply("hidden");
    hide();
    show(keys.trialBalance, { isCostly: true });
    await reply("costly");
    refresher.touch(EVERYTHING);
    await settle();
    expect(fetchReply).toHaveBeenCalledTimes(2);
    for (const key of [keys.account(4n), keys.trialBalance])
      expect(client.getQueryState(key)?.isInvalidated).toBe(true);
  });
});
