import { setTimeout as sleep } from 'node:timers/promises';
import { onHost } from './lab.js';

/** What a restore or a rollback may leave on a host when it was broken off: nothing, in the end. */

/** Notes, staged keys, files on their way into place, databases beside the live one. */
export function leftovers(host: string): Promise<string> {
  return onHost(
    host,
    `find /root /etc/ssh -name '*coolify-state*'; [ ! -d /data/coolify ] || find /data/coolify -name '*coolify-state*'
     ls -A /tmp | grep -v '^runc-process' # the engine's own, for a moment
     if docker inspect coolify-db >/dev/null 2>&1; then
       docker exec coolify-db psql -XqAt -U coolify -d postgres -c "SELECT datname FROM pg_database WHERE datname LIKE 'coolify\\_state%' OR shobj_description(oid, 'pg_database') LIKE 'coolify-state%'"
     fi`,
  ).then((text) => text.trim());
}

/** What works on the host for somebody who has gone. A session that was cut off takes a moment to end. */
export async function processes(host: string): Promise<string> {
  let found = '';
  for (let attempt = 0; attempt < 40; attempt++) {
    found = await onHost(
      host,
      "ps -eo pid,args | grep -E 'install\\.sh|pg_dump|pg_restore|psql|docker (exec|stop|start)|docker[- ]compose|tar -' | grep -v grep || :",
    );
    if (found === '') break;
    await sleep(500);
  }
  return found.trim();
}
