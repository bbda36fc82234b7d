#!/usr/bin/env bash
# An image with a newer PostgreSQL than the distribution's own, for the tests of the dump reader.
#   postgres.sh build    make it, print its name
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lab.sh
. "$(dirname "$0")/lab.sh"

image=coolify-state-lab/postgres-17

build() {
  "$LAB_DOCKER/engine.sh" >&2
  lab_lock
  LAB_LOCKED=1 "$LAB_DOCKER/base-images.sh" trixie >&2
  build_image "$image" postgres-17 postgres-17 postgres-17
  printf '%s\n' "$image"
}

case ${1-} in
  build) build ;;
  *) sed -n 's/^#   //p' "$0" >&2; exit 2 ;;
esac
