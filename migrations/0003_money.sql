-- Up Migration

-- stop: before 0.2.0
-- Processes of 0.1.0 must be stopped before this and must not be started again: they keep sums in two columns only, claim
-- idempotency keys before an outcome is known, and would not see what is written here.

set local lock_timeout = '10s';

-- Decimal places of the currency's minor unit when the account was opened. ISO 4217 withdraws codes; accounts stay.
alter table account add column minor_unit_digits smallint check (minor_unit_digits between 0 and 4);

update account
   set minor_unit_digits = case
         when currency in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND',
                           'VUV', 'XAF', 'XOF', 'XPF') then 0
         when currency in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
         when currency in ('CLF', 'UYW') then 4
         else 2
       end;

-- What was taken out of both posted sums to keep them small: an account's total debits are debits_posted + posted_carried,
-- its total credits credits_posted + posted_carried. Null, and so without a byte in the row, for nearly every account.
alter table account_balance add column posted_carried numeric check (posted_carried > 0);

-- The `sub` of the caller that asked for the transfer; null for transfers from before this migration.
alter table transfer add column created_by text;

-- Of the method and the canonical bytes of the request. Rows from before have request_digest instead.
alter table idempotency
  add column message_digest uuid,
  alter column request_digest drop not null,
  add constraint idempotency_has_a_digest check (num_nonnulls(request_digest, message_digest) = 1) not valid;

-- An outcome is remembered once. Two requests that race for a key meet here: the later one is rolled back and decided
-- again, and then finds the first one's outcome. Earlier versions also remembered refusals that used up a key by mistake;
-- these may be replaced.
create function refuse_second_outcome() returns trigger language plpgsql as $$
begin
  raise exception 'the idempotency key was used meanwhile'
    using errcode = 'unique_violation', table = 'idempotency', constraint = 'idempotency_decided_once';
end
$$;

drop trigger idempotency_decided_once on idempotency;
create trigger idempotency_decided_once before update on idempotency
  for each row when (coalesce(old.response -> 'refusal' ->> 'situation' not in ('batch_refused', 'invalid_argument'), true))
  execute function refuse_second_outcome();

-- The name and the metadata of a closed account may change, and with them updated_at; nothing else of it ever does.
drop trigger account_closed_for_ever on account_balance;
create trigger account_closed_for_ever before update on account_balance
  for each row when (old.status = 3 and
    (old.account_id, old.debits_posted, old.credits_posted, old.debits_pending, old.credits_pending, old.posted_carried,
     old.overdraft_limit, old.unlimited_overdraft, old.last_sequence, old.status, old.debit_normal)
    is distinct from
    (new.account_id, new.debits_posted, new.credits_posted, new.debits_pending, new.credits_pending, new.posted_carried,
     new.overdraft_limit, new.unlimited_overdraft, new.last_sequence, new.status, new.debit_normal))
  execute function refuse_change();

-- Digits never change either.
drop trigger account_identity_kept on account;
create trigger account_identity_kept before update on account
  for each row when ((old.id, old.owner, old.type, old.currency, old.minor_unit_digits, old.created_at)
    is distinct from (new.id, new.owner, new.type, new.currency, new.minor_unit_digits, new.created_at))
  execute function refuse_change();

-- Down Migration

-- Only for a ledger without sums that were carried and without keys used since.
drop trigger account_identity_kept on account;
create trigger account_identity_kept before update on account
  for each row when ((old.id, old.owner, old.type, old.currency, old.created_at)
    is distinct from (new.id, new.owner, new.type, new.currency, new.created_at)) execute function refuse_change();
drop trigger account_closed_for_ever on account_balance;
create trigger account_closed_for_ever before update on account_balance
  for each row when (old.status = 3) execute function refuse_change();
drop trigger idempotency_decided_once on idempotency;
create trigger idempotency_decided_once before update on idempotency
  for each row when (old.response is not null) execute function refuse_change();
drop function refuse_second_outcome;
alter table idempotency drop constraint idempotency_has_a_digest, drop column message_digest, alter column request_digest set not null;
alter table transfer drop column created_by;
alter table account_balance drop column posted_carried;
alter table account drop column minor_unit_digits;
