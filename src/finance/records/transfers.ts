import type { ClientBase, Pool } from "pg";
import { TransferState } from "../../../generated/server/finance/v1/transfer.ts";
import type { Metadata } from "../account.ts";
import { type Actor, isVisibleTo } from "../policy.ts";
import type { Micros } from "../values.ts";
import { type AccountId, accountDigits, accountId, type Minor, type TransferId, transferId } from "../values.ts";

/** A transfer with what its two accounts say of it. */
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
  readonly idempotencyKey: string;
  /** The `sub` of who asked for it; undefined for a transfer from before 0.2.0. */
  readonly createdBy: string | undefined;
  readonly debitAccountBalance: Minor;
  readonly creditAccountBalance: Minor;
  readonly capturedAmount: Minor;
  readonly reversesTransferId: TransferId | undefined;
  readonly reversedByTransferId: TransferId | undefined;
  readonly createdAt: Micros;
  readonly effectiveAt: Micros;
  readonly expiresAt: Micros | undefined;
  readonly settledAt: Micros | undefined;
  /** A hold that was neither captured nor voided, nor found expired: it still counts in its accounts' pending sums. */
  readonly awaitsSettlement: boolean;
}

export interface TransferRow {
  readonly id: bigint;
  readonly debit_account_id: bigint;
  readonly credit_account_id: bigint;
  readonly debit_owner: string;
  readonly credit_owner: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly minor_unit_digits: number | null;
  readonly state: TransferState;
  readonly description: string | null;
  readonly metadata: Metadata | null;
  readonly idempotency_key: string | null;
  readonly created_by: string | null;
  readonly debit_account_balance: bigint;
  readonly credit_account_balance: bigint;
  readonly captured_amount: bigint;
  readonly reverses_transfer_id: bigint | null;
  readonly reversed_by_transfer_id: bigint | null;
  readonly created_at: Micros;
  readonly effective_at: Micros;
  readonly expires_at: Micros | null;
  readonly settled_at: Micros | null;
  readonly awaits_settlement: boolean;
  readonly created_debit_account_balance: bigint;
  readonly created_credit_account_balance: bigint;
}

/** A transfer as it stands and as it was first answered. */
export interface LoadedTransfer {
  readonly current: TransferRecord;
  readonly created: TransferRecord;
}

/** Reads transfers; an id without a transfer is missing from the result. */
export async function loadTransfers(db: Pool | ClientBase, ids: readonly TransferId[]): Promise<LoadedTransfer[]> {
  const { rows } = await db.query<TransferRow>({
    name: "load_transfers",
    text: `${SELECT_TRANSFER} where t.id = any($1::bigint[])`,
    values: [ids],
  });
  return rows.map((row) => ({ current: toTransferRecord(row), created: toCreatedRecord(row) }));
}

/** Whether the caller may see a transfer: one of its accounts is theirs. */
export function seesTransfer(transfer: Pick<TransferRecord, "debitOwner" | "creditOwner">, actor: Actor): boolean {
  return isVisibleTo({ owner: transfer.debitOwner }, actor) || isVisibleTo({ owner: transfer.creditOwner }, actor);
}

/** The state of transfer t by its hold h. A hold is EXPIRED (5) from its time on, though it is settled a moment later. */
export const STATE = `
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end`;

/** A TransferRow of each transfer t; conditions follow. */
export const SELECT_TRANSFER = `
select t.id, t.debit_account_id, t.credit_account_id, d.owner as debit_owner, c.owner as credit_owner,
       t.amount, d.currency, d.minor_unit_digits, t.description, t.metadata, t.idempotency_key, t.created_by, ${STATE} as state,
       coalesce(h.debit_account_balance, t.debit_account_balance) as debit_account_balance,
       coalesce(h.credit_account_balance, t.credit_account_balance) as credit_account_balance,
       t.debit_account_balance as created_debit_account_balance,
       t.credit_account_balance as created_credit_account_balance,
       coalesce(h.captured_amount, 0) as captured_amount,
       t.reverses_transfer_id, r.id as reversed_by_transfer_id,
       t.created_at, coalesce(t.effective_at, t.created_at) as effective_at, h.expires_at,
       h.settled_at,
       h.state is not distinct from 2 as awaits_settlement
  from transfer t
  join account d on d.id = t.debit_account_id
  join account c on c.id = t.credit_account_id
  left join hold h on t.pending and h.transfer_id = t.id
  left join transfer r on r.reverses_transfer_id = t.id`;

export function toTransferRecord(row: TransferRow): TransferRecord {
  return {
    id: transferId(row.id),
    debitAccountId: accountId(row.debit_account_id),
    creditAccountId: accountId(row.credit_account_id),
    debitOwner: row.debit_owner,
    creditOwner: row.credit_owner,
    amount: row.amount,
    currency: row.currency,
    minorUnitDigits: accountDigits(row.minor_unit_digits, row.currency),
    state: row.state,
    description: row.description ?? "",
    metadata: row.metadata ?? {},
    idempotencyKey: row.idempotency_key ?? "",
    createdBy: row.created_by ?? undefined,
    debitAccountBalance: row.debit_account_balance,
    creditAccountBalance: row.credit_account_balance,
    capturedAmount: row.captured_amount,
    reversesTransferId: row.reverses_transfer_id === null ? undefined : transferId(row.reverses_transfer_id),
    reversedByTransferId: row.reversed_by_transfer_id === null ? undefined : transferId(row.reversed_by_transfer_id),
    createdAt: row.created_at,
    effectiveAt: row.effective_at,
    expiresAt: row.expires_at ?? undefined,
    settledAt: row.settled_at ?? undefined,
    awaitsSettlement: row.awaits_settlement,
  };
}

/** Undoes what has become of the transfer since it was created. */
function toCreatedRecord(row: TransferRow): TransferRecord {
  const record = toTransferRecord(row);
  const held = record.state !== TransferState.POSTED;
  return {
    ...record,
    state: held ? TransferState.PENDING : TransferState.POSTED,
    debitAccountBalance: row.created_debit_account_balance,
    creditAccountBalance: row.created_credit_account_balance,
    capturedAmount: 0n,
    reversedByTransferId: undefined,
    settledAt: undefined,
    awaitsSettlement: held,
  };
}
