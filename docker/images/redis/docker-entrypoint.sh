#!/bin/sh
# Drops root before the server starts, and lets it be reached from other
# containers (a password comes with the arguments).
set -eu
case ${1-} in
  -*) set -- redis-server "$@" ;;
esac
if [ "${1-}" = redis-server ]; then
  set -- "$@" --protected-mode no --dir /data
  if [ "$(id -u)" = 0 ]; then
    chown -R redis:redis /data
    exec setpriv --reuid=redis --regid=redis --init-groups -- "$@"
  fi
fi
exec "$@"
