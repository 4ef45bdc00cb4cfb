#!/bin/sh
# Makes the API's role on the server at PGHOST, or sets its password again. The migrations grant its rights.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set password="$APPLICATION_PASSWORD" <<'SQL'
select 'create role finance_app'
 where not exists (select from pg_roles where rolname = 'finance_app')
\gexec
select format('alter role finance_app login password %L', :'password')
\gexec
SQL
