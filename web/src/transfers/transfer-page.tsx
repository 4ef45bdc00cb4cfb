import { getTransfer, type Transfer, TransferState } from "@finance-service/client";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { CallButton } from "../calls/call-button.tsx";
import { readOf } from "../calls/recorded-call.ts";
import { AccountName } from "../components/account-name.tsx";
import { Copyable } from "../components/copy.tsx";
import { Loaded, Settled } from "../components/loaded.tsx";
import { Metadata } from "../components/metadata.tsx";
import { PageHeading } from "../components/page-heading.tsx";
import { Sum } from "../components/sum.tsx";
import { keys, knownAccountsQuery, transferQuery } from "../data/queries.ts";
import { useAccounts } from "../data/use-accounts.ts";
import { dateTimeOf, stateOf } from "../labels.ts";
import { paths } from "../route.ts";
import { useSession } from "../session/session.ts";
import { CaptureDialog, ReverseDialog, VoidDialog } from "./settle-dialogs.tsx";

/** All about one transfer, with the actions that are still possible. */
export function TransferPage({ id }: { readonly id: bigint }) {
  const { finance } = useSession();
  const query = useQuery(transferQuery(finance, id));
  const accounts = useQuery(knownAccountsQuery(finance));
  const { data: transfer } = query;
  return (
    <>
      <PageHeading title={`Transfer ${id}`} back={{ href: paths.activity, to: "Activity" }}>
        {transfer && (
          <p className="muted">
            No. <Copyable text={`${id}`} what="the transfer number" /> · {transfer.description || "No description"}
            <span className="tag">{stateOf(transfer)}</span>
          </p>
        )}
      </PageHeading>
      <Settled queries={[query, accounts]} what="the transfer">
        <Loaded query={query} what="the transfer">
          {(loaded) => <Details transfer={loaded} />}
        </Loaded>
      </Settled>
    </>
  );
}

function Details({ transfer }: { readonly transfer: Transfer }) {
  const { debitAccountId, creditAccountId, capturedAmount, reversesTransferId, reversedByTransferId, metadata } =
    transfer;
  const times = [
    ["Recorded", transfer.createdAt],
    ["Effective", transfer.effectiveAt === transfer.createdAt ? undefined : transfer.effectiveAt],
    ["Expires", transfer.expiresAt],
    ["Settled", transfer.settledAt],
  ] as const;
  return (
    <>
      <section className="card posting" aria-label="Posting">
        <p className="sum">
          <Sum minor={transfer.amount} money={transfer} />
        </p>
        <div className="sides">
          <Side word="Debit" id={debitAccountId} balance={transfer.debitAccountBalance} transfer={transfer} />
          <span className="arrow" aria-hidden="true">
            →
          </span>
          <Side word="Credit" id={creditAccountId} balance={transfer.creditAccountBalance} transfer={transfer} />
        </div>
        <Actions transfer={transfer} />
      </section>
      <dl className="details">
        {capturedAmount > 0n && (
          <Detail word="Captured">
            <Sum minor={capturedAmount} money={transfer} />
          </Detail>
        )}
        {times.map(
          ([word, time]) =>
            time && (
              <Detail key={word} word={word}>
                {dateTimeOf(time)}
              </Detail>
            ),
        )}
        {transfer.createdBy && <Detail word="Created by">{transfer.createdBy}</Detail>}
        {transfer.settledBy && <Detail word="Settled by">{transfer.settledBy}</Detail>}
        {reversesTransferId > 0n && (
          <Detail word="Reverses">
            <a href={paths.transfer(reversesTransferId)}>Transfer {`${reversesTransferId}`}</a>
          </Detail>
        )}
        {reversedByTransferId > 0n && (
          <Detail word="Reversed by">
            <a href={paths.transfer(reversedByTransferId)}>Transfer {`${reversedByTransferId}`}</a>
          </Detail>
        )}
        {transfer.idempotencyKey && (
          <Detail word="Idempotency key">
            <code>
              <Copyable text={transfer.idempotencyKey} what="the idempotency key" />
            </code>
          </Detail>
        )}
      </dl>
      <Metadata metadata={metadata} />
    </>
  );
}

interface SideProps {
  readonly word: "Debit" | "Credit";
  readonly id: bigint;
  /** The balance after the transfer. */
  readonly balance: bigint;
  readonly transfer: Transfer;
}

function Side({ word, id, balance, transfer }: SideProps) {
  const accounts = useAccounts();
  return (
    <div>
      <p className="muted">{word}</p>
      <p>
        <strong>
          <AccountName id={id} accounts={accounts} />
        </strong>
      </p>
      {accounts.has(id) && (
        <p className="muted">
          Balance after: <Sum minor={balance} money={transfer} />
        </p>
      )}
    </div>
  );
}

function Detail({ word, children }: { readonly word: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{word}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Actions({ transfer }: { readonly transfer: Transfer }) {
  const { may } = useSession();
  const accounts = useAccounts();
  const [open, setOpen] = useState<"capture" | "void" | "reverse">();
  const { id, state, reversedByTransferId } = transfer;
  const close = () => setOpen(undefined);
  const isHeld = state === TransferState.TRANSFER_STATE_PENDING;
  const isMoved = state === TransferState.TRANSFER_STATE_POSTED || state === TransferState.TRANSFER_STATE_CAPTURED;
  return (
    <>
      <div className="actions">
        {isHeld && may.capture(transfer, accounts) && (
          <button type="button" onClick={() => setOpen("capture")}>
            Capture
          </button>
        )}
        {isHeld && may.void(transfer, accounts) && (
          <button type="button" className="quiet" onClick={() => setOpen("void")}>
            Void
          </button>
        )}
        {isMoved && reversedByTransferId === 0n && may.reverse(transfer, accounts) && (
          <button type="button" className="quiet" onClick={() => setOpen("reverse")}>
            Reverse
          </button>
        )}
        <CallButton read={readOf(getTransfer, { id })} queryKey={keys.transfer(id)} />
      </div>
      {open === "capture" && <CaptureDialog transfer={transfer} onClose={close} />}
      {open === "void" && <VoidDialog transfer={transfer} onClose={close} />}
      {open === "reverse" && (
        <ReverseDialog
          transfer={transfer}
          onDone={({ id }) => {
            window.location.hash = paths.transfer(id);
          }}
          onClose={close}
        />
      )}
    </>
  );
}
