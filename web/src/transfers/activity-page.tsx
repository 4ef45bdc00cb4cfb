import { type Account, type Currency, listTransfers } from "@finance-service/client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { readOf } from "../calls/recorded-call.ts";
import {
  AccountFilter,
  AmountFilter,
  ChoiceFilter,
  ClearFilters,
  DayFilter,
  MoreFilters,
  TextFilter,
} from "../components/filters.tsx";
import { Settled } from "../components/loaded.tsx";
import { PageHeading } from "../components/page-heading.tsx";
import { Pages } from "../components/pages.tsx";
import { useSort } from "../components/table.tsx";
import { TransferTable, transferHeads } from "../components/transfer-table.tsx";
import { readTransferFilters, TRANSFER_PARAMETERS } from "../data/filters.ts";
import { keys, knownAccountsQuery, PAGE_SIZE_MAX, transfersQuery } from "../data/queries.ts";
import { useAccounts } from "../data/use-accounts.ts";
import { transferColumns } from "../export/csv-columns.ts";
import { ListTools, pagesOf } from "../export/list-tools.tsx";
import { transferStates } from "../labels.ts";
import { paths, readId, useQueryOfAddress } from "../route.ts";
import { useSession } from "../session/session.ts";

/** The transfers that the caller may see, newest first, with filters. */
export function ActivityPage() {
  const { finance, may } = useSession();
  const accounts = useAccounts();
  const query = useQueryOfAddress();
  const sort = useSort(transferHeads);
  const isFiltered = TRANSFER_PARAMETERS.some((name) => query.has(name));
  const chosen = accounts.get(readId(query.get("account") ?? "") ?? 0n);
  const { money, isMixed } = moneyOf(chosen ? [chosen] : [...accounts.values()]);
  const { filters, problems } = readTransferFilters(query, money);
  const known = useQuery(knownAccountsQuery(finance));
  const transfers = useInfiniteQuery(transfersQuery(finance, { ...filters, ...(sort && { pageSize: PAGE_SIZE_MAX }) }));
  return (
    <>
      <PageHeading title="Activity" />
      <search className="filters">
        <ChoiceFilter
          label="State"
          name="state"
          problems={problems}
          any="Any state"
          choices={transferStates.map(({ label }) => label)}
        />
        <AccountFilter label="Account" name="account" problems={problems} accounts={accounts} />
        <DayFilter label="From" name="from" problems={problems} />
        <DayFilter label="Until" name="until" problems={problems} />
        <MoreFilters summary="More filters" names={["counterparty", "min", "max", "metadata", "key"]}>
          <AccountFilter label="Other account" name="counterparty" problems={problems} accounts={accounts} />
          <AmountFilter label="Minimum amount" name="min" problems={problems} money={money} />
          <AmountFilter label="Maximum amount" name="max" problems={problems} money={money} />
          <TextFilter label="Metadata" name="metadata" problems={problems} placeholder="order=1042" />
          <TextFilter
            label="Idempotency key"
            name="key"
            problems={problems}
            hint={may.isAdmin ? "" : "Of transfers that you made"}
          />
          {isMixed && (
            <p className="hint">
              Amounts are read with {money.minorUnitDigits} decimal places, as {money.currency} has. In currencies with
              others, the same digits are compared. Choose an account to compare its currency alone.
            </p>
          )}
        </MoreFilters>
      </search>
      <section className="table" aria-labelledby="transfers-heading">
        <h2 id="transfers-heading" className="unseen">
          Transfers
        </h2>
        <ListTools
          name="transfers"
          columns={transferColumns(accounts)}
          pages={pagesOf(finance.listTransfers, filters, (page) => page.transfers)}
          read={readOf(listTransfers, filters)}
          queryKey={keys.transfers(filters.accountId ?? 0n, filters.state ?? 0)}
        />
        <Settled queries={[transfers, known]} what="the transfers">
          <Pages
            query={transfers}
            itemsOf={(page) => page.transfers}
            what="the transfers"
            isSorted={sort !== undefined}
            empty={
              isFiltered ? (
                <>
                  <p>No transfers match these filters.</p>
                  <ClearFilters names={TRANSFER_PARAMETERS}>Show all transfers</ClearFilters>
                </>
              ) : (
                <>
                  <p>{may.isAdmin ? "There are no transfers yet." : "Your accounts have no transfers yet."}</p>
                  {may.write && (
                    <a className="button" href={paths.newTransfer()}>
                      Make a transfer
                    </a>
                  )}
                </>
              )
            }
          >
            {(items) => (
              <TransferTable labelledBy="transfers-heading" transfers={items} accounts={accounts} isSortable />
            )}
          </Pages>
        </Settled>
      </section>
    </>
  );
}

/** The currency by whose decimal places amounts are read: the one of most accounts. */
function moneyOf(accounts: readonly Account[]): { readonly money: Currency; readonly isMixed: boolean } {
  const counts = new Map<number, number>();
  for (const { minorUnitDigits: digits } of accounts) counts.set(digits, (counts.get(digits) ?? 0) + 1);
  const [[most] = [2]] = [...counts].toSorted(([, a], [, b]) => b - a);
  const money = accounts.find(({ minorUnitDigits }) => minorUnitDigits === most);
  return { money: money ?? { currency: "USD", minorUnitDigits: 2 }, isMixed: counts.size > 1 };
}
