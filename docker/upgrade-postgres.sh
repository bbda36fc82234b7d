#!/usr/bin/env bash
# upgrade-postgres.sh NAME 17|18: upgrades the database of a test host, as Coolify's upgrade-postgres.sh does: a dump of all,
# loaded into a new volume beside the old one, and an override for compose.
# upgrade-postgres.sh NAME 17|18 --image-only: puts the image there, as a registry would give it, and changes nothing else.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lab.sh
. "$(dirname "$0")/lab.sh"

give_image() {
  local host=$1 major=$2 image=$3
  docker save "$image" | docker exec -i "$host" docker load --quiet >/dev/null
  docker exec "$host" docker tag "$image" "postgres:$major-alpine"
  docker exec "$host" docker rmi "$image" >/dev/null
}

upgrade() {
  docker exec -i "$1" bash -s "$2" <<'UPGRADE'
set -euo pipefail
cd /data/coolify/source
mount=/var/lib/postgresql/data
[ "$1" -lt 18 ] || mount=/var/lib/postgresql
compose() {
  local files=(-f docker-compose.yml -f docker-compose.prod.yml)
  [ ! -f docker-compose.postgres-upgrade.yml ] || files+=(-f docker-compose.postgres-upgrade.yml)
  LATEST_IMAGE=$(sed -n 's/^LATEST_IMAGE=//p' .env) docker compose --env-file .env "${files[@]}" "$@" >/root/compose.log 2>&1 ||
    { tail -n 8 /root/compose.log >&2; return 1; }
  rm /root/compose.log
}
docker stop coolify coolify-realtime coolify-redis >/dev/null
docker exec coolify-db pg_dumpall -U coolify >/root/upgrade.sql
docker volume create "coolify-db-pg$1" >/dev/null
docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' coolify-db | grep '^POSTGRES_' >/root/upgrade.env
docker run -d --name coolify-db-upgrade --env-file /root/upgrade.env -v "coolify-db-pg$1:$mount" "postgres:$1-alpine" >/dev/null
# While its data folder is made, a server answers on the socket already.
until docker exec coolify-db-upgrade pg_isready -q -h 127.0.0.1 -U coolify; do sleep 0.5; done
# Role and database are there already; everything else must go in.
docker exec -i coolify-db-upgrade psql -q -U coolify -d postgres </root/upgrade.sql >/dev/null 2>/root/upgrade.log
if grep ERROR /root/upgrade.log | grep -v 'already exists'; then exit 1; fi
rm /root/upgrade.sql /root/upgrade.log /root/upgrade.env
docker stop coolify-db-upgrade >/dev/null
docker rm -f coolify-db-upgrade coolify-db >/dev/null
cat >docker-compose.postgres-upgrade.yml <<YAML
services:
  postgres:
    image: "postgres:$1-alpine"
    volumes:
      - coolify-db:$mount
volumes:
  coolify-db:
    name: "coolify-db-pg$1"
    external: true
YAML
chown 9999:root docker-compose.postgres-upgrade.yml
chmod 0700 docker-compose.postgres-upgrade.yml
compose up -d --wait
UPGRADE
}

main() {
  local name=${1:?the name of a test host} major=${2:-17} image
  image=$("$LAB_DOCKER/postgres.sh" build "$major")
  give_image "${LAB_PREFIX:?}host-$name" "$major" "$image"
  [ "${3-}" = --image-only ] || upgrade "${LAB_PREFIX:?}host-$name" "$major"
}

main "$@"
