#!/usr/bin/env bash
# docs/run.svg, the picture of the README: a real backup of a test host into Ceph's S3, as tmux shows it.
#   picture.sh [PROGRAM]    another build than dist/cli/main.js
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lab.sh
. "$(dirname "$0")/lab.sh"
cd "${LAB_ROOT:?}"

program=$(realpath "${1:-dist/cli/main.js}")
host=picture.test
columns=100
place=$(mktemp -d)
socket=coolify-state-picture-$$
trap 'tmux -L "$socket" kill-server 2>/dev/null || true; rm -rf "$place"' EXIT

docker/host.sh up "$host" --recreate >/dev/null
docker/s3.sh up >/dev/null
eval "$(docker/s3.sh env)"
port=$(docker/host.sh list | awk -v host="$host" '$1 == host { print $3 }')
cat >"$place/inventory.yml" <<INVENTORY
controller:
  hosts:
    coolify.example.com:
      ansible_host: 127.0.0.1
      ansible_port: $port
      ansible_user: root
      ansible_ssh_private_key_file: $LAB_DIR/id_ed25519
      coolify_known_hosts_file: $LAB_DIR/known_hosts.d/$port
      coolify_backup_encryption_key_path: $LAB_DIR/backup_ed25519.pub
      coolify_s3_endpoint: $COOLIFY_S3_ENDPOINT
      coolify_s3_bucket: $COOLIFY_S3_BUCKET
      coolify_s3_path: picture-$$
INVENTORY

tmux -L "$socket" -f test/data/terminal/tmux.conf -u new-session -d -x "$columns" -y 60 -c "$place" \
  "printf '\$ coolify-state backup\n'; LC_ALL=C.UTF-8 CI= node '$program' backup -i inventory.yml --state-dir state; touch done; exec cat"
lab_wait 300 test -e "$place/done" || die "the backup did not end"
tmux -L "$socket" -u capture-pane -p -e |
  sed -e "s|$place/||g; s|picture-$$|controllers|g" |
  node release/run-picture.mjs "$columns" >docs/run.svg
docker/host.sh down "$host"
say "docs/run.svg is made: look at it"
