#!/bin/bash
# What the official image does before all else from version 18 on: where nothing is to be found in its folder, and a volume
# lies where that of an older version would be, it refuses to begin anew.
set -euo pipefail
if [ "${1-}" = postgres ] && [ "$PG_MAJOR" -ge 18 ] && [ ! -s "$PGDATA/PG_VERSION" ] && mountpoint -q /var/lib/postgresql/data; then
  echo 'Error: in 18+ there appears to be PostgreSQL data in: /var/lib/postgresql/data (unused mount/volume)' >&2
  exit 1
fi
exec docker-entrypoint.sh "$@"
