#!/usr/bin/env bash
# Takes the snapshot of a released version that the tests then keep opening: a small instance on a host of the lab,
# backed up by the built program, sealed for the throwaway key that lies beside it.
#   test/data/snapshots/make.sh [--port N]
# Run once for each version, on the commit that is released. A folder that is there is left alone: a snapshot that was
# published does not change any more.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../../docker/lab.sh
. "$(dirname "$0")/../../../docker/lab.sh"
cd "${LAB_ROOT:?}"

host=controller.test
port=2299
[ "${1-}" != --port ] || port=$2
program=${COOLIFY_STATE_PROGRAM:-dist/cli/main.js}
version=$(node "$program" --version)
folder=test/data/snapshots/$version
[ ! -e "$folder" ] || die "$folder is there already"
work=$(mktemp -d)
cleanup() {
  rm -rf "$work"
  docker/host.sh down "$host"
}
trap cleanup EXIT

docker/host.sh fresh "$host" --port "$port"
docker exec "coolify-state-lab-host-$host" sh -ec '
  USER=root bash /root/install.sh 4.3.11
  bash /usr/local/share/coolify-fixture/seed.sh --other --rows 5
' >/dev/null

ssh-keygen -q -t ed25519 -N '' -C 'coolify-state test data' -f "$work/identity"
# JSON is YAML.
cat >"$work/inventory.yml" <<JSON
{ "controller": { "hosts": { "$host": {
  "ansible_host": "127.0.0.1", "ansible_port": $port, "ansible_user": "root",
  "ansible_ssh_private_key_file": "$LAB_DIR/id_ed25519", "coolify_known_hosts_file": "$LAB_DIR/known_hosts",
  "coolify_backup_encryption_key_path": "$work/identity.pub", "coolify_repository": "file:$work/repository",
  "coolify_compression": "gzip:9"
} } } }
JSON
node "$program" backup -i "$work/inventory.yml" --state-dir "$work/state" >&2

mkdir -p "$folder/repository/$host"
# What is stored, and nothing that a run left beside it.
cp "$work/repository/$host"/coolify-state-* "$folder/repository/$host/"
install -m 0644 "$work/identity.pub" "$folder/identity.pub"
install -m 0600 "$work/identity" "$folder/identity"
say "made $folder ($(du -sk "$folder" | cut -f1) KiB)"
