/** The feed row of a transaction: what it changed, in order. Written last, when all its accounts are locked. */
import type { QueryConfig } from "pg";
import { EventType } from "../../../generated/server/finance/v1/event.ts";
import { TransferState } from "../../../generated/server/finance/v1/transfer.ts";
import type { Decision } from "../posting/books.ts";
import type { TransferId } from "../values.ts";

/** One event of a transfer, before it has a position. */
export interface FeedMember {
  readonly type: EventType;
  readonly transferId: TransferId;
  /** The sequences of the entries that it made; 0 for none. */
  readonly debitSequence: bigint;
  readonly creditSequence: bigint;
}

const TYPE_OF_STATE: Partial<Record<TransferState, EventType>> = {
  [TransferState.POSTED]: EventType.TRANSFER_POSTED,
  [TransferState.PENDING]: EventType.TRANSFER_HELD,
  [TransferState.CAPTURED]: EventType.TRANSFER_CAPTURED,
  [TransferState.VOIDED]: EventType.TRANSFER_VOIDED,
  [TransferState.EXPIRED]: EventType.TRANSFER_EXPIRED,
};

export function feedMemberOf({ transfer, movements: [debit, credit] }: Decision): FeedMember {
  const type = TYPE_OF_STATE[transfer.state];
  if (type === undefined) throw new Error(`no event for a transfer that is ${TransferState[transfer.state]}`);
  return {
    type,
    transferId: transfer.id,
    debitSequence: debit?.sequence ?? 0n,
    creditSequence: credit?.sequence ?? 0n,
  };
}

/** Events in one row: reading any of them reads the row. */
const MEMBERS_MAX = 1000;

/** Statements that insert the feed rows of a transaction. Its accounts must be locked. */
export function insertFeedRows(members: readonly FeedMember[]): QueryConfig[] {
  const rows: (readonly FeedMember[])[] = [];
  for (let start = 0; start < members.length; start += MEMBERS_MAX)
    rows.push(members.slice(start, start + MEMBERS_MAX));
  return rows.map((row) => ({
    name: "insert_feed_row",
    text: "insert into feed (types, subjects, sequences, credit_sequences) values ($1, $2, $3, $4)",
    values: [
      row.map(({ type }) => type),
      row.map(({ transferId }) => transferId),
      row.map(({ debitSequence }) => debitSequence),
      row.map(({ creditSequence }) => creditSequence),
    ],
  }));
}
