# shellcheck shell=bash
# The two templates that hosts are copied from. Sourced by host.sh.
#   images      the volume of an inner engine that has the images loaded: bare hosts
#   installed   the same after install.sh and the seed, and the host's own files as
#               an image: hosts with Coolify
# Their names end in the hash of what they were made from: when that changes, they
# are made anew. An image tag with the same hash is set last, and says that the
# volume is complete (a volume itself cannot be marked afterwards).

# Outside, the images have names of our own: nobody's `postgres:15-alpine` is
# overwritten. Inside a host they are called what Coolify calls them.
inner_images=(
  "coolify-state-lab/postgres postgres:15-alpine"
  "coolify-state-lab/redis redis:7-alpine"
  "coolify-state-lab/realtime coollabsio/coolify-realtime:1.0.17"
  "coolify-state-lab/coolify:4.3.11 coollabsio/coolify:4.3.11"
  "coolify-state-lab/coolify:4.3.12 coollabsio/coolify:4.3.12"
)
coolify_version=4.3.11
host_image=coolify-state-lab/host
loaded_mark=coolify-state-lab/images-loaded
installed_image=coolify-state-lab/host-installed
builder=${LAB_PREFIX:?}template-builder

image_id() { docker image inspect --format '{{.Id}}' "$1" 2>/dev/null || true; }

# run_host CONTAINER IMAGE VOLUME [docker run arguments]
# Privileged is not to be had everywhere; this is what an engine inside needs.
run_host() {
  local container=$1 image=$2 volume=$3
  shift 3
  docker run --detach --name "$container" --label "${LAB_LABEL:?}" \
    --cap-add ALL --cap-drop SYS_RESOURCE \
    --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined \
    --cgroupns host --volume /sys/fs/cgroup:/sys/fs/cgroup:rw --device-cgroup-rule 'a *:* rwm' \
    --add-host host.docker.internal:127.0.0.1 \
    --volume "$volume:/var/lib/docker" "$@" "$image" >/dev/null 9>&-
}

inner_engine_answers() { docker exec "$1" docker version --format '{{.Server.Version}}'; }

wait_for_inner_engine() {
  lab_wait 60 inner_engine_answers "$1" || {
    docker exec "$1" tail -n 5 /var/log/dockerd.log >&2 || true
    die "the engine inside $1 did not answer within 60 seconds"
  }
}

images_volume() { printf '%stemplate-images-%s' "$LAB_PREFIX" "$1"; }
installed_volume() { printf '%stemplate-installed-%s' "$LAB_PREFIX" "$1"; }

# make_volume NAME [FROM]: a new volume, filled with a copy of another one.
# Copying an engine's folder takes its extended attributes along, hence the rights.
make_volume() {
  local name=$1 from=${2-}
  docker volume rm "$name" >/dev/null 2>&1 || true
  docker volume create --label "${LAB_LABEL:?}" "$name" >/dev/null
  [ -n "$from" ] || return 0
  docker run --rm --label "${LAB_LABEL:?}" --network none --cap-add ALL --cap-drop SYS_RESOURCE \
    --security-opt apparmor=unconfined --entrypoint cp \
    --volume "$from:/from:ro" --volume "$name:/to" "$host_image" -a --reflink=auto /from/. /to/ 9>&-
}

# forget_old KIND IMAGE INPUTS: templates of earlier inputs. What a host still
# uses stays, and goes another time.
forget_old() {
  local kind=$1 image=$2 inputs=$3
  docker image ls --format '{{.Repository}}:{{.Tag}}' "$image" | grep -v ":$inputs\$" |
    xargs -r -n 1 docker rmi >/dev/null 2>&1 || true
  docker volume ls --quiet --filter "name=${LAB_PREFIX}template-$kind-" | grep -v -- "-$inputs\$" |
    xargs -r -n 1 docker volume rm >/dev/null 2>&1 || true
}

# Two at a time: most of it is waiting for dpkg, which uses one core.
build_images() {
  local host_build version
  build_image "$host_image" host . "host coolify" &
  host_build=$!
  build_image coolify-state-lab/postgres images/postgres images/postgres images/postgres
  build_image coolify-state-lab/redis images/redis images/redis images/redis
  build_image coolify-state-lab/realtime images/realtime images/realtime images/realtime
  # What coolify/ holds besides these two goes into the host, not into this image.
  for version in 4.3.11 4.3.12; do
    build_image "coolify-state-lab/coolify:$version" coolify coolify "coolify/Dockerfile coolify/app" \
      --build-arg "COOLIFY_VERSION=$version"
  done
  wait "$host_build" || exit 1
}

# The mark of a template: the code that makes it, and what goes in.
images_inputs() {
  local pair
  {
    lab_hash templates.sh host
    for pair in "${inner_images[@]}"; do image_id "${pair% *}"; done
  } | sha256sum | cut -c1-16
}

installed_inputs() { printf '%s\n' "$(images_inputs)" "$(image_id "$host_image")" | sha256sum | cut -c1-16; }

build_images_template() {
  local inputs volume pair names=()
  inputs=$(images_inputs)
  volume=$(images_volume "$inputs")
  if image_exists "$loaded_mark:$inputs"; then return 0; fi
  say "loading the images into the template of a bare host"
  docker rm -fv "$builder" >/dev/null 2>&1 || true
  make_volume "$volume"
  run_host "$builder" "$host_image" "$volume"
  wait_for_inner_engine "$builder"
  for pair in "${inner_images[@]}"; do names+=("${pair% *}"); done
  docker save "${names[@]}" | docker exec -i "$builder" docker load --quiet >/dev/null
  for pair in "${inner_images[@]}"; do
    docker exec "$builder" docker tag "${pair% *}" "${pair#* }"
    docker exec "$builder" docker rmi "${pair% *}" >/dev/null
  done
  docker stop -t 60 "$builder" >/dev/null
  docker rm -v "$builder" >/dev/null
  docker tag "$host_image" "$loaded_mark:$inputs"
  forget_old images "$loaded_mark" "$inputs"
}

build_installed_template() {
  local inputs volume log=$LAB_DIR/logs/install.log
  inputs=$(installed_inputs)
  volume=$(installed_volume "$inputs")
  if image_exists "$installed_image:$inputs"; then return 0; fi
  say "installing Coolify $coolify_version into the template of a host"
  docker rm -fv "$builder" >/dev/null 2>&1 || true
  make_volume "$volume" "$(images_volume "$(images_inputs)")"
  run_host "$builder" "$host_image" "$volume" --hostname coolify
  wait_for_inner_engine "$builder"
  admit_lab "$builder"
  : >"$log"
  in_builder "$log" bash /root/install.sh "$coolify_version"
  in_builder "$log" bash /usr/local/share/coolify-fixture/seed.sh
  # Every host makes its own at its first start.
  docker exec "$builder" sh -c 'rm -f /etc/ssh/ssh_host_*'
  docker stop -t 60 "$builder" >/dev/null
  docker commit "$builder" "$installed_image:$inputs" >/dev/null
  docker rm -v "$builder" >/dev/null
  forget_old installed "$installed_image" "$inputs"
}

# in_builder LOG COMMAND...: as root's login shell would run it.
in_builder() {
  local log=$1
  shift
  docker exec --workdir /root --env USER=root --env HOME=/root --env AUTOUPDATE=false "$builder" "$@" \
    >>"$log" 2>&1 9>&- || {
    tail -n 25 "$log" >&2
    die "'$*' failed in the template; the whole output is in $log"
  }
}
