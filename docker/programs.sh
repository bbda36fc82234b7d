#!/usr/bin/env bash
# The foreign programs that the interop tests hold this one against, from the
# distribution's packages. Installs what is missing where that is possible.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lab.sh
. "$(dirname "$0")/lab.sh"

# program:package, where they differ in name
programs=(age:age chromium:chromium ssh:openssh-client sshd:openssh-server ssh-agent:openssh-client busybox:busybox fish:fish
  zsh:zsh dash:dash python3:python3 ansible-inventory:ansible-core restic:restic systemd-analyze:systemd tmux:tmux gzip:gzip zstd:zstd tar:tar shellcheck:shellcheck git:git openssl:openssl redis-server:redis-server)

missing() {
  local pair
  for pair in "${programs[@]}"; do
    PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null 2>&1 || printf '%s\n' "${pair#*:}"
  done
  command -v promtool >/dev/null 2>&1 || echo prometheus
  # Debian keeps the server's programs out of the PATH.
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || echo postgresql
}

packages=$(missing | sort -u)
[ -n "$packages" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  die "the interop tests need these packages: $(echo "$packages" | tr '\n' ' ')(not root on Debian or Ubuntu, so they are not installed here)"
fi
say "installing $(echo "$packages" | tr '\n' ' ')"
export DEBIAN_FRONTEND=noninteractive
# The tests start their own clusters; the package must not start one.
if echo "$packages" | grep -qx postgresql; then
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
fi
apt-get update -qq
# Of Prometheus its tool alone: the package would bring a server and start it.
if echo "$packages" | grep -qx prometheus; then
  packages=$(echo "$packages" | grep -vx prometheus || true)
  folder=$(mktemp -d)
  (cd "$folder" && apt-get -o APT::Sandbox::User=root download -qq prometheus)
  dpkg-deb --fsys-tarfile "$folder"/prometheus_*.deb | tar -x -C "$folder" ./usr/bin/promtool
  install -m 0755 "$folder/usr/bin/promtool" /usr/local/bin/promtool
  rm -rf "$folder"
fi
# shellcheck disable=SC2086 # several packages in one word
[ -z "$packages" ] || apt-get install -y -qq --no-install-recommends $packages >/dev/null
[ -z "$(missing)" ] || die "still missing after the installation: $(missing | tr '\n' ' ')"
