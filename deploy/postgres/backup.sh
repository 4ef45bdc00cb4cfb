#!/bin/sh
# Dumps database finance to /backups, and restores the dump into a new database finance_restored: a dump that can't be restored
# is no backup. Keeps the newest BACKUPS_KEPT dumps.
set -eu
umask 077
PGPASSWORD=$(cat "$PGPASSWORD_FILE")
export PGPASSWORD
name=/backups/finance-$(date -u +%Y%m%dT%H%M%SZ).dump

# What an interrupted backup left would fill the disk.
rm -f /backups/*.part
pg_dump --format=custom --file="$name.part" finance
dropdb --if-exists finance_restored
createdb finance_restored
pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname=finance_restored "$name.part"
# Only a dump that was restored gets its name.
mv "$name.part" "$name"
ls -1 /backups/finance-*.dump | sort -r | tail -n "+$((BACKUPS_KEPT + 1))" | xargs -r rm --
echo "$name: $(stat -c %s "$name") bytes, restored into finance_restored"
