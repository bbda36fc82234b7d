import type { Instance } from './instance.js';
import type { Layout } from './layout.js';
import {
  AUTHORIZED_KEYS_PATH,
  DUMP_PATH,
  ENV_PATH,
  HOST_KEY_FOLDER,
  KEY_ARCHIVE_PATH,
} from './stored-paths.js';

/** The text that travels inside every snapshot: recovery by hand with age, tar and pg_restore alone. */
export function recoveryGuide(
  host: string,
  id: string,
  { coolify, database }: Instance,
  layout: Layout,
): string {
  const container = layout.databaseContainer;
  return `# Recovering ${host} by hand

This is snapshot ${id}. It needs nothing but age, tar and Docker; coolify-state is not required.

## Open it

    age -d -i ~/.ssh/YOUR_KEY SNAPSHOT.tar.gz.age | tar -xzf -

\`manifest.json\` lists every file with its size, SHA-256 and where it stood on the host, with owner and mode.

## Put it back on a fresh host, as root

1. Before anything else, because the passwords in it are fixed when the database is first made:

       install -d -m 0700 -o 9999 -g 0 ${layout.data}/source
       install -m 0600 -o 9999 -g 0 ${ENV_PATH} ${layout.env}

2. Install the same version of Coolify:

       curl -fsSL https://cdn.coollabs.io/coolify/install.sh | USER=root bash -s ${coolify.version}

3. Stop what writes; the database stays up:

       docker stop coolify coolify-realtime coolify-redis

4. Restore the dump (PostgreSQL ${database.version}) into a new database and swap it in:

       docker exec ${container} psql -U ${database.user} -d postgres -c 'CREATE DATABASE incoming TEMPLATE template0'
       docker exec -i ${container} pg_restore --exit-on-error --no-owner --no-acl -U ${database.user} -d incoming < ${DUMP_PATH}
       docker exec ${container} psql -U ${database.user} -d postgres -c 'ALTER DATABASE "${database.name}" RENAME TO former'
       docker exec ${container} psql -U ${database.user} -d postgres -c 'ALTER DATABASE incoming RENAME TO "${database.name}"'

5. Start Coolify. It writes its key folder anew from the database, with the APP_KEY of step 1:

       docker start coolify-redis coolify-realtime coolify

6. The key folder, should it be empty, and the way in for Coolify's own key:

       tar -xzpf ${KEY_ARCHIVE_PATH} -C ${layout.keys}
       cat ${AUTHORIZED_KEYS_PATH} >> ${layout.authorizedKeys}

7. Last, the identity of the host, so that nobody sees a changed host key:

       cp ${HOST_KEY_FOLDER}/ssh_host_* ${layout.systemSsh}/ && chmod 600 ${layout.systemSsh}/ssh_host_*_key && sshd -t && systemctl reload ssh
`;
}
