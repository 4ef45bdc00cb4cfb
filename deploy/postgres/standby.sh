#!/bin/sh
# Clones the primary at PRIMARY_HOST into PGDATA on the first start, then follows it.
set -eu
if [ ! -d "$PGDATA" ]; then
  # Rename it only when it is complete: an interrupted start begins again.
  rm -rf "$PGDATA.clone"
  PGPASSWORD=$REPLICATION_PASSWORD pg_basebackup \
    --dbname="host=$PRIMARY_HOST port=${PRIMARY_PORT:-5432} user=replicator application_name=standby" \
    --pgdata="$PGDATA.clone" --slot=standby --wal-method=stream --checkpoint=fast --write-recovery-conf
  mv "$PGDATA.clone" "$PGDATA"
fi
exec postgres -c hba_file="$(dirname "$0")/pg_hba.conf" "$@"
