#!/usr/bin/env bash
# The lab's S3: Ceph RGW in one container, in memory, on loopback only.
#   s3.sh up              start it, make the user's keys and the bucket
#   s3.sh bucket NAME     make one more bucket
#   s3.sh env             print the settings as `export NAME=value` lines
#   s3.sh down            remove it with all that it holds
# COOLIFY_STATE_LAB_S3_PORT chooses another port than 7480.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lab.sh
. "$(dirname "$0")/lab.sh"

image=coolify-state-lab/s3
container=${LAB_PREFIX:?}s3
env_file=$LAB_DIR/s3.env

running() { [ "$(docker container inspect --format '{{.State.Running}}' "$container" 2>/dev/null)" = true ]; }

# random LENGTH: letters and digits
random() { head -c 512 /dev/urandom | LC_ALL=C tr -dc 'A-Z0-9' | head -c "$1" || true; }

setting() { sed -n "s/^$1=//p" "$env_file"; }

# The keys survive `down`: whoever exported them need not do it again.
write_env() {
  local port=$1 access secret
  access=$(setting HETZNER_S3_ACCESS_KEY 2>/dev/null || true)
  secret=$(setting HETZNER_S3_SECRET_KEY 2>/dev/null || true)
  (
    umask 0077
    cat >"$env_file.new" <<EOF
HETZNER_S3_ACCESS_KEY=${access:-$(random 20)}
HETZNER_S3_SECRET_KEY=${secret:-$(random 40)}
COOLIFY_S3_ENDPOINT=http://127.0.0.1:$port
COOLIFY_S3_REGION=us-east-1
COOLIFY_S3_BUCKET=coolify-state
EOF
  )
  mv "$env_file.new" "$env_file"
}

gateway_answers() { docker exec "$container" curl -fsS -m 2 -o /dev/null http://127.0.0.1:7480/; }

make_bucket() {
  local name=$1 status
  # The keys reach curl through its configuration on stdin, not by argument.
  status=$(printf 'user = "%s:%s"\n' "$(setting HETZNER_S3_ACCESS_KEY)" "$(setting HETZNER_S3_SECRET_KEY)" |
    docker exec -i "$container" curl -sS -m 20 -K - -X PUT -o /dev/null -w '%{http_code}' \
      --aws-sigv4 aws:amz:us-east-1:s3 -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "http://127.0.0.1:7480/$name")
  [ "$status" = 200 ] || die "the gateway refused to make the bucket $name (HTTP $status)"
}

# What another clone of the project started serves this one too: its settings are taken over.
take_over() {
  (
    umask 0077
    docker container inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$container" |
      grep -E '^(HETZNER|COOLIFY)_S3_' >"$env_file.new"
  )
  mv "$env_file.new" "$env_file"
}

is_where_asked() {
  local port=${COOLIFY_STATE_LAB_S3_PORT-}
  [ -z "$port" ] || docker container port "$container" | grep -q ":$port\$"
}

up() {
  lab_lock
  # It may be slow on a busy machine, and others keep snapshots in its memory.
  if running && is_where_asked && lab_wait 60 gateway_answers; then
    take_over
    return 0
  fi
  LAB_LOCKED=1 "${LAB_DOCKER:?}/base-images.sh" bookworm
  build_image "$image" s3 s3 s3
  docker image prune --force --filter "label=${LAB_LABEL:?}" >/dev/null
  write_env "${COOLIFY_STATE_LAB_S3_PORT:-7480}"
  # A small cluster that is put together in seconds does not always come about.
  local attempt
  for attempt in 1 2 3; do
    start && break
    [ "$attempt" -lt 3 ] || die "the S3 gateway did not come up"
  done
  make_bucket "$(setting COOLIFY_S3_BUCKET)"
}

start() {
  docker rm -fv "$container" >/dev/null 2>&1 || true
  docker run --detach --name "$container" --label "$LAB_LABEL" --env-file "$env_file" \
    --publish "127.0.0.1:${COOLIFY_STATE_LAB_S3_PORT:-7480}:7480" "$image" >/dev/null 9>&-
  lab_wait 60 answers_or_ended || true
  gateway_answers && return 0
  docker logs --tail 20 "$container" >&2
  say "the S3 gateway did not answer"
  return 1
}

answers_or_ended() { ! running || gateway_answers; }

case ${1-} in
  up)
    "${LAB_DOCKER:?}/engine.sh"
    up
    ;;
  down) docker rm -fv "$container" >/dev/null 2>&1 || true ;;
  bucket) make_bucket "${2:?a bucket name is needed}" ;;
  env)
    [ -r "$env_file" ] || die "there are no settings yet: run 's3.sh up' first"
    sed 's/^/export /' "$env_file"
    ;;
  *) die "usage: s3.sh up|down|env|bucket NAME" ;;
esac
