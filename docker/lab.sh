# shellcheck shell=bash
# What the lab's scripts share: where things stand, how they speak, and that
# only one of them builds at a time. Sourced, never run.

LAB_DOCKER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_ROOT=$(dirname "$LAB_DOCKER")
LAB_DIR=${COOLIFY_STATE_LAB_DIR:-$LAB_ROOT/.lab}

# Every container and volume of the lab begins with this, and bears the label.
# shellcheck disable=SC2034 # read by the scripts that source this file
LAB_PREFIX=coolify-state-lab-
# shellcheck disable=SC2034
LAB_LABEL=coolify-state.lab=1

# Private from the first moment: keys and passwords are written into it.
lab_dir() {
  mkdir -p "$LAB_DIR/logs"
  chmod 0700 "$LAB_DIR"
}

say() { printf '%s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Waits for, and keeps until the script ends, the one lock for building. It is one
# for all clones of the project, as they share the engine.
# Processes that outlive the script must be started with 9>&-.
lab_lock() {
  lab_dir
  exec 9>>"${XDG_RUNTIME_DIR:-/tmp}/coolify-state-lab-$(id -u).lock"
  flock -n 9 || {
    say "another lab command is at work, waiting for it"
    flock 9
  }
}

# lab_wait SECONDS COMMAND...: runs the command until it succeeds.
lab_wait() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.2
  done
}

# The server's version is empty when only the client is there.
engine_answers() {
  command -v docker >/dev/null 2>&1 || return 1
  [ -n "$(timeout 10 docker info --format '{{.ServerVersion}}' 2>/dev/null)" ]
}

image_exists() { docker image inspect "$1" >/dev/null 2>&1; }

# Whether a pull has a chance at all: the engine says which registry it asks.
# With a mirror or a proxy in between, only trying tells.
registry_in_reach() {
  local through server
  through=$(docker info --format '{{len .RegistryConfig.Mirrors}}{{.HTTPSProxy}}{{.HTTPProxy}}')
  [ "$through" = 0 ] || return 0
  server=$(docker info --format '{{.IndexServerAddress}}')
  server=${server#*://}
  server=${server%%/*}
  timeout 5 bash -c "exec 3<>/dev/tcp/$server/443" 2>/dev/null
}

# lab_hash PATH...: one hash over names, modes and contents.
lab_hash() {
  (
    cd "$LAB_DOCKER" || exit
    find "$@" -type f -printf '%m %p\n' | LC_ALL=C sort
    find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  ) | sha256sum | cut -c1-16
}

# build_image NAME DIR CONTEXT "PATHS" [docker build arguments]: builds the
# Dockerfile in DIR, unless an image of that name was built from the same PATHS,
# arguments and base image. All are relative to docker/.
# Builds use the network of the machine, so that apt reaches in a build what it
# reaches here.
build_image() {
  local name=$1 dir=$2 context=$3 paths=$4 base inputs log
  shift 4
  base=$(sed -n 's/^FROM \([^ ]*\).*/\1/p' "$LAB_DOCKER/$dir/Dockerfile" | head -n 1)
  # shellcheck disable=SC2086 # several paths in one word
  inputs=$(printf '%s ' "$(lab_hash $paths)" "$(docker image inspect --format '{{.Id}}' "$base")" "$@" |
    sha256sum | cut -c1-16)
  if [ "$(docker image inspect --format '{{index .Config.Labels "coolify-state.inputs"}}' "$name" 2>/dev/null)" = "$inputs" ]; then
    return 0
  fi
  log=$LAB_DIR/logs/build-$(printf '%s' "$name" | tr '/:' '--').log
  say "building $name"
  # Said only where the new builder is missing: the client would refuse otherwise.
  docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0
  export BUILDX_NO_DEFAULT_ATTESTATIONS=1
  docker build --network host --label "${LAB_LABEL:?}" --label "coolify-state.inputs=$inputs" \
    --tag "$name" --file "$LAB_DOCKER/$dir/Dockerfile" "$@" "$LAB_DOCKER/$context" >"$log" 2>&1 9>&- || {
    tail -n 25 "$log" >&2
    die "building $name failed; the whole output is in $log"
  }
}
