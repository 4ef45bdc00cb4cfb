-- What the role needs that the service connects as, when it is not the owner of the tables: it can post, and can neither
-- change nor delete what is posted, nor get around the triggers. After the migrations, as their owner:
--
--   npm run migrate -- --app-role finance_app
--   psql -v role=finance_app -f migrations/application-role.sql
--
-- Whatever an earlier version granted and this one does not is taken back.

revoke all on all tables in schema public from :"role";
revoke all on all sequences in schema public from :"role";

grant usage on schema public to :"role";

grant select, insert on transfer, entry, settlement, account_change, running_total to :"role";
grant select, insert on account, account_balance, hold, idempotency to :"role";
-- Its id comes from the sequence, its position from sealing.
grant select, insert (types, subjects, sequences, credit_sequences) on feed to :"role";
grant select, update (closed, final) on ledger_time to :"role";
grant select on feed_identity, former_key to :"role";

grant update (name, metadata) on account to :"role";
grant update (debits_posted, credits_posted, posted_carried, debits_pending, credits_pending, overdraft_limit,
              unlimited_overdraft, last_sequence, updated_at, status) on account_balance to :"role";
grant update (state) on hold to :"role";
grant update (position, seal) on feed to :"role";
grant update (request_digest, message_digest, transfer_id, response) on idempotency to :"role";

grant usage on sequence transfer_id, feed_id to :"role";

-- To see which migrations were applied.
grant select on schema_migration to :"role";
