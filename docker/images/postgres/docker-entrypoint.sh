#!/bin/bash
# What the official image's entry point does, as far as Coolify relies on it: the
# data folder is made at the first start, from POSTGRES_USER, POSTGRES_PASSWORD
# and POSTGRES_DB, and never touched again. So the password belongs to the volume.
set -euo pipefail

case ${1-} in
  postgres | -*) ;;
  *) exec "$@" ;;
esac
[ "$1" = postgres ] && shift

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /run/postgresql
  chown -R postgres:postgres "$PGDATA" /run/postgresql
  chmod 0700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" postgres "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  user=${POSTGRES_USER:-postgres}
  database=${POSTGRES_DB:-$user}
  [ -n "${POSTGRES_PASSWORD-}" ] || {
    echo "error: POSTGRES_PASSWORD is needed to make the database" >&2
    exit 1
  }
  initdb --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
    --auth-local=trust --auth-host=trust --encoding=UTF8 -D "$PGDATA"
  printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
  sed -i "s/^#listen_addresses = .*/listen_addresses = '*'/" "$PGDATA/postgresql.conf"
  # Over the socket only, until all is made: nobody connects too early.
  pg_ctl -D "$PGDATA" -w -o "-c listen_addresses=''" start
  if [ "$database" != postgres ]; then
    createdb --username="$user" --maintenance-db=postgres "$database"
  fi
  for script in /docker-entrypoint-initdb.d/*.sql; do
    [ -e "$script" ] && psql -v ON_ERROR_STOP=1 --no-psqlrc --username="$user" --dbname="$database" -f "$script"
  done
  pg_ctl -D "$PGDATA" -m fast -w stop
fi

exec postgres "$@"
