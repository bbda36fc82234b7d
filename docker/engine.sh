#!/usr/bin/env bash
# Makes sure that a Docker engine answers.
#   engine.sh         nothing to do when one answers; otherwise, as root on Debian
#                     or Ubuntu, install the distribution's engine and start it
#   engine.sh stop    stop the engine that this script started
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lab.sh
. "$(dirname "$0")/lab.sh"

pid_file=$LAB_DIR/dockerd.pid
log_file=$LAB_DIR/logs/dockerd.log

# A process that has ended and is only not yet collected does not count.
ours_runs() {
  [ -s "$pid_file" ] && grep -q '^[0-9]* (dockerd) [^ZX]' "/proc/$(cat "$pid_file")/stat" 2>/dev/null
}

install_engine() {
  [ "$(id -u)" = 0 ] ||
    die "no Docker engine answers, and only root can install one: start Docker, or run this as root"
  command -v apt-get >/dev/null 2>&1 ||
    die "no Docker engine answers, and this is neither Debian nor Ubuntu: install and start Docker first"
  say "installing a Docker engine from the distribution's packages"
  export DEBIAN_FRONTEND=noninteractive
  local log=$LAB_DIR/logs/apt.log
  # The lists are refreshed only when what they say cannot be had.
  { apt-get install -y --no-install-recommends docker.io iptables >"$log" 2>&1 9>&-; } ||
    { apt-get update >>"$log" 2>&1 && apt-get install -y --no-install-recommends docker.io iptables >>"$log" 2>&1 9>&-; } || {
    tail -n 5 "$log" >&2
    die "apt-get could not install docker.io; the whole output is in $log"
  }
}

start_engine() {
  [ "$(id -u)" = 0 ] || die "no Docker engine answers, and only root can start dockerd: start Docker, or run this as root"
  if [ -d /run/systemd/system ]; then
    systemctl start docker >/dev/null 2>&1 9>&- || true
    if lab_wait 20 engine_answers; then return 0; fi
  fi
  ours_runs || {
    say "starting dockerd"
    rm -f "$pid_file"
    setsid dockerd --pidfile "$pid_file" >"$log_file" 2>&1 </dev/null 9>&- &
  }
  lab_wait 60 engine_answers || {
    tail -n 5 "$log_file" >&2
    die "dockerd was started and does not answer; the whole output is in $log_file"
  }
}

stopped() { ! ours_runs; }

stop_engine() {
  ours_runs || {
    say "no engine started by this script is running"
    return 0
  }
  local pid
  pid=$(cat "$pid_file")
  kill "$pid"
  lab_wait 60 stopped || die "dockerd (pid $pid) did not stop within 60 seconds"
  rm -f "$pid_file"
}

case ${1-up} in
  up)
    engine_answers && exit 0
    # Held already when another script of the lab calls this one.
    [ -n "${LAB_LOCKED-}" ] || lab_lock
    # Another run may have started it while this one waited.
    engine_answers && exit 0
    command -v dockerd >/dev/null 2>&1 || install_engine
    start_engine
    ;;
  stop) stop_engine ;;
  *) die "usage: engine.sh [up|stop]" ;;
esac
