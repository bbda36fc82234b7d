#!/usr/bin/env bash
# Makes the base images of the Dockerfiles available under their ordinary names.
#   base-images.sh [SUITE...]     default: bookworm trixie
# Present: nothing. A registry in reach: pulled. Otherwise made by debootstrap
# from the apt sources of this machine (Debian, as root).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lab.sh
. "$(dirname "$0")/lab.sh"

[ $# -gt 0 ] || set -- bookworm trixie

# The lines of a sources.list for SUITE, from what apt here reads Debian's own
# suite from (the same sites carry the other suites).
apt_sources() {
  local suite=$1 here
  # shellcheck disable=SC1091
  here=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME-}")
  # shellcheck disable=SC2016 # apt fills these in
  apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v here="$here" -v suite="$suite" '
      $3 == "main" && ($2 == here || $2 == here "-updates" || $2 == here "-security") && !seen[$1 $2]++ {
        sub("^" here, suite, $2)
        print "deb", $1, $2, "main"
      }'
}

debootstrap_image() {
  local suite=$1 name=$2 root sources site
  [ "$(id -u)" = 0 ] || die "$name is not there and no registry is in reach; making it with debootstrap needs root"
  # shellcheck disable=SC1091
  [ "$(. /etc/os-release && printf '%s' "$ID")" = debian ] ||
    die "$name is not there, no registry is in reach, and this is not Debian: load the image first"
  sources=$(apt_sources "$suite")
  site=$(printf '%s\n' "$sources" | awk -v suite="$suite" '$3 == suite { print $2; exit }')
  [ -n "$site" ] || die "$name cannot be made: the apt sources of this machine name no Debian archive"
  root=$LAB_DIR/debootstrap-$suite
  rm -rf --one-file-system "$root"
  say "making $name with debootstrap"
  debootstrap --variant=minbase "$suite" "$root" "$site" >"$LAB_DIR/logs/debootstrap-$suite.log" 2>&1 9>&- || {
    tail -n 5 "$LAB_DIR/logs/debootstrap-$suite.log" >&2
    die "debootstrap of $suite failed; the whole output is in $LAB_DIR/logs/debootstrap-$suite.log"
  }
  printf '%s\n' "$sources" >"$root/etc/apt/sources.list"
  adapt_apt "$root" "$site"
  slim "$root"
  tar -C "$root" --one-file-system -c . | docker import --change 'CMD ["bash"]' - "$name" >/dev/null
  rm -rf --one-file-system "$root"
}

# How apt reaches the archive from here must hold in builds as well.
adapt_apt() {
  local root=$1 site=$2
  apt-config dump --no-empty --format '%F "%v";%n' \
    Acquire::http Acquire::https Acquire::Check-Valid-Until Acquire::Check-Date >"$root/etc/apt/apt.conf.d/50machine"
  case $site in
    https:*)
      cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/ca-of-machine.crt"
      printf 'Acquire::https::CAInfo "/etc/ssl/ca-of-machine.crt";\n' >>"$root/etc/apt/apt.conf.d/50machine"
      ;;
  esac
}

# As the published slim images are: no documentation, no translations, and a
# dpkg that neither brings them back nor waits for the disk.
slim() {
  local root=$1
  cat >"$root/etc/dpkg/dpkg.cfg.d/docker" <<'CFG'
force-unsafe-io
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/lintian/*
CFG
  cat >"$root/etc/apt/apt.conf.d/50slim" <<'CFG'
APT::Update::Post-Invoke { "rm -f /var/cache/apt/*.bin || true"; };
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Acquire::Languages "none";
CFG
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log \
    "$root"/usr/share/man/* "$root"/usr/share/info/* "$root"/usr/share/locale/*
  find "$root/usr/share/doc" -type f ! -name copyright -delete
}

have_debootstrap() {
  command -v debootstrap >/dev/null 2>&1 && return 0
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 0
  { apt-get install -y --no-install-recommends debootstrap ||
    { apt-get update && apt-get install -y --no-install-recommends debootstrap; }; } \
    >"$LAB_DIR/logs/apt-debootstrap.log" 2>&1 9>&- ||
    die "apt-get could not install debootstrap; the whole output is in $LAB_DIR/logs/apt-debootstrap.log"
}

main() {
  local suite missing=() jobs=() job failed=0
  for suite in "$@"; do
    image_exists "debian:$suite-slim" || missing+=("$suite")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if registry_in_reach; then
    for suite in "${missing[@]}"; do
      timeout 120 docker pull "debian:$suite-slim" >"$LAB_DIR/logs/pull-$suite.log" 2>&1 9>&- || true
    done
  fi
  have_debootstrap
  for suite in "${missing[@]}"; do
    image_exists "debian:$suite-slim" && continue
    debootstrap_image "$suite" "debian:$suite-slim" &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do
    wait "$job" || failed=1
  done
  return "$failed"
}

"${LAB_DOCKER:?}/engine.sh"
# Held already when another script of the lab calls this one.
[ -n "${LAB_LOCKED-}" ] || lab_lock
main "$@"
