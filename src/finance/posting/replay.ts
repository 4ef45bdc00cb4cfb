/** What idempotency keys decided before: the first outcome again. */

import type { IncomingMessage } from "node:http";
import type { ClientBase, Pool } from "pg";
import { FinanceError, type Refusal } from "../errors.ts";
import type { Actor } from "../policy.ts";
import { type LoadedTransfer, loadTransfers, type TransferRecord } from "../records/transfers.ts";
import { invalidArgument, readIdempotencyKey } from "../validation.ts";
import { type TransferId, transferId } from "../values.ts";
import type { KeyUse } from "./books.ts";
import {
  type Claim,
  claimOf,
  isSameRequest,
  isUsed,
  KEY_COLUMNS,
  type KeyedMethodName,
  type KeyRow,
} from "./idempotency.ts";

/** Requests that take an idempotency key: where the key is, and what an earlier version decided under it. */

/** What of a call says its key. */
interface KeyedCall {
  readonly req: IncomingMessage;
}

/** https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header */
const KEY_HEADER = "idempotency-key";

/** The key of a request that has a field for it: the field, or the header that means the same. */
export function keyOf({ req }: KeyedCall, { idempotencyKey }: { readonly idempotencyKey: string }): string {
  const header = req.headers[KEY_HEADER];
  if (header === undefined || header === "" || header === idempotencyKey) return idempotencyKey;
  if (idempotencyKey !== "") {
    throw invalidArgument("idempotency_key", "differs from the header Idempotency-Key; send one, or the same in both");
  }
  const isPlain = typeof header === "string" && /^[\x20-\x7e]*$/.test(header) && isOnce(req.rawHeaders);
  if (!isPlain) throw invalidArgument("idempotency_key", "in the header Idempotency-Key must be ASCII, sent once");
  return header;
}

/** Node joins the values of a header that was sent more than once. */
function isOnce(rawHeaders: readonly string[]): boolean {
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === KEY_HEADER).length === 1;
}

/** For writing methods without such a field: a caller who sends the header believes that it protects them. */
export function refuseKeyHeader({ req }: KeyedCall): void {
  if (!req.headers[KEY_HEADER]) return;
  const problem =
    "is a header for methods whose request has the field idempotency_key; in a batch each transfer has its own";
  throw invalidArgument("Idempotency-Key", problem);
}

export function readClaim(
  key: string,
  actor: Actor,
  method: KeyedMethodName,
  message: object,
  path = "",
): Claim | undefined {
  const valid = readIdempotencyKey(key, path);
  return valid === undefined ? undefined : claimOf(actor.subject, valid, method, message);
}

/**
 * Does the work of a request that takes a key. When its fields are refused, an earlier version may have carried it out by
 * the rules of that time: then it gets the first outcome again, as every repeated request does.
 */
export async function orAsBefore<Outcome>(
  ctx: KeyedCall,
  request: { readonly idempotencyKey: string },
  actor: Actor,
  { name, message }: { readonly name: KeyedMethodName; readonly message: object },
  work: () => Promise<Outcome>,
  replay: (claim: Claim) => Promise<Outcome | undefined>,
): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FinanceError) || !UNREAD.includes(error.refusal.situation)) throw error;
    const claim = claimUnread(keyOf(ctx, request), actor, name, message);
    const before = claim && (await replay(claim));
    if (before === undefined) throw error;
    return before;
  }
}

/** What a request may be refused for by its fields alone. */
const UNREAD: readonly string[] = ["scope_missing", "invalid_argument"];

/** The claim of a request whose fields are refused; undefined when it has no key, or none that could have been used. */
export function claimUnread(key: string, actor: Actor, name: KeyedMethodName, message: object): Claim | undefined {
  try {
    return readClaim(key, actor, name, message);
  } catch (error) {
    if (error instanceof FinanceError) return undefined;
    throw error;
  }
}

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
