#!/bin/bash
# Starts what an init system would: the engine and sshd. Takes the engine down in order on SIGTERM.
set -euo pipefail

# Left over from the container that this one was copied from.
rm -rf /run/docker.pid /run/docker /run/containerd /run/docker.sock /run/sshd.pid
mkdir -p /run/sshd
# Only the missing ones are made: at this host's first start, all.
ssh-keygen -A >/dev/null

dockerd >/var/log/dockerd.log 2>&1 </dev/null &
engine=$!
stop() {
  [ ! -s /run/sshd.pid ] || kill "$(cat /run/sshd.pid)" 2>/dev/null || true
  kill "$engine" 2>/dev/null || true
  wait "$engine" || true
  exit 0
}
trap stop TERM INT

/usr/sbin/sshd
sleep infinity &
# Returns when a signal was handled, or never.
while true; do wait -n || true; done
