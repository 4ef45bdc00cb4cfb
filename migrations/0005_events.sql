-- Up Migration

-- stop: before 0.3.0
-- Processes of 0.2.0 would post transfers without events and look for settlements in table hold.

set local lock_timeout = '10s';

-- How each hold ended. Table hold keeps what the ledger asks for all the time: whether a hold still awaits its settlement.
create table settlement (
  transfer_id            bigint not null,
  -- Always 1; holds that are captured in parts would have more.
  ordinal                smallint not null default 1 check (ordinal > 0),
  -- The state that it gave the transfer: CAPTURED (3), VOIDED (4) or EXPIRED (5).
  state                  smallint not null check (state between 3 and 5),
  captured_amount        bigint not null check (captured_amount >= 0 and (captured_amount > 0) = (state = 3)),
  -- Balances of both accounts after it.
  debit_account_balance  bigint not null,
  credit_account_balance bigint not null,
  -- The `sub` of the caller; null for an expiry, and for settlements from before this migration.
  settled_by             text,
  settled_at             timestamptz not null,
  primary key (transfer_id, ordinal)
);

insert into settlement (transfer_id, state, captured_amount, debit_account_balance, credit_account_balance, settled_at)
select h.transfer_id, h.state, h.captured_amount,
       coalesce(h.debit_account_balance, t.debit_account_balance),
       coalesce(h.credit_account_balance, t.credit_account_balance),
       h.settled_at
  from hold h
  join transfer t on t.id = h.transfer_id
 where h.state <> 2;

alter table hold
  drop column settled_at,
  drop column captured_amount,
  drop column debit_account_balance,
  drop column credit_account_balance;

-- An account's settings after it was opened (sequence 1) and after each change: what a change changed is the difference
-- from the row before. Accounts from before this migration begin with the settings that they had then.
create table account_change (
  account_id          bigint not null,
  sequence            bigint not null check (sequence > 0),
  name                text not null,
  status              smallint not null,
  overdraft_limit     bigint not null,
  unlimited_overdraft boolean not null,
  metadata            jsonb not null,
  -- The `sub` of the caller and the id of the request; null if unknown.
  changed_by          text,
  request_id          text,
  changed_at          timestamptz not null,
  primary key (account_id, sequence)
);

insert into account_change (account_id, sequence, name, status, overdraft_limit, unlimited_overdraft, metadata, changed_at)
select a.id, 1, a.name, b.status, b.overdraft_limit, b.unlimited_overdraft, a.metadata, a.created_at
  from account a
  join account_balance b on b.account_id = a.id;

-- Tells a cursor of this ledger from one of another ledger.
create table feed_identity (
  singleton boolean primary key default true check (singleton),
  id        bigint not null
);

insert into feed_identity (id) values (hashtextextended(gen_random_uuid()::text, 0));

-- Drawn after a transaction has locked all its accounts: of two transactions on one account, the later has the higher id.
create sequence feed_id as bigint cache 1;

-- One row for each transaction that changed the ledger, with its events in their order. docs/events.md has the protocol.
create table feed (
  id               bigint primary key default nextval('feed_id'),
  -- Numbers of the enum EventType in proto/finance/v1.
  types            smallint[] not null check (cardinality(types) > 0),
  -- The account of an ACCOUNT event, the transfer of any other.
  subjects         bigint[] not null check (cardinality(subjects) = cardinality(types)),
  -- The sequence of the account's change, or of the debited account's entry; 0 for an event without entries.
  sequences        bigint[] not null check (cardinality(sequences) = cardinality(types)),
  -- The sequence of the credited account's entry, or 0.
  credit_sequences bigint[] not null check (cardinality(credit_sequences) = cardinality(types)),
  -- The position of its first event; null until the row is sealed.
  position         bigint check (position > 0),
  -- A random number, which a cursor repeats: a ledger that was restored and went on differently has another one here.
  seal             bigint check ((seal is null) = (position is null))
);

create unique index feed_position on feed (position);
create index feed_unsealed on feed (id) where position is null;

-- The history until now, in the order of its times. Along an account times rise and so, among equal times, do the ids of
-- transfers; but the capture of a hold has the hold's older id. At the times where that puts entries in the wrong order, `step`
-- comes before the id: the length of the longest chain of entries before it at the same time.
create temporary table history_entry on commit drop as
select transfer_id, created_at,
       case when created_at = lag(created_at) over statement then lag(transfer_id) over statement end as previous_id
  from entry
window statement as (partition by account_id order by sequence);

