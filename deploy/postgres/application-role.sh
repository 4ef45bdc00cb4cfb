#!/bin/sh
# Makes what the service needs on the server at PGHOST, unless it exists: the owner, the database, and the API's role, whose password
# it sets again. The migrations grant the role's rights.
set -eu

if [ -e /single-server/PG_VERSION ] && [ -z "${SINGLE_SERVER_MOVED:-}" ]; then
  echo "the volume of the single server holds a ledger; move it (docs/containers.md), then set SINGLE_SERVER_MOVED=yes in .env" >&2
  exit 1
fi
if [ "$PGHOST" = postgres ] && [ -n "${SINGLE_SERVER_MOVED:-}" ]; then
  echo "SINGLE_SERVER_MOVED: the ledger is not on this server; name docker-compose.ha.yml in COMPOSE_FILE too (docs/containers.md)" >&2
  exit 1
fi

PGPASSWORD=$(cat "$PGPASSWORD_FILE")
export PGPASSWORD
# psql itself reads the role's password, so that no command line has it.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 <<'SQL'
\set password `cat "$APPLICATION_PASSWORD_FILE"`
select format('create role finance login createdb password %L', :'password')
 where not exists (select from pg_roles where rolname = 'finance')
\gexec
select 'create database finance owner finance'
 where not exists (select from pg_database where datname = 'finance')
\gexec
select 'create role finance_app'
 where not exists (select from pg_roles where rolname = 'finance_app')
\gexec
select format('alter role finance_app login password %L', :'password')
\gexec
SQL
