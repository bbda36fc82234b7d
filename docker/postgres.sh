#!/usr/bin/env bash
# Images with a newer PostgreSQL than Coolify's installer brings: for the database of a test host, and for the tests of the
# dump reader.
#   postgres.sh build [17|18]    make it, print its name
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lab.sh
. "$(dirname "$0")/lab.sh"

build() {
  local major=$1 image=coolify-state-lab/postgres-$1 more=()
  case $major in
    17) ;;
    18)
      more=(--build-arg SUITE=forky --build-arg DATA_VOLUME=/var/lib/postgresql
        --build-arg DATA=/var/lib/postgresql/18/docker)
      ;;
    *) die "the lab has PostgreSQL 17 and 18: no suite of Debian that is kept carries 16" ;;
  esac
  "$LAB_DOCKER/engine.sh" >&2
  lab_lock
  LAB_LOCKED=1 "$LAB_DOCKER/base-images.sh" trixie >&2
  build_image "$image" images/postgres-newer images "images/postgres-newer images/postgres/docker-entrypoint.sh" \
    --build-arg "MAJOR=$major" "${more[@]}"
  printf '%s\n' "$image"
}

case ${1-} in
  build) build "${2-17}" ;;
  *) sed -n 's/^#   //p' "$0" >&2; exit 2 ;;
esac
