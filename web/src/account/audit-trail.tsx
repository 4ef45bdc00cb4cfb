import { type Account, type AccountChange, AccountStatus, listAccountChanges } from "@finance-service/client";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { CallButton } from "../calls/call-button.tsx";
import { readOf } from "../calls/recorded-call.ts";
import { Copyable } from "../components/copy.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Sum } from "../components/sum.tsx";
import { Table } from "../components/table.tsx";
import { Time } from "../components/time.tsx";
import { accountChangesQuery, keys } from "../data/queries.ts";
import { accountStatuses } from "../labels.ts";
import { useSession } from "../session/session.ts";

/** Who opened the account and changed its settings, when, and by which request, newest first. */
export function AuditTrail({ account }: { readonly account: Account }) {
  const { finance } = useSession();
  const query = useInfiniteQuery(accountChangesQuery(finance, account.id));
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  return (
    <section className="table" aria-labelledby="audit-heading">
      <div className="heading-line">
        <h2 id="audit-heading">Audit trail</h2>
        <div className="tools">
          <CallButton
            read={readOf(listAccountChanges, { accountId: account.id, newestFirst: true })}
            queryKey={keys.accountChanges(account.id)}
          />
        </div>
      </div>
      <Loaded query={query} what="the audit trail">
        {({ pages }) => <ChangeTable changes={pages.flatMap((page) => page.changes)} account={account} />}
      </Loaded>
      {hasNextPage && (
        <div className="actions">
          <button
            type="button"
            className="quiet"
            aria-disabled={isFetchingNextPage}
            onClick={() => void fetchNextPage()}
          >
            {isFetchingNextPage ? "Loading more…" : "Show earlier changes"}
          </button>
        </div>
      )}
    </section>
  );
}

interface ChangeTableProps {
  readonly changes: readonly AccountChange[];
  readonly account: Account;
}

/** On a narrow screen everything is in one column. */
function ChangeTable({ changes, account }: ChangeTableProps) {
  return (
    <Table
      labelledBy="audit-heading"
      rows={changes}
      keyOf={({ changedAt, field }) => `${changedAt} ${field}`}
      columns={[
        { head: "Date", className: "wide", cell: ({ changedAt }) => <Time time={changedAt} isExact /> },
        {
          head: "What",
          className: "told",
          cell: (change) => (
            <>
              {nameOf(change)}
              {change.field !== OPENED && (
                <span className="muted narrow">
                  {shown(change.before, change, account)} → {shown(change.after, change, account)}
                </span>
              )}
              <span className="muted narrow">
                <Time time={change.changedAt} isExact />
              </span>
              <span className="muted narrow">
                <Author change={change} />
              </span>
            </>
          ),
        },
        { head: "Before", className: "value wide", cell: (change) => shown(change.before, change, account) },
        { head: "After", className: "value wide", cell: (change) => shown(change.after, change, account) },
        { head: "By", className: "owner wide", cell: (change) => <Author change={change} /> },
      ]}
    />
  );
}

/** The service shows a plain caller only their own name and requests. */
function Author({ change: { changedBy, requestId } }: { readonly change: AccountChange }) {
  const { may } = useSession();
  return (
    <>
      {changedBy || (may.isAdmin ? "Not recorded" : "Someone else")}{" "}
      {requestId && (
        <span className="muted">
          <Copyable text={requestId} what="the request id" />
        </span>
      )}
    </>
  );
}

const OPENED = "opened";
const METADATA = "metadata.";
const NAMES: Readonly<Record<string, string>> = {
  [OPENED]: "Account opened",
  name: "Name",
  status: "Status",
  overdraft_limit: "Overdraft",
  unlimited_overdraft: "Unlimited overdraft",
};

function nameOf({ field }: AccountChange): ReactNode {
  if (field.startsWith(METADATA)) return <code>{field.slice(METADATA.length)}</code>;
  return NAMES[field] ?? field;
}

/** @param value As JSON writes it, without quotes; empty if there was none. */
function shown(value: string, { field }: AccountChange, account: Account): ReactNode {
  switch (field) {
    case OPENED:
      return null;
    case "status":
      return accountStatuses.find(({ value: status }) => AccountStatus[status] === value)?.label ?? value;
    case "overdraft_limit":
      return value === "0" ? "None" : <Sum minor={BigInt(value)} money={account} />;
    case "unlimited_overdraft":
      return value === "true" ? "Yes" : "No";
    default:
      return value || "None";
  }
}
