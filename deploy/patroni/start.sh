#!/bin/sh
# start.sh patroni | etcd | COMMAND...: runs a member of the cluster under the name NAME, or any other command, for example
# `patronictl list`.
set -eu

# secret NAME: the value of NAME, or the content of the file at NAME_FILE.
secret() {
  eval "file=\${$1_FILE:-} value=\${$1:-}"
  if [ -n "$file" ]; then cat "$file"; else printf %s "$value"; fi
}

case $1 in
  patroni | patronictl)
    password=$(secret POSTGRES_PASSWORD)
    export PATRONI_NAME="$NAME"
    export PATRONI_ETCD_HOSTS="$ETCD_HOSTS"
    export PATRONI_RESTAPI_CONNECT_ADDRESS="$NAME:8008"
    # Only requests that change something need them.
    export PATRONI_RESTAPI_USERNAME=patroni PATRONI_RESTAPI_PASSWORD="$password"
    export PATRONI_POSTGRESQL_CONNECT_ADDRESS="$NAME:5432"
    export PATRONI_POSTGRESQL_PGPASS=/tmp/pgpass
    export PATRONI_SUPERUSER_USERNAME=postgres PATRONI_SUPERUSER_PASSWORD="$password"
    export PATRONI_REPLICATION_USERNAME=replicator
    PATRONI_REPLICATION_PASSWORD=$(secret REPLICATION_PASSWORD)
    export PATRONI_REPLICATION_PASSWORD
    unset POSTGRES_PASSWORD REPLICATION_PASSWORD
    if [ "$1" = patroni ]; then exec patroni /finance/patroni.yml; fi
    shift
    exec patronictl --config-file /finance/patroni.yml "$@"
    ;;
  etcd)
    members=
    for member in $ETCD_MEMBERS; do members="$members${members:+,}$member=http://$member:2380"; done
    # API v2: with v3 a Patroni that was stopped takes its lost lease back (3.0.2 renews it without comparing).
    # Elections need patience on a slow disk.
    exec etcd --enable-v2=true --heartbeat-interval=250 --election-timeout=2500 \
      --name="$NAME" --data-dir=/var/lib/etcd/data \
      --listen-client-urls=http://0.0.0.0:2379 --advertise-client-urls="http://$NAME:2379" \
      --listen-peer-urls=http://0.0.0.0:2380 --initial-advertise-peer-urls="http://$NAME:2380" \
      --initial-cluster="$members" --initial-cluster-token=finance
    ;;
  *)
    # For psql, pg_dump and the like.
    if [ -n "${PGPASSWORD_FILE:-}" ]; then
      PGPASSWORD=$(secret PGPASSWORD)
      export PGPASSWORD
    fi
    exec "$@"
    ;;
esac
