# To be sourced by a script that has set port, key, known and folder: the steps of a backup over one multiplexed connection,
# the dump read to its end.
# shellcheck shell=bash disable=SC2154
rm -rf "$folder" && mkdir "$folder"
control=$folder.socket
on_host() {
  ssh -F none -p "$port" -i "$key" -o IdentitiesOnly=yes -o BatchMode=yes -o "UserKnownHostsFile=$known" \
    -o ControlMaster=auto -o "ControlPath=$control" -o ControlPersist=yes root@127.0.0.1 "$@"
}
trap 'ssh -o "ControlPath=$control" -O exit root@127.0.0.1 2>/dev/null || true' EXIT

on_host 'docker ps --format "{{.Names}} {{.Image}}"; uname -m; cat /etc/os-release' >"$folder/facts"
on_host cat /data/coolify/source/.env >"$folder/.env"
on_host 'cd / && tar -cf - etc/ssh/ssh_host_* root/.ssh/id_*' | tar -xf - -C "$folder"
on_host cat /root/.ssh/authorized_keys >"$folder/authorized_keys"
on_host cat /data/coolify/ansible-token >"$folder/ansible-token"
on_host tar -C /data/coolify/ssh/keys -cf - . >"$folder/coolify_ssh_keys.tar"
on_host docker exec coolify-db pg_dump -U coolify -d coolify -Fc -Z0 >"$folder/coolify_db.dump"
pg_restore --file=/dev/null "$folder/coolify_db.dump"
grep -q '^APP_KEY=base64:' "$folder/.env"
printf 'header = "Authorization: Bearer %s"\n' "$(cat "$folder/ansible-token")" |
  on_host curl -fsS --config - http://127.0.0.1:8000/api/v1/security/keys >"$folder/keys.json"
