import { type Account, type Entry, type FinanceClient, fromDate, listEntries } from "@finance-service/client";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { readOf } from "../calls/recorded-call.ts";
import { Field } from "../components/field.tsx";
import { Loaded, Settled } from "../components/loaded.tsx";
import { PageHeading } from "../components/page-heading.tsx";
import { Sum } from "../components/sum.tsx";
import { Table } from "../components/table.tsx";
import { accountQuery, keys, knownAccountsQuery, PAGE_SIZE_MAX } from "../data/queries.ts";
import { useAccounts } from "../data/use-accounts.ts";
import { entryColumns } from "../export/csv-columns.ts";
import { ListTools, pagesOf } from "../export/list-tools.tsx";
import { dateOf, dateTimeOf, sideOf, typeOf } from "../labels.ts";
import { paths, useQueryOfAddress } from "../route.ts";
import { useSession } from "../session/session.ts";
import { lastDayOf, monthOf, type Period, readPeriod, writePeriod } from "./period.ts";
import { columnsFor } from "./statement.tsx";

/** A page that people read and print has no more. */
const ENTRIES_MAX = 5000;

/** The entries of a period, oldest first, with the balances around them: to read, print or save. */
export function StatementPage({ id }: { readonly id: bigint }) {
  const { finance } = useSession();
  const query = useQueryOfAddress();
  const [now] = useState(() => new Date());
  const asked = readPeriod(query.get("from"), query.get("until"));
  const period = asked ?? monthOf(now, 0);
  const isWrong = asked === undefined && (query.has("from") || query.has("until"));
  const account = useQuery(accountQuery(finance, id));
  const known = useQuery(knownAccountsQuery(finance));
  const statement = useQuery(statementQuery(finance, id, period, now));
  const { data } = account;
  return (
    <>
      <PageHeading
        title={data ? `Statement of ${data.name}` : `Statement of account ${id}`}
        back={{ href: paths.account(id), to: data?.name ?? `Account ${id}` }}
      >
        {data && (
          <p className="muted">
            No. {`${id}`} · {typeOf(data)} · {data.currency} · owned by {data.owner}
          </p>
        )}
      </PageHeading>
      {/* The heading grows when the account arrives. */}
      <Settled queries={[account]} what="the account">
        <PeriodForm id={id} period={period} now={now} isWrong={isWrong} />
        <Settled queries={[known, statement]} what="the statement">
          <Loaded query={account} what="the account">
            {(loaded) => (
              <Loaded query={statement} what="the statement">
                {(shown) => <Printed account={loaded} period={period} statement={shown} />}
              </Loaded>
            )}
          </Loaded>
        </Settled>
      </Settled>
    </>
  );
}

interface PeriodFormProps {
  readonly id: bigint;
  readonly period: Period;
  readonly now: Date;
  /** Whether the address has other text than a period. */
  readonly isWrong: boolean;
}

/** Changes the period in the address. */
function PeriodForm({ id, period, now, isWrong }: PeriodFormProps) {
  const [days, setDays] = useState(() => writePeriod(period));
  const [problem, setProblem] = useState(
    isWrong ? "The address has no two days in order. This month is shown instead." : undefined,
  );
  const set = (change: Partial<typeof days>) => {
    setDays({ ...days, ...change });
    setProblem(undefined);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (readPeriod(days.from, days.until) === undefined) setProblem("Choose two days, the first one first.");
    else window.location.hash = paths.statement(id, days);
  };
  return (
    <search>
      <form className="period" onSubmit={submit} noValidate>
        <Field label="From" type="date" value={days.from} onChange={({ target }) => set({ from: target.value })} />
        <Field
          label="Until"
          type="date"
          value={days.until}
          onChange={({ target }) => set({ until: target.value })}
          problem={problem}
        />
        <div className="actions">
          <button type="submit" className="quiet">
            Show
          </button>
          <a href={paths.statement(id, writePeriod(monthOf(now, 0)))}>This month</a>
          <a href={paths.statement(id, writePeriod(monthOf(now, 1)))}>Last month</a>
        </div>
      </form>
    </search>
  );
}

