/**
 * The feed of events: ListEvents again and again, through lost connections, restarts and deploys.
 *
 * Only a complete reply moves the cursor, and the next call continues from there. So a call may fail at any point, and no event
 * is skipped or given twice.
 */
import type { Event, ListEventsResponse } from "../../../generated/client/finance/v1/event.ts";
import { listEvents } from "../../../generated/client/methods.ts";
import { backoffMs, type CallOptions, type Connection, call, pause, TIMER_MS_MAX } from "./call.ts";
import { FinanceError, failure, isBrokenOff, isNetworkFailure } from "./errors.ts";

/** `live`: the last call was answered. `reconnecting`: it failed and will be repeated. */
export type FeedState = "live" | "reconnecting";

/** Where a feed starts, what it gives and how to watch it. */
export interface EventsOptions extends Omit<CallOptions, "maxRetries"> {
  /** Continues after this cursor of an event or a page. Default: from the first event. */
  readonly cursor?: string | undefined;
  /** Starts after the newest event at the time of the first reply. Not together with `cursor`. Default false. */
  readonly fromEnd?: boolean | undefined;
  /** Only events of this account. Default: of all accounts that the caller may see. */
  readonly accountId?: bigint | undefined;
  /** The most events in one reply, up to 1000. Default 500. */
  readonly pageSize?: number | undefined;
  /** Milliseconds that the service holds a call open until there is an event, 0 to 25000. With 0 it asks about every half second. Default 25000. */
  readonly waitMs?: number | undefined;
  /**
   * The least milliseconds from one call to the next while changes keep coming, so that those in quick succession come in one
   * reply. A full reply is followed at once. Default 50.
   */
  readonly intervalMs?: number | undefined;
  /** Ends the feed, which rejects with code `canceled` as every call does. Default none. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after `waitMs` until a call without a reply is repeated. Default: the client's. */
  readonly timeoutMs?: number | undefined;
  /** Called when the state changes, with the error if a call failed. Before the first reply there is no state. Default none. */
  readonly onState?: ((state: FeedState, error?: FinanceError) => void) | undefined;
}

/** Follows the feed. It needs no `this`. */
export interface EventsCall {
  /**
   * Each event once, in order, without an end. Store `event.cursor` together with the effect of the event, and pass it to continue
   * after a restart. `break`, or `return()`, cancels the call in flight.
   *
   * @throws FinanceError when `signal` aborts (`canceled`), for an error that another try would not fix, and when ten more tries
   * did not fix an `internal` or `unknown` one.
   * @example
   * for await (const event of finance.events({ fromEnd: true })) console.log(event.type, event.transfer?.amount);
   */
  (options?: EventsOptions): AsyncGenerator<Event, void, undefined>;
  /**
   * The same in replies: their events and one cursor for all of them. A page has no events if only its cursor is new, as the first
   * page with `fromEnd` and those past events of other accounts.
   */
  pages(options?: EventsOptions): AsyncGenerator<ListEventsResponse, void, undefined>;
}

/** For `createClient`: `finance.events`. */
export interface EventsMethod {
  readonly bind: typeof bindEvents;
}

/** Follows the feed of events; see `EventsCall`. */
export const events: EventsMethod = { bind: bindEvents };

function bindEvents(connection: Connection): EventsCall {
  const each = (options?: EventsOptions) => start(connection, (page) => page.events, options);
  const pages = (options?: EventsOptions) => start(connection, (page) => [page], options);
  return Object.assign(each, { pages });
}

type ItemsOf<Item> = (page: ListEventsResponse) => readonly Item[];

function start<Item>(
  connection: Connection,
  itemsOf: ItemsOf<Item>,
  options: EventsOptions = {},
): AsyncGenerator<Item, void, undefined> {
  const stop = new AbortController();
  const items = follow(connection, itemsOf, options, stop);
  const end = items.return.bind(items);
  return Object.assign(items, {
    // A generator's own `return` waits for the call in flight.
    return() {
      stop.abort();
      return end();
    },
  });
}

async function* follow<Item>(
  connection: Connection,
  itemsOf: ItemsOf<Item>,
  options: EventsOptions,
  stop: AbortController,
): AsyncGenerator<Item, void, undefined> {
  const { accountId, pageSize = 500, waitMs = 25_000, intervalMs = 50, signal, onState } = options;
  const { timeoutMs = connection.timeoutMs } = options;
  let { cursor, fromEnd } = options;
  let state: FeedState | undefined;
  let failures = 0;

  function enter(next: FeedState, error?: FinanceError): void {
    if (state !== next) onState?.(next, error);
    state = next;
  }

  const abort = () => stop.abort();
  signal?.addEventListener("abort", abort);
  try {
    if (signal?.aborted) abort();
    for (;;) {
      const isLive = state === "live";
      // The first call and those after a failure are short: the reply shows at once where the feed ends or that the service is
      // back, and it comes through a connection that breaks during long ones.
      const request = {
        cursor,
        fromEnd,
        accountId,
        pageSize: isLive ? pageSize : Math.min(pageSize, PROBE_PAGE_SIZE),
        waitMs: isLive ? waitMs : 0,
      };
      const startMs = performance.now();
      let page: ListEventsResponse;
      try {
        page = await call(connection, listEvents, request, {
          ...options,
          signal: stop.signal,
          timeoutMs: request.waitMs + timeoutMs,
          maxRetries: 0,
        });
        // A proxy cut the reply where protobuf can still read it.
        if (page.cursor === "") throw failure("invalid_reply", "the reply has no cursor");
      } catch (error) {
        if (!(error instanceof FinanceError && isTemporary(error, failures))) throw error;
        enter("reconnecting", error);
        const delayMs = backoffMs(failures, BACKOFF_MS_MAX, error.retryAfterMs);
        await pause(stop.signal, Math.min(delayMs, TIMER_MS_MAX));
        failures += 1;
        continue;
      }
      failures = 0;
      enter("live");
      if (page.cursor !== cursor) {
        for (const item of itemsOf(page)) {
          stop.signal.throwIfAborted();
          yield item;
        }
        const isBusy = isLive && page.events.length > 0 && page.events.length < pageSize;
        if (isBusy) await pause(stop.signal, startMs + intervalMs - performance.now());
      } else if (isLive && performance.now() - startMs < EARLY_MS) {
        // The service is about to stop: not all callers should come back at once.
        await pause(stop.signal, Math.random() * EARLY_MS);
      }
      ({ cursor } = page);
      fromEnd = false;
    }
  } catch (error) {
    if (signal?.aborted) throw failure("canceled", "the caller gave up", { cause: signal.reason });
    // After `return()` the end is quiet.
    if (!stop.signal.aborted) throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

const PROBE_PAGE_SIZE = 20;
const BACKOFF_MS_MAX = 10_000;
const EARLY_MS = 1000;

/** How often in a row a call is repeated after an error that may have any cause. */
const UNCLEAR_FAILURES_MAX = 10;

/** Whether another call may succeed. The cause says if the network failed during the reply, or in the function in `token`. */
function isTemporary({ code, retryAfterMs, cause }: FinanceError, failures: number): boolean {
  if (code === "unavailable" || code === "deadline_exceeded") return true;
  if (isNetworkFailure(cause) || isBrokenOff(cause)) return true;
  if (code === "resource_exhausted") return retryAfterMs !== undefined;
  return (code === "internal" || code === "unknown") && failures < UNCLEAR_FAILURES_MAX;
}
