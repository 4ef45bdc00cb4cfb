import { expect, test } from "vitest";
import * as fields from "../../generated/client/fields.ts";
import { fromDate, type Transfer, TransferState } from "../../packages/client/src/index.ts";
import { complete } from "../../packages/client/src/message.ts";
import { collect, currenciesOf, DAYS, totalsByDay } from "../../web/src/books/movement.ts";

const NOW = new Date(2026, 10, 26, 15, 30);
const START = new Date(2026, 9, 28);

/** A time of November 2026, here. */
const at = (day: number, hours = 12, minutes = 0) => new Date(2026, 10, day, hours, minutes);

function posted(time: Date, amount: bigint, change: Partial<Transfer> = {}): Transfer {
  const state = TransferState.TRANSFER_STATE_POSTED;
  return complete(fields.Transfer, { id: 1n, state, amount, currency: "USD", createdAt: fromDate(time), ...change });
}

const captured = (held: Date, settled: Date, amount: bigint, capturedAmount: bigint) =>
  posted(held, amount, { state: TransferState.TRANSFER_STATE_CAPTURED, settledAt: fromDate(settled), capturedAmount });

const page = (transfers: Transfer[], nextPageToken = "") => ({ transfers, nextPageToken });

const summary = (movements: ReturnType<typeof collect>["movements"]) =>
  movements.map(({ time, amount }) => [time.getTime(), amount]);

test("a captured hold counts what was captured, when it was captured", () => {
  const { movements, isCut, since } = collect(
    [page([posted(at(25), 7n), posted(at(24), 5n)]), page([captured(at(1), at(24, 18), 100n, 30n)])],
    START,
    NOW,
  );
  expect(summary(movements)).toEqual([
    [at(25).getTime(), 7n],
    [at(24, 18).getTime(), 30n],
    [at(24).getTime(), 5n],
  ]);
  expect([isCut, since]).toEqual([false, START]);
});

test("beyond a page that others follow, nothing counts: also not from the other list", () => {
  const { movements, isCut, since } = collect(
    [page([posted(at(25), 7n), posted(at(24), 5n)], "more"), page([captured(at(1), at(23), 9n, 9n)])],
    START,
    NOW,
  );
  expect(summary(movements).map(([, amount]) => amount)).toEqual([7n, 5n]);
  expect([isCut, since]).toEqual([true, at(24)]);
});

test("days are calendar days here, from midnight to midnight, and include those on which nothing moved", () => {
  const { movements } = collect(
    [page([posted(at(26, 0, 0), 1n), posted(at(25, 23, 59), 2n), posted(at(25, 0), 4n)])],
    START,
    NOW,
  );
  const totals = totalsByDay(movements, { since: START, asOf: NOW });
  expect(totals).toHaveLength(DAYS);
  expect(totals[0]).toEqual({ day: START, transfers: 0, amount: 0n });
  expect(totals.slice(-2)).toEqual([
    { day: at(25, 0), transfers: 2, amount: 6n },
    { day: at(26, 0), transfers: 1, amount: 1n },
  ]);
});

test("days before the first that is known are left out", () => {
  expect(totalsByDay([], { since: at(24, 9), asOf: NOW }).map(({ day }) => day)).toEqual([
    at(24, 0),
    at(25, 0),
    at(26, 0),
  ]);
});

test("currencies are sorted by the number of their transfers, then by code", () => {
  const transfers = ["JPY", "USD", "EUR", "USD"].map((currency) => posted(at(25), 1n, { currency }));
  expect(currenciesOf(collect([page(transfers)], START, NOW).movements)).toEqual(["USD", "EUR", "JPY"]);
  expect(currenciesOf([])).toEqual([]);
});
