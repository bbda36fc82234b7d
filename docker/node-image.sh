#!/usr/bin/env bash
# Makes node:22-bookworm-slim available: present, pulled, or of Debian's image and Node's program from npm's registry.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lab.sh
. "$(dirname "$0")/lab.sh"

version=22
name=node:$version-bookworm-slim

"${LAB_DOCKER:?}/engine.sh"
! image_exists "$name" || exit 0
lab_lock
# Another run may have made it while this one waited.
! image_exists "$name" || exit 0
# It pulls where a registry is in reach, and this name is then had in the same way.
LAB_LOCKED=1 "$LAB_DOCKER/base-images.sh" bookworm
if registry_in_reach; then
  timeout 180 docker pull "$name" >"$LAB_DIR/logs/pull-node.log" 2>&1 9>&- && exit 0
fi
say "making $name of Debian's image and npm's package of Node"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "node@$version" >"$LAB_DIR/logs/node-image.log" 2>&1 9>&- ||
  die "npm could not install node@$version; the whole output is in $LAB_DIR/logs/node-image.log"
mkdir "$folder/image"
cp -L "$folder/node_modules/node/bin/node" "$folder/image/node"
cat >"$folder/image/Dockerfile" <<'DOCKERFILE'
FROM debian:bookworm-slim
# As in the published image: a user "node" of number 1000. It has libstdc++6 already.
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
COPY node /usr/local/bin/node
RUN node --version
DOCKERFILE
docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0
# Without the lab's label: images that are being built on this one would have it too, and be pruned with the lab's.
docker build --tag "$name" "$folder/image" >"$LAB_DIR/logs/node-image.log" 2>&1 9>&- || {
  tail -n 10 "$LAB_DIR/logs/node-image.log" >&2
  die "building $name failed; the whole output is in $LAB_DIR/logs/node-image.log"
}
