/**
 * Idempotency keys: the request that a key stands for, and the table that remembers it.
 *
 * Method: the digest of a request is taken from its canonical bytes: the decoded message without its key and `dry_run`,
 * without unknown fields, with defaults filled in, pairs sorted and times cut to the microsecond. A field that is added to
 * the API later does not change the digests of requests without it. Digests from before 0.2.0 were taken from a list of
 * fields; they have their own column, and match a request only when every field added since is absent.
 *
 * The digest of a key is found in table idempotency by its caller and key, or by its first part, which depends on the key
 * alone. Rows from before migration 0006 have the digest of caller and key together.
 */
import { hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { IMessageType } from "@protobuf-ts/runtime";
import type { ClientBase, Pool, QueryConfig } from "pg";
import { CreateAccountRequest } from "../../../generated/server/finance/v1/account.ts";
import {
  CaptureTransferRequest,
  CreateTransferRequest,
  ReverseTransferRequest,
  VoidTransferRequest,
} from "../../../generated/server/finance/v1/transfer.ts";
import { Timestamp } from "../../../generated/server/google/protobuf/timestamp.ts";
import { encodeMessage } from "../../../packages/twirp/src/index.ts";
import { arrayOf } from "../../database/index.ts";
import type { Metadata } from "../account.ts";
import { FinanceError, invalidArgument, type Refusal, refuse } from "../errors.ts";
import { type LoadedTransfer, loadTransfers, type TransferRecord } from "../records/transfers.ts";
import { readIdempotencyKey } from "../validation.ts";
import { fromTimestamp, type TransferId, toTimestamp } from "../values.ts";

/** A caller's idempotency key with the request that it stands for, in the form that table idempotency compares. */
export interface Claim {
  /** As the caller wrote it. */
  readonly key: string;
  /** Digest of key and caller; 32 hexadecimal digits. */
  readonly keyDigest: string;
  /** The same in a row from before migration 0006. */
  readonly formerKeyDigest: string;
  /** Digest of the method and the request's canonical bytes; 32 hexadecimal digits. */
  readonly messageDigest: string;
  /** The digest of versions before 0.2.0; undefined for a request that has fields which they did not know. */
  legacyDigest(): string | undefined;
}

type Fields = Record<string, unknown>;

interface KeyedMethod {
  readonly name: string;
  readonly type: IMessageType<Fields>;
  /** What the digest of a request begins with. */
  readonly prefix: Buffer;
  /** The fields of a digest from before 0.2.0, in order. */
  readonly legacyFields: readonly string[];
  /** The highest field number in 0.1.0. */
  readonly legacyNumberMax: number;
}

const TRANSFER_FIELDS = ["debitAccountId", "creditAccountId", "amount", "description", "metadata", "effectiveAt"];
const ACCOUNT_FIELDS = ["name", "type", "currency", "owner", "overdraftLimit", "unlimitedOverdraft", "metadata"];

const methods = {
  CreateAccount: keyed("CreateAccount", CreateAccountRequest, ACCOUNT_FIELDS, 8),
  CreateTransfer: keyed("CreateTransfer", CreateTransferRequest, [...TRANSFER_FIELDS, "pending", "expiresAt"], 10),
  CaptureTransfer: keyed("CaptureTransfer", CaptureTransferRequest, ["id", "amount"], 3),
  VoidTransfer: keyed("VoidTransfer", VoidTransferRequest, ["id"], 2),
  ReverseTransfer: keyed("ReverseTransfer", ReverseTransferRequest, ["id", "description"], 3),
};

/** The methods whose requests take a key. */
export type KeyedMethodName = keyof typeof methods;

function keyed(name: string, type: object, legacyFields: readonly string[], legacyNumberMax: number): KeyedMethod {
  const prefix = Buffer.from(`${name}\u0000`);
  return { name, prefix, type: type as IMessageType<Fields>, legacyFields, legacyNumberMax };
}

/**
 * Makes the claim of a request.
 *
 * @param subject the caller; each caller has keys of their own.
 * @param message the request with its defaults filled in.
 */
export function claimOf(subject: string, key: string, name: KeyedMethodName, message: object): Claim {
  const method = methods[name];
  const bytes = encodeMessage(method.type, canonicalOf(method.type, message as Fields));
  const { keyDigest, formerKeyDigest } = keyDigestsOf(subject, key);
  return {
    key,
    keyDigest,
    formerKeyDigest,
    messageDigest: digest(Buffer.concat([method.prefix, bytes])),
    legacyDigest: () => legacyDigest(method, canonicalOf(method.type, message as Fields)),
  };
}

/** Hexadecimal digits of a key's digest that depend on the key alone. */
const KEY_PART = 12;
const DIGEST_LENGTH = 32;

/** The digests under which table idempotency may have a caller's key. */
export function keyDigestsOf(subject: string, key: string): Pick<Claim, "keyDigest" | "formerKeyDigest"> {
  const both = digest(`${subject}\u0000${key}`);
  return {
    keyDigest: digest(key).slice(0, KEY_PART) + both.slice(0, DIGEST_LENGTH - KEY_PART),
    formerKeyDigest: both,
  };
}

/** The first and the last digest that a key can have, of all callers. */
export function digestRangeOf(key: string): [first: string, last: string] {
  const part = digest(key).slice(0, KEY_PART);
  return [part.padEnd(DIGEST_LENGTH, "0"), part.padEnd(DIGEST_LENGTH, "f")];
}

/** Refuses a key that was used for another request. */
export function keyReused(key: string): Refusal {
  return refuse("idempotency_key_reused", `idempotency_key ${JSON.stringify(key)} was used for another request`, {});
}

function canonicalOf(type: IMessageType<Fields>, message: Fields): Fields {
  const canonical: Fields = {};
  for (const { kind, localName } of type.fields) canonical[localName] = canonicalValue(kind, message[localName]);
  canonical["idempotencyKey"] = "";
  if ("dryRun" in canonical) canonical["dryRun"] = false;
  return canonical;
}

function canonicalValue(kind: string, value: unknown): unknown {
  if (kind === "map") return sorted(value ?? {});
  if (kind !== "message" || !Timestamp.is(value)) return value;
  const time = fromTimestamp(value);
  return time === undefined ? value : toTimestamp(time);
}

function sorted(map: object): object {
  const pairs = Object.entries(map);
  return pairs.length < 2 ? map : Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function legacyDigest({ name, type, legacyFields, legacyNumberMax }: KeyedMethod, canonical: Fields) {
  const added = { ...type.create() };
  for (const { no, localName } of type.fields) if (no > legacyNumberMax) added[localName] = canonical[localName];
  if (encodeMessage(type, added).length > 0) return undefined;
  return digest(JSON.stringify([name, ...legacyFields.map((field) => legacyValue(field, canonical[field]))]));
}

function legacyValue(field: string, value: unknown): unknown {
  if (Timestamp.is(value)) return `${fromTimestamp(value)}`;
  if (typeof value === "bigint") return `${value}`;
  // An absent amount of a capture was 0.
  if (value === undefined) return field === "amount" ? "0" : null;
  return typeof value === "object" && value !== null
    ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    : value;
}

// 128 bits make a collision by chance practically impossible and keep rows half as wide as 256.
function digest(data: string | Buffer): string {
  return hash("sha256", data).slice(0, DIGEST_LENGTH);
}

/** A row of table idempotency. */
export interface KeyRow {
  readonly key_digest: string;
  /** From before 0.2.0; null since. */
  readonly request_digest: string | null;
  readonly message_digest: string | null;
  readonly transfer_id: TransferId | null;
  readonly response: { readonly refusal?: Refusal; readonly account?: RememberedAccount } | null;
}

/** The parts of a new account that can have changed since, under the key that opened it. */
export interface RememberedAccount {
  readonly id: string;
  readonly name: string;
  readonly metadata: Metadata;
  readonly overdraft_limit: string;
  readonly unlimited_overdraft: boolean;
}

/** The columns of a {@link KeyRow}, of {@link USED_KEY} as `i`; its digest is that of the claim. */
export const KEY_COLUMNS = `
       case when i.key_digest is not null then replace(asked.key_digest::text, '-', '') end as key_digest,
       replace(i.request_digest::text, '-', '') as request_digest,
       replace(i.message_digest::text, '-', '') as message_digest,
       i.transfer_id, i.response`;

/** The digests to look for, of a row with both; null if this ledger has no row from before migration 0006. */
export const ASKED_DIGESTS = `
       key_digest, case when (select has_former_digests from ledger_time) then former_key_digest end as former_key_digest`;

/**
 * The row of the key in `asked`; a lateral subquery.
 *
 * `limit 1` also looks up each key by itself. A join would be planned once, for a small table, and then read all of it.
 */
export const USED_KEY = `(
  select *
    from idempotency
   where key_digest in (asked.key_digest, asked.former_key_digest)
   order by key_digest = asked.key_digest desc
   limit 1)`;

/** Whether a row's key counts as used: versions before 0.2.0 also remembered two refusals that decide nothing. */
export function isUsed({ response }: Pick<KeyRow, "response">): boolean {
  const situation = response?.refusal?.situation;
  return situation !== "batch_refused" && situation !== "invalid_argument";
}

/** Whether a row belongs to the claimed request. */
export function isSameRequest(row: KeyRow, claim: Claim): boolean {
  return row.message_digest === null
    ? row.request_digest === claim.legacyDigest()
    : row.message_digest === claim.messageDigest;
}

/** The outcome under a key: the transfer, or an answer that the ledger's other tables do not have. */
export interface KeptOutcome {
  readonly claim: Claim;
  readonly transferId?: TransferId;
  readonly response?: NonNullable<KeyRow["response"]>;
}

/**
 * Remembers outcomes, in key order.
 *
 * It waits for other transactions that use the same keys. If one of them commits, the statement fails
 * ({@link isKeyCollision}): roll back and decide again.
 */
export function rememberOutcomes(outcomes: readonly KeptOutcome[]): QueryConfig {
  return {
    name: "remember_outcomes",
    text: `
insert into idempotency (key_digest, message_digest, transfer_id, response)
select *
  from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::jsonb[]) as k (key_digest, message_digest, transfer_id, response)
 order by key_digest
    on conflict (key_digest) do update
   set request_digest = null,
       message_digest = excluded.message_digest,
       transfer_id = excluded.transfer_id,
       response = excluded.response`,
    values: [
      arrayOf.uuid(outcomes, ({ claim }) => claim.keyDigest),
      arrayOf.uuid(outcomes, ({ claim }) => claim.messageDigest),
      arrayOf.bigint(outcomes, ({ transferId }) => transferId ?? null),
      arrayOf.jsonb(outcomes, ({ response }) => (response === undefined ? null : JSON.stringify(response))),
    ],
  };
}

/** Whether another transaction used one of the keys since they were read; see migrations/0003_money.sql. */
export function isKeyCollision(error: unknown): boolean {
  return error instanceof Error && "constraint" in error && error.constraint === "idempotency_decided_once";
}

/** The use of an idempotency key. */
export interface KeyUse {
  /** Whether the key was used for the request of this claim. */
  isFor(claim: Claim): boolean;
  /** The outcome of that request. */
  outcomeOf(makesTransfer: boolean): TransferRecord | Refusal;
}

/** A request that takes an idempotency key, and its caller. */
export interface KeyedRequest {
  readonly method: KeyedMethodName;
  /** The message with its defaults filled in. */
  readonly message: object;
  readonly subject: string;
  /** Empty for none. */
  readonly key: string;
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
  const valid = readIdempotencyKey(key, path);
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
    `select ${KEY_COLUMNS}
       from (select ${ASKED_DIGESTS}
               from unnest($1::uuid[], $2::uuid[]) as a (key_digest, former_key_digest)) asked
      cross join lateral ${USED_KEY} i`,
    [claims.map(({ keyDigest }) => keyDigest), claims.map(({ formerKeyDigest }) => formerKeyDigest)],
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
