/** What idempotency keys decided before: the first outcome again. */
import type { ClientBase, Pool } from "pg";
import type { Refusal } from "../errors.ts";
import { type LoadedTransfer, loadTransfers, type TransferRecord } from "../records/transfers.ts";
import { type TransferId, transferId } from "../values.ts";
import type { KeyUse } from "./books.ts";
import { type Claim, isSameRequest, isUsed, KEY_COLUMNS, type KeyRow } from "./idempotency.ts";

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
 * The first outcomes of requests about transfers that today's rules would refuse unread: an earlier version may have carried
 * them out. However many they are, it is two statements.
 *
 * @param makesTransfer whether the requests make transfers, rather than settle some.
 * @returns the outcome of each claim that has one.
 */
export async function loadOutcomes(
  db: Pool | ClientBase,
  claims: readonly Claim[],
  makesTransfer: boolean,
): Promise<Map<Claim, TransferRecord | Refusal>> {
  const { rows } = await db.query<KeyRow>(
    `select ${KEY_COLUMNS} from idempotency i where i.key_digest = any($1::uuid[])`,
    [claims.map(({ keyDigest }) => keyDigest)],
  );
  const used = new Map(rows.filter(isUsed).map((row) => [row.key_digest, row]));
  const ids = [...used.values()].flatMap(({ transfer_id: id }) => (id === null ? [] : [transferId(id)]));
  const loaded = new Map((await loadTransfers(db, ids)).map((each) => [each.current.id, each]));
  return new Map(
    claims.flatMap((claim) => {
      const row = used.get(claim.keyDigest);
      if (row === undefined || !isSameRequest(row, claim)) return [];
      return [[claim, keyUseOf(row, loaded).outcomeOf(makesTransfer)]];
    }),
  );
}
