/** Audits a whole ledger in SQL: each check is a query that returns a row for each fault. */
import type { ClientBase } from "pg";
import { DEBIT_NORMAL_TYPES } from "../account.ts";

/** A fault. */
export interface Finding {
  readonly check: string;
  /** The columns of the row that identify the fault, as text. */
  readonly details: Readonly<Record<string, string>>;
  /** The cause and what to do, unless that is obvious. */
  readonly meaning?: string;
  /** Set for a finding that is no fault. */
  readonly notice?: true;
}

interface Check {
  readonly name: string;
  /** The rule that must hold. */
  readonly rule: string;
  readonly sql: string;
  readonly meaning?: string;
  readonly notice?: true;
}

/** All rules of the ledger, in the order in which they are checked. */
export const checks: readonly Check[] = [
  {
    name: "books_balance",
    rule: "in each currency, posted debits equal posted credits",
    sql: `
select a.currency, sum(b.debits_posted) as debits, sum(b.credits_posted) as credits
  from account a
  join account_balance b on b.account_id = a.id
 group by a.currency
having sum(b.debits_posted) <> sum(b.credits_posted)`,
  },
  {
    name: "account_has_balance",
    rule: "every account has a balance row with the normal side of its type",
    sql: `
select a.id as account_id, a.type, b.debit_normal
  from account a
  left join account_balance b on b.account_id = a.id
 where b.debit_normal is distinct from (a.type in (${DEBIT_NORMAL_TYPES}))`,
  },
  {
    name: "balance_equals_entries",
    rule: "an account's posted sums and sequence match its entries",
    sql: `
select b.account_id, b.debits_posted, b.credits_posted, b.posted_carried, b.last_sequence,
       coalesce(e.raised, 0) as entries_raised, coalesce(e.lowered, 0) as entries_lowered, coalesce(e.count, 0) as entries
  from account_balance b
  left join (select account_id, count(*) as count,
                    coalesce(sum(amount) filter (where amount > 0), 0) as raised,
                    coalesce(-sum(amount) filter (where amount < 0), 0) as lowered
               from entry
              group by account_id) e using (account_id)
 where (b.debits_posted + coalesce(b.posted_carried, 0), b.credits_posted + coalesce(b.posted_carried, 0),
        b.last_sequence) is distinct from
       (case when b.debit_normal then coalesce(e.raised, 0) else coalesce(e.lowered, 0) end,
        case when b.debit_normal then coalesce(e.lowered, 0) else coalesce(e.raised, 0) end,
        coalesce(e.count, 0))`,
  },
  {
    name: "entries_are_a_chain",
    rule: "sequences have no gaps, each balance_after continues the one before, and time never falls",
    sql: `
select account_id, sequence, amount, balance_after, previous_sequence, previous_balance
  from (select e.*,
               lag(sequence, 1, 0::bigint) over account_chain as previous_sequence,
               lag(balance_after, 1, 0::bigint) over account_chain as previous_balance,
               lag(created_at) over account_chain as previous_time
          from entry e
        window account_chain as (partition by account_id order by sequence)) chained
 where sequence <> previous_sequence + 1
    or balance_after <> previous_balance + amount
    or created_at < previous_time`,
  },
  {
    name: "running_totals_match_entries",
    rule: "the running totals of a time are the sums of the entries up to it",
    meaning: "The trial balance adds later entries to these totals, so it is wrong from that time on.",
    sql: `
with times as (
  select array_agg(as_of order by as_of) as times
    from running_total
), posted as (
  select width_bucket(e.created_at - interval '1 microsecond', (select times from times)) + 1 as ordinal, a.currency,
         coalesce(sum(abs(e.amount)) filter (where (e.amount > 0) = b.debit_normal), 0) as debits,
         coalesce(sum(abs(e.amount)) filter (where (e.amount > 0) <> b.debit_normal), 0) as credits
    from entry e
    join account a on a.id = e.account_id
    join account_balance b on b.account_id = e.account_id
   where e.created_at <= (select max(as_of) from running_total)
   group by ordinal, a.currency
), summed as (
  select t.as_of, c.currency,
         coalesce(sum(p.debits) over summed_until, 0) as debits, coalesce(sum(p.credits) over summed_until, 0) as credits
    from times
   cross join unnest(times) with ordinality as t (as_of, ordinal)
   cross join (select distinct currency from posted) c
    left join posted p on p.ordinal = t.ordinal and p.currency = c.currency
  window summed_until as (partition by c.currency order by t.ordinal)
), kept as (
  select r.as_of, k.*
    from running_total r
   cross join lateral unnest(r.currencies, r.debits, r.credits) as k (currency, debits, credits)
)
select as_of, currency, k.debits, k.credits, s.debits as entries_debits, s.credits as entries_credits
  from kept k
  full join summed s using (as_of, currency)
 where (coalesce(k.debits, 0), coalesce(k.credits, 0)) is distinct from (coalesce(s.debits, 0), coalesce(s.credits, 0))`,
  },
  {
    name: "transfers_have_their_entries",
    rule: "a posted or captured transfer has one entry on each side for its amount; any other has none",
    sql: `
select t.id as transfer_id, count(e.sequence) as entries,
       coalesce(s.captured_amount, case when t.pending then 0 else t.amount end) as expected
  from transfer t
  left join settlement s on s.transfer_id = t.id
  left join entry e on e.transfer_id = t.id
                   and e.account_id in (t.debit_account_id, t.credit_account_id)
  left join account_balance b on b.account_id = e.account_id
 group by t.id, s.captured_amount
having count(e.sequence) <>
         case when coalesce(s.captured_amount, case when t.pending then 0 else t.amount end) > 0 then 2 else 0 end
    or coalesce(bool_or(e.amount <> coalesce(nullif(s.captured_amount, 0), t.amount)
                        * case when b.debit_normal = (e.account_id = t.debit_account_id) then 1 else -1 end), false)`,
  },
  {
    name: "entries_have_their_transfer",
    rule: "an entry belongs to a transfer of its account",
    sql: `
select e.account_id, e.sequence, e.transfer_id
  from entry e
  left join transfer t on t.id = e.transfer_id and e.account_id in (t.debit_account_id, t.credit_account_id)
 where t.id is null`,
  },
  {
    name: "transfers_stay_in_one_currency",
    rule: "both accounts of a transfer exist and have the same currency",
    sql: `
select t.id as transfer_id, t.debit_account_id, t.credit_account_id
  from transfer t
  left join account d on d.id = t.debit_account_id
  left join account c on c.id = t.credit_account_id
 where d.currency is null or d.currency is distinct from c.currency`,
  },
  {
    name: "transfer_balances_match_entries",
    rule: "the balances in a transfer match its entries",
    sql: `
select t.id as transfer_id, e.account_id, e.balance_after
  from transfer t
  left join settlement s on s.transfer_id = t.id
  join entry e on e.transfer_id = t.id
 where e.balance_after is distinct from
       case e.account_id
         when t.debit_account_id then coalesce(s.debit_account_balance, t.debit_account_balance)
         when t.credit_account_id then coalesce(s.credit_account_balance, t.credit_account_balance)
       end`,
  },
  {
    name: "pending_equals_holds",
    rule: "an account's pending sums match its holds that await settlement",
    sql: `
select b.account_id, b.debits_pending, b.credits_pending,
       coalesce(d.held, 0) as held_debits, coalesce(c.held, 0) as held_credits
  from account_balance b
  left join (select t.debit_account_id as account_id, sum(t.amount) as held
               from hold h join transfer t on t.id = h.transfer_id where h.state = 2 group by 1) d using (account_id)
  left join (select t.credit_account_id as account_id, sum(t.amount) as held
               from hold h join transfer t on t.id = h.transfer_id where h.state = 2 group by 1) c using (account_id)
 where (b.debits_pending, b.credits_pending) is distinct from (coalesce(d.held, 0), coalesce(c.held, 0))`,
  },
  {
    name: "holds_match_transfers",
    rule: "a pending transfer has a hold with the same accounts, and a direct one has none",
    sql: `
select t.id as transfer_id, t.pending, h.state
  from transfer t
  full join hold h on h.transfer_id = t.id
 where t.pending is distinct from (h.transfer_id is not null)
    or (h.debit_account_id, h.credit_account_id) is distinct from
       (case when t.pending then t.debit_account_id end, case when t.pending then t.credit_account_id end)`,
  },
  {
    name: "settlements_match_holds",
    rule: "a hold has a settlement exactly if it is settled, in the same state, for at most its amount and not before it",
    sql: `
select coalesce(h.transfer_id, s.transfer_id) as transfer_id, h.state, s.state as settled_state, s.captured_amount
  from hold h
  join transfer t on t.id = h.transfer_id
  full join settlement s on s.transfer_id = h.transfer_id
 where s.state is distinct from nullif(h.state, 2)
    or s.captured_amount > t.amount
    or s.settled_at < t.created_at`,
  },
  {
    name: "changes_lead_to_accounts",
    rule: "an account's changes have no gaps, their times never fall, and the last one has the account's settings",
    sql: `
select a.id as account_id, c.changes, c.last_sequence, c.falling
  from account a
  join account_balance b on b.account_id = a.id
  left join (select account_id, count(*) as changes, max(sequence) as last_sequence,
                    coalesce(bool_or(changed_at < previous_time), false) as falling
               from (select *, lag(changed_at) over (partition by account_id order by sequence) as previous_time
                       from account_change) ordered
              group by account_id) c on c.account_id = a.id
  left join account_change last on last.account_id = a.id and last.sequence = c.last_sequence
 where c.changes is distinct from c.last_sequence
    or c.falling
    or (last.name, last.status, last.overdraft_limit, last.unlimited_overdraft, last.metadata) is distinct from
       (a.name, b.status, b.overdraft_limit, b.unlimited_overdraft, a.metadata)`,
  },
  {
    name: "positions_are_dense",
    rule: "the feed's positions begin at 1 and have no gaps",
    sql: `
select id as feed_id, position, expected
  from (select id, position,
               coalesce(lag(position + cardinality(types)) over (order by position), 1) as expected
          from feed
         where position is not null) sealed
 where position <> expected`,
  },
  {
    name: "events_tell_everything_once",
    rule: "each transfer, settlement and account change has exactly one event of its type, and there are no other events",
    sql: `
with event as (
  select e.*
    from feed f
   cross join lateral unnest(f.types, f.subjects, f.sequences) as e (type, subject, sequence)
), change as (
  select case when pending then 4 else 3 end as type, id as subject, 0::bigint as sequence
    from transfer
  union all
  select state + 2, transfer_id, 0
    from settlement
  union all
  select case when sequence = 1 then 1 else 2 end, account_id, sequence
    from account_change
)
select coalesce(c.type, e.type) as type, coalesce(c.subject, e.subject) as subject,
       coalesce(c.sequence, e.sequence) as sequence, coalesce(e.count, 0) as events
  from change c
  full join (select type, subject, case when type in (1, 2) then sequence else 0 end as sequence, count(*)
               from event
              group by 1, 2, 3) e
         on (e.type, e.subject, e.sequence) = (c.type, c.subject, c.sequence)
 where c.type is null
    or e.count is distinct from 1`,
  },
  {
    name: "events_keep_the_order_of_accounts",
    rule: "an account's entries and changes have their events in the order of their sequences",
    sql: `
with event as (
  select coalesce(f.position, 9223372036854775807) as position, f.id as feed_id, e.*
    from feed f
   cross join lateral unnest(f.types, f.subjects, f.sequences, f.credit_sequences)
         with ordinality as e (type, subject, sequence, credit_sequence, ordinal)
), step as (
  select e.subject as account_id, true as of_settings, e.sequence, e.position, e.feed_id, e.ordinal
    from event e
   where e.type in (1, 2)
  union all
  select t.debit_account_id, false, e.sequence, e.position, e.feed_id, e.ordinal
    from event e
    join transfer t on t.id = e.subject
   where e.type in (3, 5)
  union all
  select t.credit_account_id, false, e.credit_sequence, e.position, e.feed_id, e.ordinal
    from event e
    join transfer t on t.id = e.subject
   where e.type in (3, 5)
)
select account_id, of_settings, sequence, position
  from (select *,
               lag((position, feed_id, ordinal)) over steps as before,
               lag(sequence, 1, 0::bigint) over steps as previous_sequence
          from step
        window steps as (partition by account_id, of_settings order by sequence)) chained
 where (position, feed_id, ordinal) <= before
    or sequence <> previous_sequence + 1`,
  },
  {
    name: "reversals_mirror",
    rule: "a reversal moves the amount of its transfer back, between the same accounts",
    sql: `
select r.id as transfer_id, r.reverses_transfer_id
  from transfer r
  left join transfer t on t.id = r.reverses_transfer_id
  left join settlement s on s.transfer_id = t.id
 where r.reverses_transfer_id is not null
   and (r.debit_account_id, r.credit_account_id, r.amount) is distinct from
       (t.credit_account_id, t.debit_account_id, coalesce(s.captured_amount, t.amount))`,
  },
  {
    name: "floors_hold",
    rule: "no account's posted balance is below its floor",
    sql: `
select account_id, debits_posted, credits_posted, overdraft_limit
  from account_balance
 where not unlimited_overdraft
   and case when debit_normal then debits_posted - credits_posted else credits_posted - debits_posted end
       < -overdraft_limit`,
  },
  {
    name: "holds_stay_reserved",
    rule: "no account's balance minus its holds, without expired ones, is below its floor",
    meaning:
      "Money that a hold had reserved was spent: a version before 0.2.0 freed the hold early because the clock was set " +
      "forward and back. Its capture may be refused for lack of funds; void the hold, or pay in the difference.",
    sql: `
with expired as (
  select account_id, sum(amount) as amount
    from (select case when b.debit_normal then h.credit_account_id else h.debit_account_id end as account_id, t.amount
            from hold h
            join transfer t on t.id = h.transfer_id
            join account_balance b on b.account_id in (h.debit_account_id, h.credit_account_id)
           where h.state = 2
             and h.expires_at <= clock_timestamp()
             and b.account_id = case when b.debit_normal then h.credit_account_id else h.debit_account_id end) held
   group by account_id
)
select b.account_id, b.debits_posted, b.credits_posted, b.debits_pending, b.credits_pending, b.overdraft_limit
  from account_balance b
  left join expired e using (account_id)
 where not b.unlimited_overdraft
   and case when b.debit_normal then b.debits_posted - b.credits_posted - b.credits_pending
            else b.credits_posted - b.debits_posted - b.debits_pending end::numeric + coalesce(e.amount, 0)
       < -b.overdraft_limit`,
  },
  {
    name: "recorded_times_have_passed",
    rule: "nothing is recorded ahead of the clock",
    notice: true,
    meaning:
      "The clock was set forward and back during this posting. Balances include it; reports about an earlier time do not. " +
      "Later postings on these accounts are recorded after it, until the clock has caught up.",
    sql: `
select account_id, updated_at as recorded_at
  from account_balance
 where updated_at > clock_timestamp()`,
  },
  {
    name: "closed_time_has_passed",
    rule: "the books are not closed ahead of the clock",
    notice: true,
    meaning:
      "A report about the present was made while the clock was set forward. All postings are recorded after the closed " +
      "time, until the clock has caught up; reports about an earlier time are complete without them.",
    sql: "select closed, final from ledger_time where closed > clock_timestamp()",
  },
  {
    name: "keys_have_their_outcome",
    rule: "an idempotency key has either an existing transfer or an answer of its own",
    sql: `
select i.key_digest, i.transfer_id
  from idempotency i
  left join transfer t on t.id = i.transfer_id
 where (i.response is null) = (t.id is null)
    or (i.response is not null and i.transfer_id is not null)`,
  },
  {
    name: "keyed_transfers_are_unique",
    rule: "every transfer that was made under a key is found by a key",
    sql: `
select t.id as transfer_id, t.idempotency_key
  from transfer t
 where t.idempotency_key is not null
   and not exists (select from idempotency i where i.transfer_id = t.id)`,
  },
];

