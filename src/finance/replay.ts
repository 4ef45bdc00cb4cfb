/** What idempotency keys decided before: the first outcome again. */
import type { ClientBase, Pool } from "pg";
import type { KeyUse } from "./books.ts";
import type { Refusal } from "./errors.ts";
import { type Claim, isSameRequest, isUsed, KEY_COLUMNS, type KeyRow } from "./idempotency.ts";
import { type TransferId, transferId } from "./identifiers.ts";
import { type LoadedTransfer, loadTransfers, type TransferRecord } from "./transfers.ts";

/**
 * What a key of table idempotency was used for.
 *
 * @param loaded has the row's transfer, where it has one.
 */
export function keyUseOf(row: KeyRow, loaded: ReadonlyMap<TransferId, LoadedTransfer>): KeyUse {
  return {
    isFor: (claim) => isSameRequest(row, claim),
    outcomeOf: (makesTransfer) => {
      if (row.response?.refusal !== undefined) return row.response.refusal;
      const transfer = row.transfer_id === null ? undefined : loaded.get(transferId(row.transfer_id));
      if (transfer === undefined) throw new Error("an idempotency key has no outcome");
      return makesTransfer ? transfer.created : { ...transfer.current, reversedByTransferId: undefined };
    },
  };
}

/** The row of a claim's key, once it was used for whichever request. */
export async function loadUsedKey<Row extends KeyRow>(db: Pool | ClientBase, claim: Claim): Promise<Row | undefined> {
  const { rows } = await db.query<Row>(`select ${KEY_COLUMNS} from idempotency i where i.key_digest = $1`, [
    claim.keyDigest,
  ]);
  return rows.find(isUsed);
}

/**
 * The first outcome of a request about a transfer, for one that today's rules would refuse unread: an earlier version may
 * have carried it out.
 *
 * @param makesTransfer whether the request makes a transfer, rather than settling one.
 */
export async function loadOutcome(
  db: Pool | ClientBase,
  claim: Claim,
  makesTransfer: boolean,
): Promise<TransferRecord | Refusal | undefined> {
  const row = await loadUsedKey(db, claim);
  if (row === undefined || !isSameRequest(row, claim)) return undefined;
  const ids = row.transfer_id === null ? [] : [transferId(row.transfer_id)];
  const loaded = await loadTransfers(db, ids);
  return keyUseOf(row, new Map(loaded.map((each) => [each.current.id, each]))).outcomeOf(makesTransfer);
}
