/**
 * Reads the feed: finds the events after a cursor that a caller may see, and loads what they say.
 *
 * Method: the headers of the next positions are read without regard to the caller, then filtered here, then loaded. Callers
 * that wait at the same position share both reads.
 */
import type { ClientBase, Pool } from "pg";
import { EventType } from "../../../generated/server/finance/v1/event.ts";
import { withConnection } from "../../database/index.ts";
import { FinanceError, invalidArgument, refuse } from "../errors.ts";
import { type Actor, isVisibleTo, seesAccountOf } from "../policy.ts";
import {
  type AccountSettings,
  bytesOfChange,
  changeKey,
  type FieldChange,
  loadChanges,
} from "../records/account-changes.ts";
import type { EntryRecord } from "../records/entries.ts";
import { bytesOf, PAGE_BYTES_MAX } from "../records/page.ts";
import { type LoadedTransfer, loadTransfers, type TransferRecord } from "../records/transfers.ts";
import type { Turns } from "../turns.ts";
import { type AccountId, type Micros, type Minor, transferId } from "../values.ts";
import type { FeedHead } from "./sealing.ts";

/** A place in the feed: the position of an event, and the seal of its row. */
export interface FeedPlace {
  readonly position: bigint;
  readonly seal: bigint;
}

/** Before the first event. */
export const START: FeedPlace = { position: 0n, seal: 0n };

/** An event. Either `transfer` or `settings` is present. */
export interface EventRecord extends FeedPlace {
  readonly type: EventType;
  readonly createdAt: Micros;
  readonly actor: string | null;
  /** As it was after the event. */
  readonly transfer?: TransferRecord;
  readonly entries: readonly EntryRecord[];
  /** As they were after the event. */
  readonly settings?: AccountSettings;
  readonly changes: readonly FieldChange[];
}

/** Which events a caller asks for. */
export interface EventFilter {
  readonly actor: Actor;
  /** Only events of this account. */
  readonly accountId: AccountId | undefined;
  readonly sizeMax: number;
}

export interface FindOptions {
  /** The events after the place, if they were read already. */
  readonly chunk?: Chunk | undefined;
  /** Called with the memory of the events' rows before they are loaded. */
  readonly reserve?: (bytes: number) => void;
}

/** The events that were found, and how far the search got. */
export interface FoundEvents {
  readonly events: readonly EventRecord[];
  readonly reached: FeedPlace;
  /** Whether the feed goes on after it. */
  readonly hasNext: boolean;
}

/** What a search needs of an event, and what loading needs. */
interface Header extends FeedPlace {
  readonly type: EventType;
  readonly subject: bigint;
  readonly sequence: bigint;
  readonly creditSequence: bigint;
  /** The parties of a transfer; of an account, the account twice. */
  readonly debitAccountId: AccountId;
  readonly creditAccountId: AccountId;
  readonly debitOwner: string;
  readonly creditOwner: string;
  readonly debitAmount: Minor | null;
  readonly debitBalance: Minor | null;
  readonly creditAmount: Minor | null;
  readonly creditBalance: Minor | null;
  readonly row_bytes: number;
}

/** Positions that one call looks through, and how many at once if it may not see all of them. */
const SCANNED_MAX = 5000;
const CHUNK_SIZE = 1000;

/** Bytes of a row without its texts. */
const ROW_BYTES = 1024;

