#!/usr/bin/env bash
# Starts monitor, object store, manager and gateway, in this order, and stays as
# long as the gateway does. The keys of the one user come from the environment.
set -euo pipefail
: "${HETZNER_S3_ACCESS_KEY:?}" "${HETZNER_S3_SECRET_KEY:?}"

wait_for() {
  local deadline=$((SECONDS + 60))
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || {
      echo "gave up waiting for: $*" >&2
      exit 1
    }
    sleep 0.3
  done
}

# A stopped container that is started again begins afresh: memory is gone.
rm -rf /var/lib/ceph/mon/* /var/lib/ceph/osd/* /var/lib/ceph/mgr/* /run/ceph
mkdir -p /run/ceph /var/lib/ceph/{mon/ceph-a,osd/ceph-0,mgr/ceph-x,radosgw/ceph-rgw.lab}
fsid=$(sed -n 's/^fsid = //p' /etc/ceph/ceph.conf)

monmaptool --create --clobber --fsid "$fsid" --addv a '[v1:127.0.0.1:6789]' /tmp/monmap
ceph-mon --mkfs -i a --monmap /tmp/monmap
ceph-mon -i a
wait_for ceph --connect-timeout 2 mon stat

# Both are told the same identity: left to find one each, they sometimes disagree ("wrong fsid").
osd_uuid=$(cat /proc/sys/kernel/random/uuid)
ceph osd create "$osd_uuid"
ceph-osd --mkfs -i 0 --osd-uuid "$osd_uuid"
ceph-osd -i 0
ceph-mgr -i x
osd_up() { ceph osd stat | grep -q '1 up'; }
wait_for osd_up

# radosgw-admin takes keys by argument only; nothing else runs in here to see them.
radosgw-admin user create --uid lab --display-name lab \
  --access-key "$HETZNER_S3_ACCESS_KEY" --secret "$HETZNER_S3_SECRET_KEY" >/dev/null

exec radosgw -f -n client.rgw.lab
