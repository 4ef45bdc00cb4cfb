import { type Currency, formatMoney } from "@finance-service/client";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Loaded } from "../components/loaded.tsx";
import { Sum } from "../components/sum.tsx";
import { Table } from "../components/table.tsx";
import { TransferTable } from "../components/transfer-table.tsx";
import { PAGE_SIZE_MAX } from "../data/queries.ts";
import { useAccounts } from "../data/use-accounts.ts";
import { dateOf, dateTimeOf, timeOf } from "../labels.ts";
import { paths } from "../route.ts";
import { useSession } from "../session/session.ts";
import { currenciesOf, DAYS, type DayTotal, type Movements, movementsQuery, totalsByDay } from "./movement.ts";

const LARGEST = 3;

/** Bars of what moved each day, and the largest transfers, in one currency at a time. */
export function MovementSection() {
  const { finance } = useSession();
  const query = useQuery(movementsQuery(finance));
  const [chosen, choose] = useState<string>();
  const currencies = query.data ? currenciesOf(query.data.movements) : [];
  const currency = currencies.find((code) => code === chosen) ?? currencies[0];
  return (
    <section aria-labelledby="movement-heading">
      <div className="heading-line">
        <h2 id="movement-heading">Movement per day</h2>
        {currencies.length > 1 && (
          <fieldset className="choices">
            <legend className="unseen">Currency</legend>
            {currencies.map((code) => (
              <button key={code} type="button" aria-pressed={code === currency} onClick={() => choose(code)}>
                {code}
              </button>
            ))}
          </fieldset>
        )}
      </div>
      <Loaded query={query} what="the movements">
        {(data) => (currency === undefined ? <NoMovement /> : <Shown data={data} currency={currency} />)}
      </Loaded>
    </section>
  );
}

function NoMovement() {
  const { may } = useSession();
  return (
    <div className="empty">
      <p>No money moved in the last {DAYS} days.</p>
      {may.write && (
        <a className="button quiet" href={paths.newTransfer()}>
          Make a transfer
        </a>
      )}
    </div>
  );
}

interface ShownProps {
  readonly data: Movements;
  readonly currency: string;
}

function Shown({ data, currency }: ShownProps) {
  const accounts = useAccounts();
  const movements = data.movements.filter(({ transfer }) => transfer.currency === currency);
  const [first] = movements;
  if (first === undefined) return null;
  const largest = movements.toSorted((one, other) => (one.amount < other.amount ? 1 : -1)).slice(0, LARGEST);
  return (
    <>
      <Bars totals={totalsByDay(movements, data)} money={first.transfer}>
        {data.isCut
          ? `This covers only the time since ${dateTimeOf(data.since)}: one call reads at most ${PAGE_SIZE_MAX} transfers. `
          : `This covers every transfer that was posted or captured in the last ${DAYS} days. `}
        As of {timeOf(data.asOf)}.
      </Bars>
      <section className="table" aria-labelledby="largest-heading">
        <h3 id="largest-heading">Largest movements</h3>
        <TransferTable
          labelledBy="largest-heading"
          transfers={largest.map(({ transfer }) => transfer)}
          accounts={accounts}
        />
      </section>
    </>
  );
}

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric" });

interface BarsProps {
  readonly totals: readonly DayTotal[];
  readonly money: Currency;
  /** Which transfers count. */
  readonly children: ReactNode;
}

function Bars({ totals, money, children }: BarsProps) {
  const highest = totals.reduce((one, other) => (other.amount > one.amount ? other : one));
  return (
    <>
      <div
        className="bars"
        role="img"
        aria-label="Bar chart of the amounts of each day. The table below shows the same values"
      >
        {totals.map(({ day, amount }) => (
          <div key={day.getTime()} title={`${dateOf(day)}: ${formatMoney(amount, money)}`}>
            <div className="bar" style={{ height: `${Number((amount * 1000n) / (highest.amount || 1n)) / 10}%` }} />
            <span>{DAY.format(day)}</span>
          </div>
        ))}
      </div>
      <p className="muted">
        Highest: <Sum minor={highest.amount} money={money} /> on {dateOf(highest.day)}. {children}
      </p>
      <details>
        <summary>Show the chart as a table</summary>
        <Table
          label="Movement per day"
          rows={totals}
          keyOf={({ day }) => `${day.getTime()}`}
          columns={[
            { head: "Day", cell: ({ day }) => dateOf(day) },
            { head: "Transfers", className: "figure", cell: ({ transfers }) => transfers },
            { head: "Amount", className: "figure", cell: ({ amount }) => <Sum minor={amount} money={money} /> },
          ]}
        />
      </details>
    </>
  );
}
