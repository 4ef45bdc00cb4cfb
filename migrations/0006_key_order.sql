-- Up Migration

-- stop: before 0.3.0
-- Processes of earlier versions would not find the keys that are used from now on.

-- From now on, idempotency.key_digest begins with 12 hexadecimal digits that depend on the key alone. So its primary key finds
-- a caller's key, and also what all callers did with a key. Rows from before have digests of caller and key together, which
-- stay valid: readers look for both if there are any.

-- The transfers from before by their key. It never grows.
create table former_key (
  -- By bytes ("C"), so that an update of the system's collations can't break the order.
  idempotency_key text collate "C" not null,
  transfer_id     bigint not null,
  primary key (idempotency_key, transfer_id)
);

insert into former_key (idempotency_key, transfer_id)
select idempotency_key, id
  from transfer
 where idempotency_key is not null;

create trigger former_key_kept before update or delete or truncate on former_key
  for each statement execute function refuse_change();

set local lock_timeout = '10s';
alter table ledger_time add column has_former_digests boolean not null default false;
update ledger_time set has_former_digests = exists (select from idempotency);

-- Down Migration

-- Only for a ledger without keys used since.
set local lock_timeout = '10s';
alter table ledger_time drop column has_former_digests;
drop table former_key;
