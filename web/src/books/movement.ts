/** What moved in the last days: posted transfers when they were made, captured holds when they were captured. */
import { type FinanceClient, fromDate, type Transfer, TransferState, toDate } from "@finance-service/client";
import { queryOptions } from "@tanstack/react-query";
import { PAGE_SIZE_MAX } from "../data/queries.ts";

export interface Movement {
  readonly transfer: Transfer;
  readonly time: Date;
  /** Minor units. */
  readonly amount: bigint;
}

/** Movements, newest first. */
export interface Movements {
  readonly movements: readonly Movement[];
  /** Every movement from this time on is included. */
  readonly since: Date;
  /** Whether the limit of one call has moved `since` closer than DAYS. */
  readonly isCut: boolean;
  readonly asOf: Date;
}

/** Days that are shown, today included. */
export const DAYS = 30;

/**
 * One call of each kind: a busy ledger has more in DAYS; then the page covers less time, and says so. Two large pages are too
 * much to fetch again at each event.
 */
export function movementsQuery(finance: FinanceClient) {
  return queryOptions({
    queryKey: ["movements"],
    queryFn: async ({ signal }) => {
      const asOf = new Date();
      const start = dayAt(asOf, 1 - DAYS);
      const after = fromDate(start);
      const [posted, captured] = await Promise.all(
        [
          { state: TransferState.TRANSFER_STATE_POSTED, createdAfter: after },
          { state: TransferState.TRANSFER_STATE_CAPTURED, settledAfter: after },
        ].map((filters) => finance.listTransfers({ ...filters, pageSize: PAGE_SIZE_MAX }, { signal })),
      );
      return collect(
        [posted, captured].flatMap((page) => page ?? []),
        start,
        asOf,
      );
    },
    meta: { isCostly: true },
  });
}

interface Page {
  readonly transfers: readonly Transfer[];
  readonly nextPageToken: string;
}

/** Joins pages of transfers. What is older than the end of a page that others follow is left out: it would be incomplete. */
export function collect(pages: readonly Page[], start: Date, asOf: Date): Movements {
  const lists = pages.map(({ transfers, nextPageToken }) => {
    const movements = transfers.flatMap(movementOf);
    return { movements, since: nextPageToken === "" ? start : (movements.at(-1)?.time ?? start) };
  });
  const since = new Date(Math.max(...lists.map((list) => list.since.getTime())));
  const movements = lists
    .flatMap((list) => list.movements)
    .filter(({ time }) => time >= since)
    .sort((one, other) => other.time.getTime() - one.time.getTime());
  return { movements, since, isCut: since > start, asOf };
}

function movementOf(transfer: Transfer): Movement[] {
  const isCapture = transfer.state === TransferState.TRANSFER_STATE_CAPTURED;
  const time = isCapture ? transfer.settledAt : transfer.createdAt;
  if (time === undefined) return [];
  return [{ transfer, time: toDate(time), amount: isCapture ? transfer.capturedAmount : transfer.amount }];
}

export interface DayTotal {
  /** Its midnight, here. */
  readonly day: Date;
  readonly transfers: number;
  /** Minor units. */
  readonly amount: bigint;
}

/** The sum of each day, oldest first, from the first that has data at all until today. */
export function totalsByDay(
  movements: readonly Movement[],
  { since, asOf }: Pick<Movements, "since" | "asOf">,
): DayTotal[] {
  return Array.from({ length: DAYS }, (_, index) => dayAt(asOf, index + 1 - DAYS)).flatMap((day) => {
    const end = dayAt(day, 1);
    if (end <= since) return [];
    const kept = movements.filter(({ time }) => time >= day && time < end);
    return [{ day, transfers: kept.length, amount: kept.reduce((sum, { amount }) => sum + amount, 0n) }];
  });
}

/** The currencies that moved, the most active first. */
export function currenciesOf(movements: readonly Movement[]): string[] {
  const counts = new Map<string, number>();
  for (const { transfer } of movements) counts.set(transfer.currency, (counts.get(transfer.currency) ?? 0) + 1);
  return [...counts]
    .sort(([one, times], [other, others]) => others - times || one.localeCompare(other))
    .map(([code]) => code);
}

/** Midnight here, that many days later. */
function dayAt(time: Date, days: number): Date {
  return new Date(time.getFullYear(), time.getMonth(), time.getDate() + days);
}
