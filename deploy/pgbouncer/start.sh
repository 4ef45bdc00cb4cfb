#!/bin/sh
# Writes the password to PgBouncer's file of users, then runs PgBouncer.
set -eu
umask 077
printf '"finance_app" "%s"\n' "$(sed 's/"/""/g' "$POSTGRES_PASSWORD_FILE")" >/run/pgbouncer/userlist.txt
exec pgbouncer "$(dirname "$0")/pgbouncer.ini"
