# shellcheck shell=bash
# How the lab gets into its hosts, and how it knows them. Sourced by host.sh.

# make_keys IMAGE: the lab's own secrets, made once and kept under .lab/. The
# image has ssh-keygen, the machine need not.
make_keys() {
  local image=$1 name comment
  for name in id_ed25519:lab-admin backup_ed25519:lab-backup; do
    comment=${name#*:}
    name=${name%%:*}
    [ ! -s "$LAB_DIR/$name" ] || continue
    docker run --rm --network none --entrypoint sh "$image" -c '
      cd "$(mktemp -d)" && ssh-keygen -q -t ed25519 -N "" -C "$2" -f "$1" && tar -c "$1" "$1.pub"' sh "$name" "$comment" |
      (umask 0077 && tar -x --no-same-owner -C "$LAB_DIR")
  done
  if [ ! -s "$LAB_DIR/operator-password" ]; then
    (umask 0077 && head -c 512 /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9' | head -c 24 >"$LAB_DIR/operator-password") || true
  fi
}

# admit_lab CONTAINER: the lab's key for all three users (other lines stay as they
# are), and the operator's password. Both go in by stdin.
admit_lab() {
  local container=$1
  docker exec -i "$container" bash -euc '
    read -r key
    read -r password
    for user in root deployer operator; do
      home=$(getent passwd "$user" | cut -d: -f6)
      file=$home/.ssh/authorized_keys
      grep -qxF "$key" "$file" 2>/dev/null && continue
      { sed "/ lab-admin\$/d" "$file" 2>/dev/null || true; printf "%s\n" "$key"; } >"$file.new"
      chmod 0600 "$file.new"
      chown "$user:" "$file.new"
      mv "$file.new" "$file"
    done
    printf "operator:%s\n" "$password" | chpasswd' \
    < <(cat "$LAB_DIR/id_ed25519.pub" "$LAB_DIR/operator-password" && echo)
}

# remember_host CONTAINER PORT: the host's public keys, read through the engine and
# not over the network, replace what known_hosts said about the port. Prints them.
remember_host() {
  local container=$1 port=$2 lines
  # shellcheck disable=SC2016
  lines=$(docker exec "$container" sh -c 'cat /etc/ssh/ssh_host_*_key.pub' |
    awk -v at="[127.0.0.1]:$port" 'NF >= 2 { print at, $1, $2 }')
  [ -n "$lines" ] || die "the host has no public host keys"
  (
    flock 8
    umask 0077
    touch "$LAB_DIR/known_hosts"
    awk -v at="[127.0.0.1]:$port" '$1 != at' "$LAB_DIR/known_hosts" >"$LAB_DIR/known_hosts.new"
    printf '%s\n' "$lines" >>"$LAB_DIR/known_hosts.new"
    mv "$LAB_DIR/known_hosts.new" "$LAB_DIR/known_hosts"
    # And a file of its own, for tests that run side by side and change what is known of their host.
    mkdir -p "$LAB_DIR/known_hosts.d"
    printf '%s\n' "$lines" >"$LAB_DIR/known_hosts.d/$port"
  ) 8>"$LAB_DIR/known_hosts.lock"
  printf '%s\n' "$lines"
}

# port_of NAME [PORT]: the port a host of this name has, had, or is to have from
# now on. A host made again under its name is found where it was.
port_of() {
  local name=$1 wanted=${2-} port
  (
    flock 8
    touch "$LAB_DIR/ports"
    port=${wanted:-$(awk -v name="$name" '$1 == name { print $2 }' "$LAB_DIR/ports")}
    if [ -z "$port" ]; then
      port=2201
      while awk '{ print $2 }' "$LAB_DIR/ports" | grep -qx "$port"; do port=$((port + 1)); done
    fi
    { awk -v name="$name" '$1 != name' "$LAB_DIR/ports" && printf '%s %s\n' "$name" "$port"; } >"$LAB_DIR/ports.new"
    mv "$LAB_DIR/ports.new" "$LAB_DIR/ports"
    printf '%s\n' "$port"
  ) 8>"$LAB_DIR/ports.lock"
}

sshd_answers() { timeout 2 bash -c "exec 3<>/dev/tcp/127.0.0.1/$1 && read -r line <&3 && [[ \$line == SSH-2.0-* ]]"; }
