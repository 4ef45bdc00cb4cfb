-- Up Migration

-- The debits and credits of each currency at final times, one row for about every 50,000 transfers. The trial balance writes
-- them and starts from them, so that it reads each entry once. docs/ledger.md explains it.
create table running_total (
  -- Counts the entries recorded at or before it.
  as_of      timestamptz primary key check (isfinite(as_of)),
  currencies text[] not null,
  debits     numeric[] not null check (cardinality(debits) = cardinality(currencies)),
  credits    numeric[] not null check (cardinality(credits) = cardinality(currencies))
);

create trigger running_total_append_only before update or delete or truncate on running_total
  for each statement execute function refuse_change();

-- Otherwise entries that are still to come could be missing in it.
create function refuse_early_total() returns trigger language plpgsql as $$
begin
  if new.as_of > (select final from ledger_time) then
    raise exception 'a running total of %: that time is not final yet', new.as_of using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger running_total_final before insert on running_total
  for each row execute function refuse_early_total();

-- Finds the entries between two times. It has one range of times for each MiB of the table, so it stays small and postings
-- hardly pay for it.
-- ahead: create index concurrently if not exists entry_time on entry using brin (created_at) with (autosummarize = on)
create index if not exists entry_time on entry using brin (created_at) with (autosummarize = on);

-- Down Migration

drop index entry_time;
drop table running_total;
drop function refuse_early_total;
