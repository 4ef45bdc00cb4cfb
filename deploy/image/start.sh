#!/bin/sh
# start.sh COMMAND...: runs a command with heap limits for V8 that fit the service and the container's memory.
#
# Node 24 lets new objects fill 128 MB; here they get 32 MB, as in Node 20 (docs/operations.md, "Memory"). A later option wins.
#
# By itself V8 takes at least 256 MB, so that the kernel would kill a small container before the service refuses calls. Three
# fifths are for the heap, shared by all WORKERS; the rest is for buffers, code and stacks.
set -eu
export NODE_OPTIONS="--max-semi-space-size=16${NODE_OPTIONS:+ $NODE_OPTIONS}"
limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || echo max)
case $NODE_OPTIONS in *max-old-space-size*) limit=max ;; esac
# Without a limit the file says "max", or a number of 19 digits.
if [ "$limit" != max ] && [ ${#limit} -lt 15 ]; then
  workers=${WORKERS:-1}
  [ "$workers" != auto ] || workers=$(nproc)
  NODE_OPTIONS="$NODE_OPTIONS --max-old-space-size=$((limit / 1048576 * 3 / 5 / workers))"
fi
exec "$@"
