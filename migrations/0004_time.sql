-- Up Migration

-- stop: before 0.2.0
-- Processes of 0.1.0 would record postings at times that later versions have answered for.

-- Up to which time the books are closed and final; one row. docs/ledger.md, "Time", has the protocol.
create table ledger_time (
  singleton boolean primary key default true check (singleton),
  -- Whatever is recorded by a transaction that starts from now on is later.
  closed    timestamptz not null,
  -- Nothing at or before it is still on its way: answers up to it never change.
  final     timestamptz not null,
  check (final <= closed)
) with (fillfactor = 50);

insert into ledger_time (closed, final) values ('0001-01-01 00:00:00+00', '0001-01-01 00:00:00+00');

create trigger ledger_time_kept before delete or truncate on ledger_time
  for each statement execute function refuse_change();
create trigger ledger_time_never_falls before update on ledger_time
  for each row when (new.closed < old.closed or new.final < old.final) execute function refuse_change();

-- Expired holds are settled in this order, a lot at a time, also where a million expire at the same time.
create index hold_due on hold (expires_at, transfer_id) where state = 2;
drop index hold_expiry;

-- Down Migration

create index hold_expiry on hold (expires_at) where state = 2;
drop index hold_due;

drop table ledger_time;
