#!/usr/bin/env bash
# Builds the container image.
#   release/image.sh [--fleet] TAG [docker build arguments]      e.g. --build-arg BASE=node:24-bookworm-slim
# With --fleet it holds the packages that only a fleet needs as well (docs/fleet.md).
# What it stands on is installed here, by the lockfile and without install scripts, and only copied into the image: so the
# build needs no network, and the same files serve every architecture.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
fleet=
if [ "${1-}" = --fleet ]; then
  fleet=1
  shift
fi
tag=${1:?name the image}
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/image/state" "$work/modules"
node release/package.mjs "$work/image/program"
cp package.json package-lock.json "$work/modules/"
# Optional peers are what a fleet needs: asked for like the rest, in the versions of the lockfile.
[ -z "$fleet" ] || node --input-type=module - "$work/modules/package.json" <<'SCRIPT'
import { readFileSync, writeFileSync } from 'node:fs';
const [path] = process.argv.slice(2);
const { peerDependencies, devDependencies, ...rest } = JSON.parse(readFileSync(path, 'utf8'));
for (const name of Object.keys(peerDependencies)) delete devDependencies[name];
const dependencies = { ...rest.dependencies, ...peerDependencies };
writeFileSync(path, JSON.stringify({ ...rest, dependencies, devDependencies }));
SCRIPT
npm ci --silent --omit=dev --ignore-scripts --no-audit --no-fund --prefix "$work/modules"
mv "$work/modules/node_modules" "$work/image/program/"
# Read by whatever user the container runs under.
chmod -R u=rwX,go=rX "$work/image"
docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0
docker build --file docker/Dockerfile --tag "$tag" "$@" "$work/image"