interface Statement {
  readonly entries: readonly Entry[];
  /** Before the first entry, minor units. */
  readonly opening: bigint;
  /** After the last entry, minor units. */
  readonly closing: bigint;
  /** Whether the period has more than ENTRIES_MAX. */
  readonly isCut: boolean;
}

/** It may read many pages, so events don't fetch it again. */
function statementQuery(finance: FinanceClient, accountId: bigint, period: Period, now: Date) {
  return queryOptions({
    queryKey: [...keys.entries(accountId), "period", period.start.getTime(), period.end.getTime()],
    queryFn: async ({ signal }): Promise<Statement> => {
      const request = { ...entriesIn(accountId, period), pageSize: PAGE_SIZE_MAX };
      const entries: Entry[] = [];
      for await (const page of finance.listEntries.pages(request, { signal })) {
        entries.push(...page.entries);
        if (entries.length > ENTRIES_MAX) break;
      }
      const isCut = entries.length > ENTRIES_MAX;
      const shown = entries.slice(0, ENTRIES_MAX);
      const [first] = shown;
      if (first !== undefined) {
        const opening = first.balanceAfter - first.amount;
        return { entries: shown, opening, closing: shown.at(-1)?.balanceAfter ?? opening, isCut };
      }
      // The service tells no balances of the future.
      const asOf = period.start < now ? { asOf: fromDate(period.start) } : {};
      const { balance } = await finance.getBalance({ accountId, ...asOf }, { signal });
      return { entries: [], opening: balance, closing: balance, isCut };
    },
    meta: { isCostly: true },
  });
}

function entriesIn(accountId: bigint, { start, end }: Period) {
  return { accountId, after: fromDate(start), before: fromDate(end) };
}

interface PrintedProps {
  readonly account: Account;
  readonly period: Period;
  readonly statement: Statement;
}

function Printed({ account, period, statement: { entries, opening, closing, isCut } }: PrintedProps) {
  const { finance } = useSession();
  const accounts = useAccounts();
  const { id } = account;
  const request = entriesIn(id, period);
  const sum = (minor: bigint) => <Sum minor={minor} money={account} />;
  const totalOf = (side: ReturnType<typeof sideOf>) =>
    entries
      .filter((entry) => sideOf(entry, account) === side)
      .reduce((total, { amount }) => total + (amount < 0n ? -amount : amount), 0n);
  const last = entries.at(-1);
  return (
    <section className="table printed" aria-labelledby="period-heading">
      <div className="heading-line">
        <h2 id="period-heading">
          {dateOf(period.start)} to {dateOf(lastDayOf(period))}
        </h2>
        <ListTools
          name={`statement-${id}`}
          columns={entryColumns(account, accounts)}
          pages={pagesOf(finance.listEntries, request, (page) => page.entries)}
          read={readOf(listEntries, request)}
          queryKey={keys.entries(id)}
        >
          <button type="button" className="quiet" onClick={() => window.print()}>
            Print
          </button>
        </ListTools>
      </div>
      <dl className="details">
        <div>
          <dt>Opening balance</dt>
          <dd>{sum(opening)}</dd>
        </div>
        <div>
          <dt>Debits</dt>
          <dd>{sum(totalOf("Debit"))}</dd>
        </div>
        <div>
          <dt>Credits</dt>
          <dd>{sum(totalOf("Credit"))}</dd>
        </div>
        <div>
          <dt>{isCut ? "Balance after the last entry below" : "Closing balance"}</dt>
          <dd>{sum(closing)}</dd>
        </div>
      </dl>
      {isCut && last?.createdAt && (
        <p className="wrong">
          This period has more than {ENTRIES_MAX.toLocaleString()} entries. The statement ends on{" "}
          {dateTimeOf(last.createdAt)}: choose a shorter period.
        </p>
      )}
      {entries.length === 0 ? (
        <p className="empty">Nothing was posted in this period. Choose another one above.</p>
      ) : (
        <Table
          labelledBy="period-heading"
          rows={entries}
          keyOf={({ sequence }) => `${sequence}`}
          columns={columnsFor(account, accounts)}
        />
      )}
      <p className="muted">
        Times are those of {Intl.DateTimeFormat().resolvedOptions().timeZone}. Made on {dateTimeOf(new Date())}.
      </p>
    </section>
  );
}
