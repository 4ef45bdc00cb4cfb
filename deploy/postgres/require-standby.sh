#!/bin/sh
# Makes the primary at PGHOST acknowledge a commit only when the standby has it too. To continue without the standby:
# alter system reset synchronous_standby_names; select pg_reload_conf();
set -eu

ask() {
  psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --command "$1"
}

# await COLUMN VALUE: waits until the primary sees the standby in this state, for a minute at most.
await() {
  tries=60
  until [ "$(ask "select $1 from pg_stat_replication where application_name = 'standby'")" = "$2" ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { echo "the standby's $1 is not $2" >&2; exit 1; }
    sleep 1
  done
}

await state streaming
ask "alter system set synchronous_standby_names = 'standby'"
ask "select from pg_reload_conf()"
await sync_state sync