const HEADERS = {
  name: "read_feed",
  text: `
with start as (
  select position
    from (select position, seal from feed where position <= $1::bigint order by position desc limit 1) reached
   where seal = $3::bigint
   union all
  select 1
   where $1::bigint = 0
), next as (
  select f.position + e.ordinal - 1 as position, f.seal, e.type, e.subject, e.sequence, e.credit_sequence
    from feed f
   cross join lateral unnest(f.types, f.subjects, f.sequences, f.credit_sequences)
         with ordinality as e (type, subject, sequence, credit_sequence, ordinal)
   where f.position >= (select position from start)
     and f.position + e.ordinal - 1 > $1::bigint
   order by f.position, e.ordinal
   limit $2::bigint
)
select n.position, n.seal, n.type, n.subject, n.sequence, n.credit_sequence as "creditSequence",
       d.id as "debitAccountId", c.id as "creditAccountId", d.owner as "debitOwner", c.owner as "creditOwner",
       de.amount as "debitAmount", de.balance_after as "debitBalance",
       ce.amount as "creditAmount", ce.balance_after as "creditBalance",
       case when n.type > 2
            then ${bytesOf(ROW_BYTES, "t.description", "t.metadata::text")}
            else ${ROW_BYTES} + ${bytesOfChange("n.subject", "n.sequence")}
       end as row_bytes
  from next n
  left join lateral (select * from transfer where id = n.subject and n.type > 2 offset 0) t on true
 cross join lateral (select * from account where id = coalesce(t.debit_account_id, n.subject) offset 0) d
 cross join lateral (select * from account where id = coalesce(t.credit_account_id, n.subject) offset 0) c
  left join lateral (select * from entry where account_id = t.debit_account_id and sequence = n.sequence offset 0) de on true
  left join lateral (select * from entry where account_id = t.credit_account_id and sequence = n.credit_sequence offset 0) ce
    on true
 order by n.position`,
};

/** A run of the feed, read once for all callers that are at its start. */
export class Chunk {
  readonly headers: readonly Header[];
  /** Whether the feed goes on after it. */
  readonly hasNext: boolean;
  readonly #pool: Pool;
  readonly #turns: Turns;
  #events: Promise<readonly EventRecord[]> | undefined;
  #owners: ReadonlySet<string> | undefined;
  #accounts: ReadonlySet<AccountId> | undefined;

  /** @param rows the headers, and one more if the feed goes on after them. */
  constructor(pool: Pool, turns: Turns, rows: readonly Header[], sizeMax: number) {
    this.#pool = pool;
    this.#turns = turns;
    this.headers = rows.slice(0, sizeMax);
    this.hasNext = rows.length > sizeMax;
  }

  /** Loads the events for all callers at once, unless they are too large. */
  async share(): Promise<void> {
    if (bytesOfAll(this.headers) > PAGE_BYTES_MAX) return;
    this.#events ??= this.#load(this.headers);
    await this.#events;
  }

