/** Requests that take an idempotency key: where the key is, and the first outcome again when it was used before. */
import type { IncomingMessage } from "node:http";
import type { ClientBase, Pool } from "pg";
import { FinanceError, invalidArgument, type Refusal } from "../errors.ts";
import { type LoadedTransfer, loadTransfers, type TransferRecord } from "../records/transfers.ts";
import { readIdempotencyKey } from "../validation.ts";
import type { TransferId } from "../values.ts";
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

/** A request that takes an idempotency key, and its caller. */
export interface KeyedRequest {
  readonly method: KeyedMethodName;
  /** The message with its defaults filled in. */
  readonly message: object;
  readonly subject: string;
  /** Finds the request's key; empty for none. @throws FinanceError when it can't be told. */
  readonly key: () => string;
}

/** https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header */
const KEY_HEADER = "idempotency-key";

/** The key of a request that has a field for it: the field, or the header that means the same. */
export function keyOf(req: IncomingMessage, { idempotencyKey }: { readonly idempotencyKey: string }): string {
  const header = req.headers[KEY_HEADER];
  if (header === undefined || header === "" || header === idempotencyKey) return idempotencyKey;
  if (idempotencyKey !== "") {
    throw invalidArgument(
      "idempotency_key",
      "differs from the header Idempotency-Key; send one of them, or the same key in both",
    );
  }
  const isPlain = typeof header === "string" && /^[\x20-\x7e]*$/.test(header) && isSentOnce(req.rawHeaders);
  if (!isPlain) throw invalidArgument("idempotency_key", "in the header Idempotency-Key must be ASCII and sent once");
  return header;
}

/** Node joins the values of a header that was sent more than once. */
function isSentOnce(rawHeaders: readonly string[]): boolean {
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === KEY_HEADER).length === 1;
}

/** For writing methods without such a field: a caller who sends the header would believe that it protects them. */
export function refuseKeyHeader(req: IncomingMessage): void {
  if (!req.headers[KEY_HEADER]) return;
  const problem =
    "is a header for methods whose request has the field idempotency_key; in a batch, each transfer has its own key";
  throw invalidArgument("Idempotency-Key", problem);
}

/**
 * The claim of a request; undefined without a key.
 *
 * @throws FinanceError invalid_argument for a key that is not allowed.
 */
export function readClaim({ method, message, subject, key }: KeyedRequest, path = ""): Claim | undefined {
  const valid = readIdempotencyKey(key(), path);
  return valid === undefined ? undefined : claimOf(subject, valid, method, message);
}

/** The claim of a request whose fields were refused; undefined without a key, and for a key that is not allowed. */
export function claimOfRefused(request: KeyedRequest): Claim | undefined {
  try {
    return readClaim(request);
  } catch (error) {
    if (error instanceof FinanceError) return undefined;
    throw error;
  }
}

/** Refusals of a request because of its fields alone. */
const REFUSED_BY_FIELDS: readonly string[] = ["scope_missing", "invalid_argument"];

/**
 * Does the work of a request. If its fields are refused, an earlier version with other rules may have carried it out
 * before: then it gets the first outcome again, like every repeated request.
 */
export async function orAsBefore<Outcome>(
  request: KeyedRequest,
  work: () => Promise<Outcome>,
  replay: (claim: Claim) => Promise<Outcome | undefined>,
): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FinanceError) || !REFUSED_BY_FIELDS.includes(error.refusal.situation)) throw error;
    const claim = claimOfRefused(request);
    const before = claim && (await replay(claim));
    if (before === undefined) throw error;
    return before;
  }
}

/**
 * The use of a key that a row of table idempotency remembers.
 *
 * @param loaded must hold the row's transfer, if it has one.
 */
export function keyUseOf(row: KeyRow, loaded: ReadonlyMap<TransferId, LoadedTransfer>): KeyUse {
  return {
    isFor: (claim) => isSameRequest(row, claim),
    outcomeOf: (makesTransfer) => {
      if (row.response?.refusal !== undefined) return row.response.refusal;
      const transfer = row.transfer_id === null ? undefined : loaded.get(row.transfer_id);
      if (transfer === undefined) throw new Error("an idempotency key has no outcome");
      return makesTransfer ? transfer.created : { ...transfer.current, reversedByTransferId: null };
    },
  };
}

/** The rows of claims whose keys were used, for any request, by key digest. */
export async function loadUsedKeys(db: Pool | ClientBase, claims: readonly Claim[]): Promise<Map<string, KeyRow>> {
  const { rows } = await db.query<KeyRow>(
    `select ${KEY_COLUMNS} from idempotency i where i.key_digest = any($1::uuid[])`,
    [claims.map(({ keyDigest }) => keyDigest)],
  );
  return new Map(rows.filter(isUsed).map((row) => [row.key_digest, row]));
}

/**
 * The first outcomes of requests about transfers, in two statements.
 *
 * @param makesTransfer whether the requests make transfers, rather than settle them.
 * @returns the outcome of each claim that has one.
 */
export async function loadOutcomes(
  db: Pool | ClientBase,
  claims: readonly Claim[],
  makesTransfer: boolean,
): Promise<Map<Claim, TransferRecord | Refusal>> {
  const used = await loadUsedKeys(db, claims);
  const ids = [...used.values()].flatMap(({ transfer_id: id }) => id ?? []);
  const loaded = await loadTransfers(db, ids);
  return new Map(
    claims.flatMap((claim) => {
      const row = used.get(claim.keyDigest);
      if (row === undefined || !isSameRequest(row, claim)) return [];
      return [[claim, keyUseOf(row, loaded).outcomeOf(makesTransfer)]];
    }),
  );
}
