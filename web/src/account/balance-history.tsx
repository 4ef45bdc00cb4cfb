import { type Account, formatMoney, toDate } from "@finance-service/client";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Loaded } from "../components/loaded.tsx";
import { Sum } from "../components/sum.tsx";
import { Table } from "../components/table.tsx";
import type { Span } from "../data/history-span.ts";
import { historyQuery } from "../data/queries.ts";
import { dateOf, dateTimeOf } from "../labels.ts";
import { useSession } from "../session/session.ts";
import { BalanceChart } from "./balance-chart.tsx";
import { type ChartPoint, chartPoints } from "./chart-points.ts";

const DAY_MS = 86_400_000;

const RANGES = [
  { word: "1 week", days: 7 },
  { word: "1 month", days: 31 },
  { word: "3 months", days: 92 },
  { word: "1 year", days: 366 },
  { word: "All", days: undefined },
] as const;

/** The period that the page begins with. */
export function firstSpan(now: Date): Span {
  return { start: new Date(now.getTime() - RANGES[2].days * DAY_MS) };
}

interface BalanceHistoryProps {
  readonly account: Account;
  /** When the page was opened. The first period is counted back from it. */
  readonly openedAt: Date;
}

/** The balance over time, with buttons for the usual periods. Dragging across the chart zooms in. */
export function BalanceHistory({ account, openedAt }: BalanceHistoryProps) {
  const { finance } = useSession();
  const [range, setRange] = useState<(typeof RANGES)[number] | undefined>(RANGES[2]);
  const [span, setSpan] = useState(() => firstSpan(openedAt));
  const query = useQuery(historyQuery(finance, account.id, span));
  const { data } = query;
  const { type } = account;
  const points = useMemo(() => data && chartPoints(data.points, data.end, { type }), [data, type]);
  const choose = (next: (typeof RANGES)[number]) => {
    setRange(next);
    setSpan(spanOf(next.days, account));
  };
  const zoom = (next: Span) => {
    setRange(undefined);
    setSpan(next);
  };
  return (
    <section aria-labelledby="history-heading">
      <div className="heading-line">
        <h2 id="history-heading">Balance over time</h2>
        <fieldset className="choices">
          <legend className="unseen">Period</legend>
          {RANGES.map((candidate) => (
            <button
              key={candidate.word}
              type="button"
              aria-pressed={candidate === range}
              onClick={() => choose(candidate)}
            >
              {candidate.word}
            </button>
          ))}
        </fieldset>
      </div>
      <div className="chart-room" aria-busy={query.isPlaceholderData}>
        <Loaded query={{ ...query, data: points }} what="the history">
          {(shown) =>
            isFlatZero(shown) ? (
              <p className="empty">The balance was {formatMoney(0n, account)} the whole time.</p>
            ) : (
              <BalanceChart points={shown} money={account} onZoom={zoom} onReset={() => choose(RANGES[4])} />
            )
          }
        </Loaded>
      </div>
      {points !== undefined && <Course points={points} account={account} />}
    </section>
  );
}

/** @param days Default: since the account was opened. */
function spanOf(days: number | undefined, { createdAt }: Account): Span {
  const opened = createdAt === undefined ? new Date(0) : toDate(createdAt);
  return { start: days === undefined ? opened : new Date(Date.now() - days * DAY_MS) };
}

/** The chart in words and as a table, for people who can't see it. */
function Course({ points, account }: { readonly points: readonly ChartPoint[]; readonly account: Account }) {
  const first = points.at(0);
  const last = points.at(-1);
  if (first === undefined || last === undefined) return <p className="muted">There is no data in this period.</p>;
  const balances = points.map(({ balance }) => balance);
  const [lowest, highest] = balances.reduce(
    ([low, high], balance) => [balance < low ? balance : low, balance > high ? balance : high],
    [first.balance, first.balance],
  );
  const money = (minor: bigint) => <Sum minor={minor} money={account} />;
  return (
    <>
      <p className="muted">
        {dateOf(first.time)} {money(first.balance)} → {dateTimeOf(last.time)} {money(last.balance)} · lowest{" "}
        {money(lowest)} · highest {money(highest)}. Drag across the chart to zoom in; double-click to show everything.
      </p>
      <details>
        <summary>Show the chart as a table</summary>
        <Table
          label="Balance over time"
          rows={points.filter(isTurn)}
          keyOf={({ time }) => `${time.getTime()}`}
          columns={[
            { head: "Until", cell: ({ time }) => dateTimeOf(time) },
            { head: "Balance", className: "figure", cell: ({ balance }) => money(balance) },
          ]}
        />
      </details>
    </>
  );
}

/** A chart of nothing but zeros would have made-up numbers on its axis. */
function isFlatZero(points: readonly ChartPoint[]): boolean {
  return points.every(({ balance }) => balance === 0n);
}

/** Leaves out points where the balance did not change. */
function isTurn({ balance }: ChartPoint, index: number, all: readonly ChartPoint[]): boolean {
  return index === 0 || index === all.length - 1 || balance !== all[index - 1]?.balance;
}