const CURSOR_ROWS = 500;

/**
 * Runs every check on one snapshot and reports each finding at once, so that many findings need no memory. Read-only.
 *
 * @param client a connection outside any transaction.
 * @returns the number of findings without notices.
 */
export async function audit(client: ClientBase, onFinding: (finding: Finding) => void): Promise<number> {
  let found = 0;
  await client.query("begin isolation level repeatable read read only");
  try {
    await client.query("set local statement_timeout = 0");
    // Plan for all rows. By default a cursor gets a plan for its first rows, which reads a long statement once per transfer.
    await client.query("set local cursor_tuple_fraction = 1");
    for (const { name, sql, meaning, notice } of checks) {
      await client.query(`declare findings no scroll cursor for ${sql}`);
      for (;;) {
        const { rows } = await client.query<Record<string, unknown>>(`fetch ${CURSOR_ROWS} from findings`);
        for (const row of rows) {
          const details = Object.fromEntries(Object.entries(row).map(([column, value]) => [column, String(value)]));
          onFinding({
            check: name,
            details,
            ...(meaning !== undefined && { meaning }),
            ...(notice !== undefined && { notice }),
          });
        }
        if (!notice) found += rows.length;
        if (rows.length < CURSOR_ROWS) break;
      }
      await client.query("close findings");
    }
  } finally {
    await client.query("rollback");
  }
  return found;
}
