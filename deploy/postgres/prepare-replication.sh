#!/bin/sh
# Makes the role and the slot with which a standby follows the primary at PGHOST, unless they exist.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set password="$REPLICATION_PASSWORD" <<'SQL'
select format('create role replicator login replication password %L', :'password')
 where not exists (select from pg_roles where rolname = 'replicator')
\gexec
select from pg_create_physical_replication_slot('standby')
 where not exists (select from pg_replication_slots where slot_name = 'standby')
SQL
