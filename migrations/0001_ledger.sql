-- Up Migration

-- The ledger. Reading order: accounts, their hot balance rows, transfers, holds, entries, idempotency, then the rules
-- that the database itself keeps. Money is bigint in the currency's minor unit. Enum columns hold the numbers of the
-- enums in proto/finance/v1.
--
-- Transfers and entries carry no foreign keys: every posting has read and locked both accounts in its own transaction
-- and accounts can't be deleted, so a foreign key could never fire and would cost two lookups a row.

create table account (
  id         bigint generated always as identity primary key,
  name       text not null check (char_length(name) between 1 and 200),
  owner      text not null check (char_length(owner) between 1 and 255),
  type       smallint not null check (type between 1 and 5),
  currency   text not null check (char_length(currency) = 3),
  metadata   jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  created_at timestamptz not null
);

create index account_owner on account (owner, id);
create index account_name on account (name text_pattern_ops);

-- What every posting changes, apart from what seldom does: narrow, with room on each page for the next version of a row,
-- and nothing indexed that changes, so that updates stay on the page (HOT).
create table account_balance (
  account_id          bigint primary key references account,
  debits_posted       bigint not null default 0 check (debits_posted >= 0),
  credits_posted      bigint not null default 0 check (credits_posted >= 0),
  debits_pending      bigint not null default 0 check (debits_pending >= 0),
  credits_pending     bigint not null default 0 check (credits_pending >= 0),
  overdraft_limit     bigint not null default 0 check (overdraft_limit >= 0),
  -- The sequence of the account's newest entry; 0 before the first.
  last_sequence       bigint not null default 0 check (last_sequence >= 0),
  -- Never falls: no entry of the account is newer.
  updated_at          timestamptz not null,
  status              smallint not null default 1 check (status between 1 and 3),
  debit_normal        boolean not null,
  unlimited_overdraft boolean not null default false,
  -- The floor, kept even against a mistake in the service; holds are its business, since they lapse by the clock.
  constraint account_balance_floor check (
    unlimited_overdraft
    or case when debit_normal then debits_posted - credits_posted else credits_posted - debits_posted end
       >= -overdraft_limit
  ),
  constraint account_balance_closed_is_empty check (
    status <> 3 or (debits_posted = credits_posted and debits_pending = 0 and credits_pending = 0)
  )
) with (fillfactor = 50);

-- Drawn after the accounts of a posting are locked: along one account's entries the ids of its direct postings rise.
create sequence transfer_id as bigint;

create table transfer (
  id                     bigint primary key,
  debit_account_id       bigint not null,
  credit_account_id      bigint not null,
  amount                 bigint not null check (amount > 0),
  -- Balances of both accounts after it was recorded.
  debit_account_balance  bigint not null,
  credit_account_balance bigint not null,
  created_at             timestamptz not null,
  -- Null: the same as created_at.
  effective_at           timestamptz,
  reverses_transfer_id   bigint,
  -- Recorded as a hold; where the hold stands is in its row of table hold.
  pending                boolean not null default false,
  idempotency_key        text check (char_length(idempotency_key) between 1 and 64),
  description            text check (char_length(description) between 1 and 500),
  metadata               jsonb check (jsonb_typeof(metadata) = 'object'),
  check (debit_account_id <> credit_account_id)
);

create unique index transfer_reverses on transfer (reverses_transfer_id) where reverses_transfer_id is not null;

-- Where a pending transfer stands. Changes once: from PENDING (2) to CAPTURED (3), VOIDED (4) or EXPIRED (5).
create table hold (
  transfer_id            bigint primary key references transfer,
  debit_account_id       bigint not null,
  credit_account_id      bigint not null,
  state                  smallint not null default 2 check (state between 2 and 5),
  expires_at             timestamptz,
  settled_at             timestamptz check ((settled_at is null) = (state = 2)),
  captured_amount        bigint not null default 0 check ((captured_amount > 0) = (state = 3)),
  -- Balances of both accounts after it was settled.
  debit_account_balance  bigint,
  credit_account_balance bigint
) with (fillfactor = 80);

create index hold_debit_account on hold (debit_account_id, transfer_id);
create index hold_credit_account on hold (credit_account_id, transfer_id);
create index hold_expiry on hold (expires_at) where state = 2;
-- What has lapsed of an account's pending sums, until it is settled.
create index hold_debit_expiry on hold (debit_account_id, expires_at) where state = 2;
create index hold_credit_expiry on hold (credit_account_id, expires_at) where state = 2;

-- An account's statement. Everything else about an entry stands in its transfer.
create table entry (
  account_id    bigint not null,
  sequence      bigint not null check (sequence > 0),
  transfer_id   bigint not null,
  -- Signed: + raises the balance, whichever side is the account's normal one.
  amount        bigint not null check (amount <> 0),
  balance_after bigint not null,
  created_at    timestamptz not null,
  primary key (account_id, sequence)
);

-- The sequence of an account's last entry created at or before a time; 0 when there was none. Times never fall along the
-- sequence, so bisection finds it in the primary key and no index by time has to be kept.
create function sequence_at(account bigint, at timestamptz) returns bigint language plpgsql stable as $$
declare
  low    bigint := 0;
  high   bigint := coalesce((select sequence from entry where account_id = account order by sequence desc limit 1), 0);
  middle bigint;
begin
  while low < high loop
    middle := low + (high - low + 1) / 2;
    if (select created_at from entry where account_id = account and sequence = middle) <= at then
      low := middle;
    else
      high := middle - 1;
    end if;
  end loop;
  return low;
end
$$;

-- What each idempotency key decided, for ever. Digests are the first 128 bits of SHA-256.
create table idempotency (
  -- Of the caller and the key.
  key_digest     uuid primary key,
  -- Of the method and the request without its key.
  request_digest uuid not null,
  -- The transfer that came of it; null when it was refused or made an account.
  transfer_id    bigint,
  -- The answer, where the ledger's own rows don't give it again: {"refusal": {...}} or {"account": {...}}.
  response       jsonb
);

-- Append-only, whatever the service or a person at a prompt may try.

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % refused', tg_table_name, lower(tg_op)
    using errcode = 'restrict_violation', hint = 'Post a transfer that corrects it.';
end
$$;

create trigger transfer_append_only before update or delete or truncate on transfer
  for each statement execute function refuse_change();
create trigger entry_append_only before update or delete or truncate on entry
  for each statement execute function refuse_change();
create trigger hold_kept before delete or truncate on hold
  for each statement execute function refuse_change();
create trigger hold_settles_once before update on hold
  for each row when (old.state <> 2) execute function refuse_change();
create trigger account_kept before delete or truncate on account
  for each statement execute function refuse_change();
create trigger account_identity_kept before update on account
  for each row when ((old.id, old.owner, old.type, old.currency, old.created_at)
    is distinct from (new.id, new.owner, new.type, new.currency, new.created_at)) execute function refuse_change();
create trigger account_balance_kept before delete or truncate on account_balance
  for each statement execute function refuse_change();
create trigger account_closed_for_ever before update on account_balance
  for each row when (old.status = 3) execute function refuse_change();
create trigger idempotency_kept before delete or truncate on idempotency
  for each statement execute function refuse_change();
create trigger idempotency_decided_once before update on idempotency
  for each row when (old.response is not null) execute function refuse_change();

-- Down Migration

drop table idempotency, entry, hold, transfer, account_balance, account;
drop sequence transfer_id;
drop function refuse_change, sequence_at;
