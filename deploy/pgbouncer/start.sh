#!/bin/sh
# Writes the password where PgBouncer looks it up, and becomes PgBouncer.
set -eu
umask 077
printf '"finance_app" "%s"\n' "$(printf %s "$POSTGRES_PASSWORD" | sed 's/"/""/g')" >/run/pgbouncer/userlist.txt
exec pgbouncer "$(dirname "$0")/pgbouncer.ini"
