#!/bin/sh
# Writes PgBouncer's file of users, then runs PgBouncer. The password of `stats` is no secret: that user sees figures, and no database.
set -eu
umask 077
printf '"finance_app" "%s"\n' "$(sed 's/"/""/g' "$POSTGRES_PASSWORD_FILE")" >/run/pgbouncer/userlist.txt
printf '"stats" "stats"\n' >>/run/pgbouncer/userlist.txt
exec pgbouncer "$(dirname "$0")/pgbouncer.ini"
