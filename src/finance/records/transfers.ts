import type { ClientBase, Pool } from "pg";
import { TransferState } from "../../../generated/server/finance/v1/transfer.ts";
import type { Metadata } from "../account.ts";
import { type Actor, isVisibleTo } from "../policy.ts";
import { type AccountId, accountDigits, type Micros, type Minor, type TransferId } from "../values.ts";
import { type Columns, columnsOf } from "./page.ts";

/** A transfer with the owners and the currency of its accounts. */
export interface TransferRecord {
  readonly id: TransferId;
  readonly debitAccountId: AccountId;
  readonly creditAccountId: AccountId;
  readonly debitOwner: string;
  readonly creditOwner: string;
  readonly amount: Minor;
  readonly currency: string;
  /** The debited account's. */
  readonly minorUnitDigits: number;
  readonly state: TransferState;
  readonly description: string;
  readonly metadata: Metadata;
  /** Empty without one. */
  readonly idempotencyKey: string;
  /** The `sub` of the caller that made it; null for a transfer from before 0.2.0. */
  readonly createdBy: string | null;
  readonly debitAccountBalance: Minor;
  readonly creditAccountBalance: Minor;
  readonly capturedAmount: Minor;
  readonly reversesTransferId: TransferId | null;
  readonly reversedByTransferId: TransferId | null;
  readonly createdAt: Micros;
  readonly effectiveAt: Micros;
  readonly expiresAt: Micros | null;
  /** The `sub` of the caller that captured or voided it; null for an expired hold, and for one settled before 0.3.0. */
  readonly settledBy: string | null;
  readonly settledAt: Micros | null;
  /** A hold that is not settled yet, expired or not: it still counts in the pending sums of its accounts. */
  readonly awaitsSettlement: boolean;
}

/** A transfer as {@link SELECT_TRANSFER} reads it. */
export type TransferRow = Omit<TransferRecord, "minorUnitDigits" | "metadata"> & {
  readonly minorUnitDigits: number | null;
  readonly metadata: Metadata | null;
  /** The balances when the transfer was created. */
  readonly firstDebitBalance: Minor;
  readonly firstCreditBalance: Minor;
};

/** A transfer that was read. Its records are made when asked for, since few readers want both. */
export class LoadedTransfer {
  readonly #row: TransferRow;

  constructor(row: TransferRow) {
    this.#row = row;
  }

  /** As it is now. */
  get current(): TransferRecord {
    return toTransferRecord(this.#row);
  }

  /** As it was first answered. */
  get created(): TransferRecord {
    return toCreatedRecord(this.#row);
  }
}

/** The state of transfer t by its hold h. A hold counts as EXPIRED (5) from its time on, though it is settled later. */
export const STATE = `
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end`;

/** Selects a {@link TransferRow} for each transfer t; conditions follow. */
export const SELECT_TRANSFER = `
select ${columnsOf({
  id: "t.id",
  debitAccountId: "t.debit_account_id",
  creditAccountId: "t.credit_account_id",
  debitOwner: "d.owner",
  creditOwner: "c.owner",
  amount: "t.amount",
  currency: "d.currency",
  minorUnitDigits: "d.minor_unit_digits",
  state: STATE,
  description: "coalesce(t.description, '')",
  metadata: "t.metadata",
  idempotencyKey: "coalesce(t.idempotency_key, '')",
  createdBy: "t.created_by",
  debitAccountBalance: "coalesce(s.debit_account_balance, t.debit_account_balance)",
  creditAccountBalance: "coalesce(s.credit_account_balance, t.credit_account_balance)",
  firstDebitBalance: "t.debit_account_balance",
  firstCreditBalance: "t.credit_account_balance",
  capturedAmount: "coalesce(s.captured_amount, 0)",
  reversesTransferId: "t.reverses_transfer_id",
  reversedByTransferId: "r.id",
  createdAt: "t.created_at",
  effectiveAt: "coalesce(t.effective_at, t.created_at)",
  expiresAt: "h.expires_at",
  settledBy: "s.settled_by",
  settledAt: "s.settled_at",
  awaitsSettlement: "h.state is not distinct from 2",
} satisfies Columns<TransferRow>)}
  from transfer t
  join account d on d.id = t.debit_account_id
  join account c on c.id = t.credit_account_id
  left join hold h on t.pending and h.transfer_id = t.id
  left join settlement s on h.state <> 2 and s.transfer_id = t.id
  left join transfer r on r.reverses_transfer_id = t.id`;

/** Reads transfers; an id without a transfer is missing from the result. */
export async function loadTransfers(
  db: Pool | ClientBase,
  ids: readonly TransferId[],
): Promise<Map<TransferId, LoadedTransfer>> {
  if (ids.length === 0) return new Map();
  const { rows } = await db.query<TransferRow>({
    name: "load_transfers",
    // One after the other: for many ids the planner would otherwise read all accounts up to the last one it needs.
    text: `
select t.*
  from unnest($1::bigint[]) as asked (id)
 cross join lateral (${SELECT_TRANSFER}
 where t.id = asked.id
offset 0) t`,
    values: [ids],
  });
  return new Map(rows.map((row) => [row.id, new LoadedTransfer(row)]));
}

/** Whether the actor may see a transfer: one of its accounts is theirs. */
export function seesTransfer(transfer: Pick<TransferRecord, "debitOwner" | "creditOwner">, actor: Actor): boolean {
  return isVisibleTo({ owner: transfer.debitOwner }, actor) || isVisibleTo({ owner: transfer.creditOwner }, actor);
}

export function toTransferRecord(row: TransferRow): TransferRecord {
  return {
    ...row,
    metadata: row.metadata ?? {},
    minorUnitDigits: accountDigits(row.minorUnitDigits, row.currency),
  };
}

/** The transfer before anything happened to it. */
function toCreatedRecord(row: TransferRow): TransferRecord {
  const held = row.state !== TransferState.POSTED;
  return {
    ...toTransferRecord(row),
    state: held ? TransferState.PENDING : TransferState.POSTED,
    debitAccountBalance: row.firstDebitBalance,
    creditAccountBalance: row.firstCreditBalance,
    capturedAmount: 0n,
    reversedByTransferId: null,
    settledBy: null,
    settledAt: null,
    awaitsSettlement: held,
  };
}
