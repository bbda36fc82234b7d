#!/usr/bin/env bash
# The Docker test hosts: Debian servers with sshd on a port of 127.0.0.1.
#   host.sh up NAME [--port N] [--recreate]    a host with Coolify, filled with the fixture
#   host.sh fresh NAME [--port N]              a bare host with new host keys; replaces one of that name
#   host.sh down NAME | --all                  remove it with its volume
#   host.sh known-hosts NAME                   read its host keys again, print them as known_hosts lines
#   host.sh list                               name, kind, port, state
#   host.sh build                              make images and templates only
#   host.sh clean                              remove all of the lab from the engine, the S3 server too
# A host keeps its port by its name; the first one gets 2201. To get in:
#   ssh -p PORT -i .lab/id_ed25519 -o UserKnownHostsFile=.lab/known_hosts root@127.0.0.1
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source-path=SCRIPTDIR source=templates.sh
. "${LAB_DOCKER:?}/templates.sh"
# shellcheck source-path=SCRIPTDIR source=access.sh
. "$LAB_DOCKER/access.sh"

container_of() { printf '%shost-%s' "$LAB_PREFIX" "$1"; }
label_of() { docker container inspect --format "{{index .Config.Labels \"coolify-state.$2\"}}" "$1" 2>/dev/null || true; }

# prepare fresh|installed: all that such a host is copied from.
prepare() {
  "$LAB_DOCKER/engine.sh"
  lab_lock
  LAB_LOCKED=1 "$LAB_DOCKER/base-images.sh" bookworm trixie
  build_images
  make_keys "$host_image"
  build_images_template
  [ "$1" = fresh ] || build_installed_template
  docker image prune --force --filter "label=$LAB_LABEL" >/dev/null
}

remove_host() {
  local container
  container=$(container_of "$1")
  docker rm -fv "$container" >/dev/null 2>&1 || true
  docker volume rm "$container" >/dev/null 2>&1 || true
}

coolify_is_healthy() {
  [ "$(docker exec "$1" docker inspect --format '{{.State.Health.Status}}' coolify)" = healthy ]
}

# wait_for_host CONTAINER PORT KIND
wait_for_host() {
  lab_wait 60 sshd_answers "$2" || die "sshd of $1 did not answer on port $2 within 60 seconds"
  wait_for_inner_engine "$1"
  [ "$3" = fresh ] || lab_wait 90 coolify_is_healthy "$1" ||
    die "Coolify in $1 was not healthy within 90 seconds (see: docker exec $1 docker ps -a)"
}

# start_host NAME KIND PORT: a new container on a new copy of the template.
start_host() {
  local name=$1 kind=$2 port=$3 container image=$host_image volume
  container=$(container_of "$name")
  volume=$(images_volume "$(images_inputs)")
  if [ "$kind" = installed ]; then
    volume=$(installed_volume "$(installed_inputs)")
    image=$installed_image:$(installed_inputs)
  fi
  # Others may copy at the same time, but nobody may rebuild what is being copied.
  flock -s 9
  remove_host "$name"
  make_volume "$container" "$volume"
  run_host "$container" "$image" "$container" --hostname "$name" --publish "127.0.0.1:$port:22" \
    --label "coolify-state.host=$name" --label "coolify-state.kind=$kind" --label "coolify-state.port=$port" || {
    remove_host "$name"
    die "$name could not be started; when its port $port is taken, choose another with --port"
  }
  flock -u 9
  lab_wait 30 docker exec "$container" test -s /run/sshd.pid || die "sshd of $name did not start"
  admit_lab "$container"
  wait_for_host "$container" "$port" "$kind"
  remember_host "$container" "$port" >/dev/null
  say "$name ($kind) answers on 127.0.0.1:$port"
}

up() {
  local name=$1 port=$2 recreate=$3 container
  container=$(container_of "$name")
  prepare installed
  if [ -z "$recreate" ] && [ -n "$(label_of "$container" kind)" ]; then
    port=$(label_of "$container" port)
    [ "$(label_of "$container" kind)" = installed ] ||
      die "$name stands as a bare host: 'down' it first, or say --recreate"
    docker start "$container" >/dev/null 9>&-
    wait_for_host "$container" "$port" installed
    remember_host "$container" "$port" >/dev/null
    return 0
  fi
  start_host "$name" installed "$(port_of "$name" "$port")"
}

list() {
  docker ps --all --filter label=coolify-state.host \
    --format '{{.Label "coolify-state.host"}} {{.Label "coolify-state.kind"}} {{.Label "coolify-state.port"}} {{.State}}'
}

down_all() {
  local name
  while read -r name _; do remove_host "$name"; done < <(list)
}

clean() {
  down_all
  docker ps --all --quiet --filter "label=$LAB_LABEL" | xargs -r docker rm -fv >/dev/null
  docker volume ls --quiet --filter "label=$LAB_LABEL" | xargs -r docker volume rm >/dev/null
  docker image ls --format '{{.Repository}}:{{.Tag}}' 'coolify-state-lab/*' | xargs -r docker rmi -f >/dev/null
  docker image prune --force --filter "label=$LAB_LABEL" >/dev/null
}

usage() { sed -n 's/^#   //p' "$0" >&2; exit 2; }

main() {
  local command=${1-} name='' port='' recreate='' all=''
  [ $# -eq 0 ] || shift
  while [ $# -gt 0 ]; do
    case $1 in
      --port) port=${2:?--port needs a number}; shift ;;
      --recreate) recreate=1 ;;
      --all) all=1 ;;
      -*) usage ;;
      *) name=$1 ;;
    esac
    shift
  done
  # A name becomes a part of container names and of .lab/ports.
  case $name in *[!a-zA-Z0-9._-]*) die "a host's name consists of letters, digits, dots, dashes and underscores" ;; esac
  lab_dir
  case $command:${name:+name}${all:+all} in
    up:name) up "$name" "$port" "$recreate" ;;
    fresh:name)
      prepare fresh
      start_host "$name" fresh "$(port_of "$name" "$port")"
      ;;
    down:name) remove_host "$name" ;;
    down:all) down_all ;;
    known-hosts:name) remember_host "$(container_of "$name")" "$(label_of "$(container_of "$name")" port)" ;;
    list:) list ;;
    build:) prepare installed ;;
    clean:) clean ;;
    *) usage ;;
  esac
}

main "$@"
