/**
 * Gives events their positions. Goal: a feed without gaps whose order agrees with the order of each account, although
 * transactions commit in any order.
 *
 * Method: a transaction that changes the ledger draws the id of its feed row after it has locked its accounts. So of two
 * transactions on one account the later has the higher id, and a snapshot with its row also has the earlier one's. Sealing
 * numbers all committed rows without a position, by id, behind the last position. Sealing transactions exclude each other
 * with an advisory lock, which their first statement takes, so the next statement sees what the one before has numbered.
 *
 * Any process seals. A seal is one message, so a process that stops in the middle leaves no transaction open.
 */
import type { ClientBase, Pool } from "pg";
import { withConnection } from "../../database/index.ts";

/** The end of the feed. */
export interface FeedHead {
  /** The feed's own number. */
  readonly identity: bigint;
  /** The position of the last event; 0 before the first. */
  readonly position: bigint;
  /** The seal of the row that holds it; 0 before the first. */
  readonly seal: bigint;
}

/** Rows sealed in one transaction. */
const ROWS_MAX = 2000;

// PostgreSQL makes commits of synchronous_commit=off visible before they are durable; a position must not be given twice.
// Only a plain scan removes sealed rows from the index of unsealed ones; each bitmap scan would read all since the last vacuum.
const SEAL = `
begin isolation level read committed;
set local lock_timeout = '3s';
set local statement_timeout = '4s';
set local enable_bitmapscan = off;
select set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') = 'off';
select pg_advisory_xact_lock(9707, 2);
with unsealed as (
  select id, cardinality(types) as events
    from feed
   where position is null
   order by id
   limit ${ROWS_MAX}
), head as (
  select position + cardinality(types) as next
    from feed
   where position is not null
   order by position desc
   limit 1
), numbered as (
  select id, coalesce((select next from head), 1) + sum(events) over (order by id) - events as position
    from unsealed
)
update feed f
   set position = n.position, seal = hashtextextended(gen_random_uuid()::text, 0)
  from numbered n
 where f.id = n.id
returning cardinality(f.types) as events;
select i.id as identity, coalesce(last.position, 0) as position, coalesce(last.seal, 0) as seal
  from feed_identity i
  left join (select position + cardinality(types) - 1 as position, seal
               from feed
              where position is not null
              order by feed.position desc
              limit 1) last on true;
commit`;

/** What a seal has done. */
export interface Sealed {
  /** The new end of the feed. */
  readonly head: FeedHead;
  /** Events that have got their positions. */
  readonly events: number;
}

/** Seals all committed rows. */
export async function seal(pool: Pool): Promise<Sealed> {
  let events = 0;
  for (;;) {
    const sealed = await withConnection(pool, sealSome);
    events += sealed.events;
    if (sealed.rows < ROWS_MAX) return { head: sealed.head, events };
  }
}

async function sealSome(client: ClientBase): Promise<Sealed & { readonly rows: number }> {
  try {
    // node-postgres answers several statements with an array, which its types don't know.
    // As an object: behind a pooler, a text that begins a transaction gets other limits.
    const results: unknown = await client.query({ text: SEAL });
    if (!Array.isArray(results)) throw new Error("several statements have one result");
    const rows: readonly { readonly events: number }[] =
      results.find(({ command }) => command === "UPDATE")?.rows ?? [];
    const head = results.findLast(({ command }) => command === "SELECT")?.rows[0];
    return { head, events: rows.reduce((sum, { events }) => sum + events, 0), rows: rows.length };
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}