  /** Whether it may hold an event that the filter lets through. It takes the same time for few events and for many. */
  mayHave({ actor, accountId }: EventFilter): boolean {
    if (accountId === undefined) {
      this.#owners ??= new Set(this.headers.flatMap((header) => [header.debitOwner, header.creditOwner]));
      return seesAccountOf(this.#owners, actor);
    }
    this.#accounts ??= new Set(this.headers.flatMap((header) => [header.debitAccountId, header.creditAccountId]));
    return this.#accounts.has(accountId);
  }

  /** Loads the events of some of the headers. */
  async load(headers: readonly Header[], caller: string): Promise<readonly EventRecord[]> {
    if (this.#events === undefined) return await this.#turns.run(caller, () => this.#load(headers));
    const positions = new Set(headers.map(({ position }) => position));
    return (await this.#events).filter(({ position }) => positions.has(position));
  }

  #load(headers: readonly Header[]): Promise<readonly EventRecord[]> {
    return withConnection(this.#pool, (client) => loadEvents(client, headers));
  }
}

interface Reading {
  readonly chunk: Promise<Chunk>;
  isShared: boolean;
}

/**
 * Reads the feed for many callers.
 *
 * Each read finds its place by position and seal. So a caller whose events a failover or restore has undone is refused, also
 * if that happens while it waits and the feed has grown past its place since.
 */
export class EventReader {
  readonly #pool: Pool;
  readonly #turns: Turns;
  /** Chunks that are being read, by place, size and end of the feed: every caller of one knows that it has an event. */
  readonly #reading = new Map<string, Reading>();

  constructor(pool: Pool, turns: Turns) {
    this.#pool = pool;
    this.#turns = turns;
  }

  /**
   * Searches a bounded number of positions after `place`, up to the end of the feed that `head` says.
   *
   * @throws FinanceError feed_diverged when the feed has never had the place, or has it no longer.
   */
  async find(
    place: FeedPlace,
    head: FeedHead,
    filter: EventFilter,
    { chunk: known, reserve }: FindOptions = {},
  ): Promise<FoundEvents> {
    const sizeMax = seesAll(filter) ? filter.sizeMax : CHUNK_SIZE;
    const caller = filter.actor.subject;
    let next = known;
    let reached = place;
    let hasNext = place.position < head.position;
    for (let scanned = 0; hasNext && scanned < SCANNED_MAX; scanned += sizeMax) {
      const chunk = next ?? (await this.#readShared(reached, head, sizeMax, caller));
      next = undefined;
      if (chunk.headers.length === 0) throw diverged();
      hasNext = chunk.hasNext;
      reached = chunk.headers.at(-1) ?? reached;
      const visible = chunk.headers.filter((header) => isAskedFor(header, filter));
      if (visible.length === 0) continue;
      const page = firstPage(visible, filter.sizeMax);
      if (page.length < visible.length) {
        hasNext = true;
        reached = page.at(-1) ?? reached;
      }
      reserve?.(bytesOfAll(page));
      return { events: await chunk.load(page, caller), reached, hasNext };
    }
    return { events: [], reached, hasNext };
  }

  /** Reads the headers after `place`. Without any, the feed lacks the place. */
  async read({ position, seal }: FeedPlace, sizeMax = CHUNK_SIZE): Promise<Chunk> {
    const { rows } = await this.#pool.query<Header>({ ...HEADERS, values: [position, sizeMax + 1, seal] });
    return new Chunk(this.#pool, this.#turns, rows, sizeMax);
  }

  #readShared(place: FeedPlace, head: FeedHead, sizeMax: number, caller: string): Promise<Chunk> {
    const key = `${place.position} ${place.seal} ${sizeMax} ${head.seal}`;
    const running = this.#reading.get(key);
    if (running !== undefined) {
      running.isShared = true;
      return running.chunk;
    }
    const read = async () => {
      try {
        const chunk = await this.#turns.run(caller, () => this.read(place, sizeMax));
        if (reading.isShared) await chunk.share();
        return chunk;
      } finally {
        this.#reading.delete(key);
      }
    };
    const reading: Reading = { chunk: read(), isShared: false };
    this.#reading.set(key, reading);
    return reading.chunk;
  }
}

/** Only the caller's own events count, so the end of a page says nothing about the texts of others. */
function firstPage(headers: readonly Header[], sizeMax: number): readonly Header[] {
  let bytes = 0;
  const end = headers.findIndex(({ row_bytes }, index) => {
    const isFull = index >= sizeMax || bytes >= PAGE_BYTES_MAX;
    bytes += row_bytes;
    return isFull;
  });
  return end < 0 ? headers : headers.slice(0, end);
}

function bytesOfAll(headers: readonly Header[]): number {
  return headers.reduce((sum, { row_bytes }) => sum + row_bytes, 0);
}

function seesAll({ actor, accountId }: EventFilter): boolean {
  return actor.admin && accountId === undefined;
}

function isAskedFor(header: Header, { actor, accountId }: EventFilter): boolean {
  if (accountId !== undefined && header.debitAccountId !== accountId && header.creditAccountId !== accountId)
    return false;
  return isVisibleTo({ owner: header.debitOwner }, actor) || isVisibleTo({ owner: header.creditOwner }, actor);
}

async function loadEvents(client: ClientBase, headers: readonly Header[]): Promise<EventRecord[]> {
  const ofAccounts = headers.filter(isOfAccount);
  const ofTransfers = headers.filter((header) => !isOfAccount(header));
  const [transfers, changes] = await Promise.all([
    loadTransfers(client, [...new Set(ofTransfers.map(({ subject }) => transferId(subject)))]),
    loadChanges(
      client,
      ofAccounts.map(({ subject, sequence }) => ({ accountId: subject, sequence })),
    ),
  ]);
  return headers.map((header) => {
    if (!isOfAccount(header)) {
      const loaded = transfers.get(transferId(header.subject));
      if (loaded === undefined) throw new Error(`event ${header.position} names a transfer that does not exist`);
      return transferEvent(header, loaded);
    }
    const change = changes.get(changeKey(header.subject, header.sequence));
    if (change === undefined) throw new Error(`event ${header.position} names a change that does not exist`);
    const { settings } = change;
    return { ...header, createdAt: settings.changedAt, actor: settings.changedBy, entries: [], ...change };
  });
}

function isOfAccount({ type }: Header): boolean {
  return type === EventType.ACCOUNT_CREATED || type === EventType.ACCOUNT_UPDATED;
}

function transferEvent(header: Header, loaded: LoadedTransfer): EventRecord {
  const { position, seal, type } = header;
  const isNew = type === EventType.TRANSFER_POSTED || type === EventType.TRANSFER_HELD;
  // Only a later event can reverse it.
  const transfer = isNew ? loaded.created : { ...loaded.current, reversedByTransferId: null };
  const createdAt = isNew ? transfer.createdAt : (transfer.settledAt ?? transfer.createdAt);
  const effectiveAt = type === EventType.TRANSFER_POSTED ? transfer.effectiveAt : createdAt;
  const { id: transferId, description, debitAccountId, creditAccountId } = transfer;
  const entries: EntryRecord[] = [];
  const addEntry = (
    [accountId, counterpartyAccountId]: readonly [AccountId, AccountId],
    sequence: bigint,
    amount: Minor | null,
    balanceAfter: Minor | null,
  ) => {
    if (amount === null || balanceAfter === null) return;
    entries.push({
      accountId,
      sequence,
      transferId,
      counterpartyAccountId,
      amount,
      balanceAfter,
      description,
      createdAt,
      effectiveAt,
    });
  };
  addEntry([debitAccountId, creditAccountId], header.sequence, header.debitAmount, header.debitBalance);
  addEntry([creditAccountId, debitAccountId], header.creditSequence, header.creditAmount, header.creditBalance);
  const actor = isNew ? transfer.createdBy : transfer.settledBy;
  return { position, seal, type, createdAt, actor, transfer, entries, changes: [] };
}

/** A cursor, taken apart. */
export interface FeedCursor extends FeedPlace {
  readonly identity: bigint;
}

/**
 * The place of a cursor. Its seal is checked by the read that continues from it.
 *
 * @throws FinanceError feed_diverged for another feed, and for a place after or at its end that it does not have.
 */
export function placeOf({ identity, position, seal }: FeedCursor, head: FeedHead): FeedPlace {
  const isOther = identity !== head.identity || position > head.position;
  if (isOther || (position === head.position && seal !== head.seal)) throw diverged();
  return { position, seal };
}

const CURSOR_BYTES = 24;

export function writeCursor({ identity, position, seal }: FeedCursor): string {
  const bytes = Buffer.alloc(CURSOR_BYTES);
  bytes.writeBigInt64BE(identity, 0);
  bytes.writeBigInt64BE(position, 8);
  bytes.writeBigInt64BE(seal, 16);
  return bytes.toString("base64url");
}

/** @throws FinanceError invalid_argument for anything but a cursor. */
export function readCursor(cursor: string): FeedCursor {
  const bytes = Buffer.from(cursor, "base64url");
  // Node ignores characters that are not base64url.
  if (bytes.length !== CURSOR_BYTES || bytes.toString("base64url") !== cursor) {
    throw invalidArgument("cursor", "is not the cursor of an event or of a reply of ListEvents");
  }
  return { identity: bytes.readBigInt64BE(0), position: bytes.readBigInt64BE(8), seal: bytes.readBigInt64BE(16) };
}

function diverged(): FinanceError {
  const msg =
    "the cursor is not of this ledger's feed, or of events that a restore of the database has undone; read the state again, and follow the feed with from_end or from its first event";
  return new FinanceError(refuse("feed_diverged", msg, {}));
}
