#!/bin/bash
# Run on a test host after the installer, as root: fills the instance, so that a backup finds some of everything.
#   seed.sh [--other] [--rows N] [--big-mib N] [--corrupt-key] [--no-token]
#   --other        a small instance with other data
#   --rows N       rows of the largest table
#   --big-mib N    and as many MiB of logs, in rows of 64 KiB
#   --corrupt-key  one managed key that cannot be decrypted
#   --no-token     without /data/coolify/ansible-token
set -euo pipefail
DATA=/data/coolify
ENV_FILE=$DATA/source/.env

options=()
with_token=1
for option; do
  if [ "$option" = --no-token ]; then with_token=''; else options+=("$option"); fi
done

wait_until() {
  for _ in $(seq 300); do
    if "$@"; then return 0; fi
    sleep 0.2
  done
  echo "waited in vain for: $*" >&2
  return 1
}
coolify_is_healthy() { [ "$(docker inspect --format '{{.State.Health.Status}}' coolify)" = healthy ]; }
upgrade_is_over() { [ ! -e $DATA/source/.upgrade-status ]; }

# What people write into the file. It is mounted into the container: written in place, it stays the same one. Merged as
# the installer does, it stays as it is when that runs again.
edit_env() {
  local text
  text=$({
    sed -e 's/^APP_NAME=.*/APP_NAME="Coolify of the lab"/' -e 's/^ROOT_USERNAME=$/ROOT_USERNAME=root/' \
      -e 's/^ROOT_USER_EMAIL=$/ROOT_USER_EMAIL=root@example.test/' \
      -e "s|^ROOT_USER_PASSWORD=\$|ROOT_USER_PASSWORD=$(openssl rand -hex 12)|" "$ENV_FILE"
    printf '\n# added by an admin\nAPP_PREVIOUS_KEYS=base64:%s\n' "$(openssl rand -base64 32)"
  } | awk -F '=' '!seen[$1]++')
  printf '%s\n' "$text" >"$ENV_FILE"
}

# What an admin leaves in root's folder. Lines that are there stay.
fill_ssh_folder() {
  local folder=/root/.ssh made
  [ -f $folder/id_ed25519 ] || ssh-keygen -q -t ed25519 -N '' -C root@controller -f $folder/id_ed25519
  made=$(mktemp -d)
  if ! grep -q ' on-call admin$' $folder/authorized_keys; then
    ssh-keygen -q -t ed25519 -N '' -C 'on-call admin' -f "$made/admin"
    ssh-keygen -q -t ecdsa -N '' -C backup@nas -f "$made/nas"
    {
      printf '# people\n'
      cat "$made/admin.pub"
      printf 'from="192.0.2.0/24",no-pty %s\n' "$(cat "$made/nas.pub")"
    } >>$folder/authorized_keys
  fi
  if [ ! -f $folder/known_hosts ]; then
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$made/host"
    printf '192.0.2.10 %s\n' "$(cut -d' ' -f1,2 "$made/host.pub")" >$folder/known_hosts
    printf 'git.example.test %s\n' "$(cut -d' ' -f1,2 "$made/host.pub")" >"$made/hashed"
    ssh-keygen -q -H -f "$made/hashed" >/dev/null 2>&1
    cat "$made/hashed" >>$folder/known_hosts
    chmod 0600 $folder/known_hosts
  fi
  rm -rf "$made"
}

# The token of the replaced role: 40 characters in a file, their hash in a row.
give_token() {
  local token
  token=$(openssl rand -hex 20)
  docker exec -i coolify-db psql -q -v ON_ERROR_STOP=1 -U coolify -d coolify <<SQL
INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token, team_id, abilities)
VALUES ('App\\Models\\User', 0, 'ansible-token', '$(printf %s "$token" | sha256sum | cut -d' ' -f1)', '0', '["*"]');
SQL
  install -m 0600 -o 9999 -g 0 /dev/null $DATA/ansible-token
  printf %s "$token" >$DATA/ansible-token
}

# What Coolify's proxy would have on the disk, and a container in its name: users' sites go through it, so it has to
# stay up whatever happens to Coolify.
start_proxy() {
  mkdir -p $DATA/proxy/dynamic
  printf '{ "letsencrypt": { "Account": null, "Certificates": null } }\n' >$DATA/proxy/acme.json
  printf 'http:\n  routers: {}\n' >$DATA/proxy/dynamic/default_redirect_503.yaml
  chown -R 9999:root $DATA/proxy
  chmod 0600 $DATA/proxy/acme.json
  docker inspect coolify-proxy >/dev/null 2>&1 ||
    docker run -d --name coolify-proxy --restart unless-stopped --network coolify --publish 80:6001 \
      coollabsio/coolify-realtime:1.0.17 >/dev/null
}

grep -q '^APP_PREVIOUS_KEYS=' "$ENV_FILE" || edit_env
# For tests only, no part of an instance: the plain text of a token that the interface showed once.
install -d -m 0700 /root/.coolify-lab
(umask 0077 && docker exec coolify php artisan lab:seed "${options[@]}" >/root/.coolify-lab/ui-token)
[ -z "$with_token" ] || give_token
fill_ssh_folder

# The environment of the container was made before the settings above. As after any change, it is made anew, and its
# start writes the key files.
cd $DATA/source
docker compose --env-file "$ENV_FILE" -f docker-compose.yml -f docker-compose.prod.yml up -d --no-deps --force-recreate \
  coolify >/dev/null 2>&1
start_proxy
wait_until coolify_is_healthy
wait_until upgrade_is_over
