#!/usr/bin/env bash
# Builds the container image.
#   release/image.sh TAG [docker build arguments]      e.g. --build-arg BASE=node:24-bookworm-slim
# What it stands on is installed here, by the lockfile and without install scripts, and only copied into the image: so the
# build needs no network, and the same files serve every architecture.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tag=${1:?name the image}
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

node release/package.mjs "$work/package"
mkdir "$work/modules"
cp package.json package-lock.json "$work/modules/"
npm ci --silent --omit=dev --ignore-scripts --no-audit --no-fund --prefix "$work/modules"
mv "$work/modules/node_modules" "$work/package/"
# Read by whatever user the container runs under.
chmod -R u=rwX,go=rX "$work/package"
docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0
docker build --file docker/Dockerfile --tag "$tag" "$@" "$work/package"