create temporary table history_chain on commit drop as
select transfer_id, previous_id
  from history_entry
 where previous_id is not null
   and created_at in (select created_at from history_entry where previous_id > transfer_id);

create index on history_chain (previous_id);

create temporary table history_step on commit drop as
select transfer_id, sum(awaited) as awaited, 0::bigint as step
  from (select transfer_id, 1 as awaited
          from history_chain
        union all
        select previous_id, 0
          from history_chain) chained
 group by transfer_id;

create unique index on history_step (transfer_id);

analyze history_chain, history_step;

-- Each round takes the transfers whose predecessors all have their step, so each entry is read once, however long the chains.
do $$
declare
  round bigint := 0;
  ready bigint[] := (select array_agg(transfer_id) from history_step where awaited = 0);
begin
  while ready is not null loop
    round := round + 1;
    with followed as (
      select c.transfer_id, count(*) as entries
        from unnest(ready) as r (transfer_id)
        join history_chain c on c.previous_id = r.transfer_id
       group by c.transfer_id
    ), moved as (
      update history_step s
         set awaited = s.awaited - f.entries, step = round
        from followed f
       where s.transfer_id = f.transfer_id
      returning s.transfer_id, s.awaited
    )
    select array_agg(transfer_id) into ready from moved where awaited = 0;
  end loop;
end
$$;

create temporary table history_event on commit drop as
with posted as (
  select e.transfer_id, e.created_at,
         max(e.sequence) filter (where e.account_id = t.debit_account_id) as debit_sequence,
         max(e.sequence) filter (where e.account_id = t.credit_account_id) as credit_sequence
    from entry e
    join transfer t on t.id = e.transfer_id
   group by e.transfer_id, e.created_at
), happened (type, subject, at, sequence, credit_sequence) as (
  select 1, id, created_at, 1, 0
    from account
  union all
  select case when t.pending then 4 else 3 end, t.id, t.created_at,
         case when t.pending then 0 else p.debit_sequence end, case when t.pending then 0 else p.credit_sequence end
    from transfer t
    left join posted p on p.transfer_id = t.id
  union all
  select s.state + 2, s.transfer_id, s.settled_at, coalesce(p.debit_sequence, 0), coalesce(p.credit_sequence, 0)
    from settlement s
    left join posted p on p.transfer_id = s.transfer_id
)
select happened.*,
       row_number() over (order by at, type <> 1, case when type in (3, 5) then coalesce(step, 0) else 0 end, subject, type)
         as position
  from happened
  left join history_step on history_step.transfer_id = subject and type in (3, 5);

insert into feed (id, types, subjects, sequences, credit_sequences, position, seal)
select (position - 1) / 500 + 1, array_agg(type order by position), array_agg(subject order by position),
       array_agg(sequence order by position), array_agg(credit_sequence order by position), min(position),
       hashtextextended(gen_random_uuid()::text, 0)
  from history_event
 group by (position - 1) / 500;

select setval('feed_id', (select coalesce(max(id), 0) + 1 from feed), false);

-- Append-only, like transfers and entries. A feed row is sealed once.

create trigger settlement_append_only before update or delete or truncate on settlement
  for each statement execute function refuse_change();
create trigger account_change_append_only before update or delete or truncate on account_change
  for each statement execute function refuse_change();
create trigger feed_identity_kept before update or delete or truncate on feed_identity
  for each statement execute function refuse_change();
create trigger feed_kept before delete or truncate on feed
  for each statement execute function refuse_change();
create trigger feed_sealed_once before update on feed
  for each row when (old.position is not null
    or (old.id, old.types, old.subjects, old.sequences, old.credit_sequences)
       is distinct from (new.id, new.types, new.subjects, new.sequences, new.credit_sequences))
  execute function refuse_change();

-- Down Migration

drop table feed, feed_identity, account_change;
drop sequence feed_id;

drop trigger hold_settles_once on hold;

alter table hold
  add column settled_at timestamptz,
  add column captured_amount bigint not null default 0,
  add column debit_account_balance bigint,
  add column credit_account_balance bigint;

update hold h
   set settled_at = s.settled_at,
       captured_amount = s.captured_amount,
       debit_account_balance = s.debit_account_balance,
       credit_account_balance = s.credit_account_balance
  from settlement s
 where s.transfer_id = h.transfer_id;

alter table hold
  add check ((settled_at is null) = (state = 2)),
  add check ((captured_amount > 0) = (state = 3));

create trigger hold_settles_once before update on hold
  for each row when (old.state <> 2) execute function refuse_change();

drop table settlement;
