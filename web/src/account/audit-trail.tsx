import { type Account, type AccountChange, AccountStatus } from "@finance-service/client";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Loaded } from "../components/loaded.tsx";
import { Sum } from "../components/sum.tsx";
import { Table } from "../components/table.tsx";
import { Time } from "../components/time.tsx";
import { accountChangesQuery } from "../data/queries.ts";
import { accountStatuses, dateTimeOf } from "../labels.ts";
import { useSession } from "../session/session.ts";

/** Who changed the account's settings, when, and what, newest first. */
export function AuditTrail({ account }: { readonly account: Account }) {
  const { finance } = useSession();
  const query = useInfiniteQuery(accountChangesQuery(finance, account.id));
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  return (
    <section className="table" aria-labelledby="audit-heading">
      <h2 id="audit-heading">Audit trail</h2>
      <Loaded query={query} what="the audit trail">
        {({ pages }) => {
          const changes = pages.flatMap((page) => page.changes);
          if (changes.length === 0) return <p className="muted">The settings were never changed.</p>;
          return <ChangeTable changes={changes} account={account} />;
        }}
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
        { head: "Date", className: "wide", cell: ({ changedAt }) => <Time time={changedAt} /> },
        {
          head: "What",
          className: "told",
          cell: (change) => (
            <>
              {nameOf(change)}
              <span className="muted narrow">
                {shown(change.before, change, account)} → {shown(change.after, change, account)}
              </span>
              <span className="muted narrow">
                {change.changedAt && dateTimeOf(change.changedAt)} · {authorOf(change)}
              </span>
            </>
          ),
        },
        { head: "Before", className: "value wide", cell: (change) => shown(change.before, change, account) },
        { head: "After", className: "value wide", cell: (change) => shown(change.after, change, account) },
        { head: "Changed by", className: "owner wide", cell: authorOf },
      ]}
    />
  );
}

/** The service shows a plain caller only their own name. */
function authorOf({ changedBy }: AccountChange): string {
  return changedBy || "Someone else";
}

const METADATA = "metadata.";
const NAMES: Readonly<Record<string, string>> = {
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
