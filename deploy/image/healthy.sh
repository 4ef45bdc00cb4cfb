#!/bin/bash
# healthy.sh PORT PATH...: exit status 0 if this container answers GET of one of the paths with 200. Costs less than a program that
# speaks HTTP.
port=$1
shift
for path in "$@"; do
  exec 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
  printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$path" >&3
  read -r -t 2 version status rest <&3
  exec 3>&-
  [[ $version == HTTP/* && $status == 200 ]] && exit 0
done
exit 1
