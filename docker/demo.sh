#!/usr/bin/env bash
# The main job, end to end, on the Docker test host: back up, destroy the host,
# forget the local state, rebuild a bare host from the repository alone, prove it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lab.sh
. "$(dirname "$0")/lab.sh"
cd "${LAB_ROOT:?}"

host=coolify.dev.test
state=$LAB_DIR/demo-state
step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
run() {
  printf '$ coolify-state %s\n' "$*"
  node dist/cli/main.js "$@" --state-dir "$state"
}

step "a test host with Coolify: 40 tables and more, 200 managed keys"
docker/host.sh up "$host" --recreate >/dev/null
rm -rf "$state" "$LAB_DIR/repository"

step "back it up"
run backup "$host"

step "lose it: the host is destroyed, the local state deleted"
docker/host.sh down "$host"
rm -rf "$state"

step "a bare host in its place, with other host keys"
docker/host.sh fresh "$host" >/dev/null

step "rebuild it from the repository alone"
run restore "$host" --yes

step "what there is"
run snapshots "$host"
step "done: the bare host is the lost instance again, proofs above"
