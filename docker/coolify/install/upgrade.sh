#!/bin/bash
# upgrade.sh VERSION HELPER_VERSION REGISTRY SKIP_BACKUP: pins the version in .env and makes the containers anew.
# The real one runs compose in a helper container; here it is the host's own.
set -e
SOURCE=/data/coolify/source
ENV_FILE=$SOURCE/.env
STATUS=$SOURCE/.upgrade-status
VERSION=${1:-latest}
REGISTRY=${3:-docker.io}
status() { printf '%s|%s|%s\n' "$1" "$2" "$(date -Iseconds)" >"$STATUS"; }
trap 'status error "upgrade failed"' ERR

status 1 "Updating environment"
force() {
  if grep -q "^$1=" "$ENV_FILE"; then sed -i "s|^$1=.*|$1=$2|" "$ENV_FILE"; else printf '%s=%s\n' "$1" "$2" >>"$ENV_FILE"; fi
}
force REGISTRY_URL "$REGISTRY"
force LATEST_IMAGE "$VERSION"
force COOLIFY_VERSION "$VERSION"
mkdir -p /data/coolify/images/{avatars,project-icons}
chown -R 9999:root /data/coolify
chmod -R 700 /data/coolify

status 2 "Preparing the network"
docker network inspect coolify >/dev/null 2>&1 || docker network create --attachable --ipv6 coolify >/dev/null 2>&1 ||
  docker network create --attachable coolify >/dev/null

# What a registry would give is here under Docker's own name for it; another registry has the same.
IMAGE=$REGISTRY/coollabsio/coolify:$VERSION
if ! docker image inspect "$IMAGE" >/dev/null 2>&1; then docker tag "coollabsio/coolify:$VERSION" "$IMAGE"; fi

status 3 "Stopping containers"
for name in coolify coolify-redis coolify-realtime coolify-db; do
  docker stop --time 15 "$name" >/dev/null 2>&1 && docker rm "$name" >/dev/null 2>&1 || docker rm -f "$name" >/dev/null 2>&1 || true
done

status 4 "Starting containers"
files=(-f "$SOURCE/docker-compose.yml" -f "$SOURCE/docker-compose.prod.yml")
[ ! -f $SOURCE/docker-compose.custom.yml ] || files+=(-f "$SOURCE/docker-compose.custom.yml")
[ ! -f $SOURCE/docker-compose.postgres-upgrade.yml ] || files+=(-f "$SOURCE/docker-compose.postgres-upgrade.yml")
cd $SOURCE
export LATEST_IMAGE=$VERSION
WAIT=60
if [ "$COOLIFY_LAB_FAIL" = unhealthy ]; then
  export COOLIFY_LAB_UNHEALTHY=1
  WAIT=5
fi
docker compose --env-file "$ENV_FILE" "${files[@]}" up -d --remove-orphans --wait --wait-timeout $WAIT || [ "$COOLIFY_LAB_FAIL" = unhealthy ]

status 6 "Upgrade complete"
(sleep 10; rm -f "$STATUS") </dev/null >/dev/null 2>&1 &
