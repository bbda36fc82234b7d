#!/usr/bin/env bash
# The package as users get it, on each Node it promises to run on: packed, installed and started by npx where there is no
# compiler, then a backup of a test host with it, a proof of every byte, and a restore that only looks.
#   release/try-nodes.sh [VERSION...]      default: 20 22 24, of each the newest
# Node's programs come from the package `node` of the registry that npm is set to.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
project=$PWD
host=try-nodes.test
port=2458

[ $# -gt 0 ] || set -- 20 22 24
work=$(mktemp -d)
npm_folder=$(npm root -g)/npm
finish() {
  docker/host.sh down "$host" || true
  rm -rf "$work"
}
trap finish EXIT

say() { printf '%s\n' "$*" >&2; }
die() {
  say "error: $*"
  exit 1
}

# bare_path FOLDER NODE: what a PATH needs at the least, so that nobody finds a compiler, make or python in it.
bare_path() {
  local folder=$1 name
  mkdir -p "$folder"
  ln -s "$2" "$folder/node"
  for name in npm npx; do
    # shellcheck disable=SC2016 # for the shell that runs it
    printf '#!/bin/sh\nexec node "%s/bin/%s-cli.js" "$@"\n' "$npm_folder" "$name" >"$folder/$name"
    chmod +x "$folder/$name"
  done
  for name in sh env; do ln -s "$(command -v "$name")" "$folder/$name"; done
}

# Runs a program with that PATH, and caches of its own: what another Node left there would prove nothing.
bare() {
  env PATH="$folder/bin" npm_config_cache="$folder/cache" COOLIFY_STATE_CACHE_PATH="$folder/program-cache" \
    npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false "$@"
}

installed() {
  bare "$folder/installed/node_modules/.bin/coolify-state" "$@" -i "$work/hosts.yml" --state-dir "$folder/state" \
    --json >"$folder/out" || die "Node $shown: $1: $(tail -n 3 "$folder/out")"
}

# try VERSION: everything with one Node. Tells in a line what was seen.
try() {
  local folder=$work/try-$1 shown ciphers
  npm install --silent --no-audit --no-fund --prefix "$work/node-$1" "node@$1" >&2
  bare_path "$folder/bin" "$work/node-$1/node_modules/node/bin/node"
  shown=$(bare node --version)
  # Only an empty folder shows that nothing else is needed.
  mkdir "$folder/empty"
  cd "$folder/empty"
  [ "$(bare npx --yes --package "$tarball" coolify-state --version)" = "$wanted" ] ||
    die "Node $shown: another version answers"
  bare npx --yes --package "$tarball" coolify-state restore --help >"$folder/help"
  grep -q '^Examples:' "$folder/help" || die "Node $shown: the help has no examples"
  bare npm install --silent --prefix "$folder/installed" "$tarball" >&2
  [ -z "$(find "$folder/installed" -name '*.node')" ] || die "Node $shown: something was compiled: nothing is proven"
  installed backup
  installed verify --read-data
  installed restore --check
  # Whatever it says of the test host.
  bare "$folder/installed/node_modules/.bin/coolify-state" doctor -i "$work/hosts.yml" --state-dir "$folder/state" \
    >"$folder/doctor" || true
  ciphers=$(grep 'ciphers in JavaScript' "$folder/doctor") || die "Node $shown: doctor does not tell of ciphers in JavaScript"
  say "Node $shown: npx, backup, verify --read-data, restore --check, without a compiler"
  say "  $ciphers"
}

node release/package.mjs "$work/staged"
tarball=$work/$(cd "$work" && npm pack --silent ./staged)
wanted=$(node -p 'require("./package.json").version')
docker/host.sh up "$host" --port "$port" --recreate
cat >"$work/hosts.yml" <<YAML
controller:
  hosts:
    $host:
      ansible_host: 127.0.0.1
      ansible_port: $port
      ansible_user: root
      ansible_ssh_private_key_file: $project/.lab/id_ed25519
      coolify_known_hosts_file: $project/.lab/known_hosts
      coolify_backup_encryption_key_path: $project/.lab/backup_ed25519
      coolify_repository: ["file:$work/repository"]
YAML
for version in "$@"; do
  # In a process of its own, as it leaves the folder.
  (try "$version")
done
