#!/usr/bin/env bash
# `docker compose`, wherever it comes from.
#   compose.sh [ARGUMENTS...]      without any, it is only made available
# There already: that one. Otherwise the plugin of Debian trixie's package, kept in .lab: bookworm has only the old one, in Python.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lab.sh
. "$(dirname "$0")/lab.sh"

plugin=$LAB_DIR/docker-compose

has_plugin() { [ -x "$plugin" ]; }
has_own() { docker compose version >/dev/null 2>&1; }

# In a shell of its own: the lock ends with it.
fetch() (
  lab_lock
  # Another run may have fetched it while this one waited.
  ! has_plugin || exit 0
  LAB_LOCKED=1 "${LAB_DOCKER:?}/base-images.sh" trixie
  say "fetching the plugin of Debian's package docker-compose"
  # apt in the image of that release holds the package to Debian's signature.
  # shellcheck disable=SC2016 # expanded in the container
  docker run --rm --network host --label "${LAB_LABEL:?}" debian:trixie-slim sh -euc '
    cd "$(mktemp -d)"
    { apt-get update && apt-get -o APT::Sandbox::User=root download docker-compose; } >&2
    dpkg-deb --fsys-tarfile docker-compose_*.deb | tar -x -O ./usr/libexec/docker/cli-plugins/docker-compose
  ' >"$plugin.new" 2>"$LAB_DIR/logs/compose.log" 9>&- || {
    tail -n 5 "$LAB_DIR/logs/compose.log" >&2
    die "the package docker-compose could not be fetched; the whole output is in $LAB_DIR/logs/compose.log"
  }
  chmod 0755 "$plugin.new"
  "$plugin.new" version >/dev/null || die "the plugin of Debian trixie does not run here: install Docker Compose 2"
  mv "$plugin.new" "$plugin"
)

"${LAB_DOCKER:?}/engine.sh"
if has_own; then
  compose=(docker compose)
else
  has_plugin || fetch
  compose=("$plugin")
fi
[ $# -eq 0 ] || exec "${compose[@]}" "$@"
