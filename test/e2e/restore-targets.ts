import { fingerprintOf } from './instance-fingerprint.js';
import { onHost } from './lab.js';

/** A Coolify that has nothing in common with the lab's: newer, other data, another APP_KEY, a further admin. */
export const OTHER_COOLIFY = `
set -e
ssh-keygen -q -t ed25519 -N '' -C admin@my-coolify -f /tmp/admin
USER=root bash /root/install.sh "\${1:-4.3.12}" >/dev/null
bash /usr/local/share/coolify-fixture/seed.sh --other
cat /tmp/admin.pub >> /root/.ssh/authorized_keys
rm /tmp/admin /tmp/admin.pub
`;

/** A Coolify as its installer leaves it. */
export const EMPTY_COOLIFY = `
set -e
USER=root bash /root/install.sh "$1" >/dev/null
while [ -e /data/coolify/source/.upgrade-status ]; do sleep 0.5; done
`;

const HOST = `
for file in /root/install.sh /root/.ssh/* /etc/ssh/*; do
  [ -f "$file" ] && printf '%s %s\\n' "$(stat -c '%u:%g %a %n' "$file")" "$(sha256sum < "$file")"
done
docker ps -a --format '{{.Names}} {{.Image}} {{.State}}' | sort
docker volume ls --format '{{.Name}}' | sort
docker network ls --format '{{.Name}}' | sort
ls -d /data/coolify 2>/dev/null
[ ! -d /data/coolify/source ] || (cd /data/coolify/source && ls -A && sha256sum docker-compose*.yml .env)
true
`;

/** Everything by which one can tell that a target was touched: its files, its engine, and, where there is one, its instance. */
export async function targetFingerprint(host: string): Promise<string> {
  const outside = await onHost(host, HOST);
  const runs = await onHost(
    host,
    "docker inspect --format '{{.State.Running}}' coolify-db 2>/dev/null || true",
  );
  if (runs.trim() !== 'true') return outside;
  const { database, files } = await fingerprintOf(host);
  return `${outside}${database}${files}`;
}
