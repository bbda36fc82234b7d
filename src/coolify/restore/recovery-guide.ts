import { quote } from '../../ssh/command.js';
import { type Instance, UNKNOWN_VERSION } from '../instance.js';
import type { Layout } from '../layout.js';
import {
  AUTHORIZED_KEYS_PATH,
  DUMP_PATH,
  ENV_PATH,
  HOST_KEY_FOLDER,
  KEY_ARCHIVE_PATH,
} from '../stored-paths.js';

/**
 * The text that travels inside every snapshot: recovery by hand with age, tar and PostgreSQL's own programs. The tests
 * run its commands as they stand here.
 */
export function recoveryGuide(host: string, id: string, instance: Instance, layout: Layout): string {
  return [
    introduction(host, id),
    lookingInside(instance),
    puttingBack(instance, layout),
    identity(layout),
  ].join('\n');
}

function introduction(host: string, id: string): string {
  return `# Recovering ${host} by hand

This is the snapshot ${id}. It needs age, tar, and gzip or zstd; coolify-state is not required.

## Open it

With the private key that it was encrypted to, in an empty folder that only you can read:

\`\`\`sh
age -d -i "$KEY" "$SNAPSHOT" | tar -xzf -
\`\`\`

A name that ends in \`.tar.zst.age\` is compressed with zstd:

\`\`\`sh zstd
age -d -i "$KEY" "$SNAPSHOT" | zstd -d | tar -xf -
\`\`\`

\`manifest.json\` lists every file: its SHA-256, and where it stood on the host, with owner and mode (in decimal). All files are
as they were on that day when this prints nothing:

\`\`\`sh
awk -F'"' '/^      "path"/ { path = $4 } /^      "sha256"/ { print $4 "  " path }' manifest.json | sha256sum -c --quiet -
\`\`\`
`;
}

function lookingInside({ database }: Instance): string {
  const major = Math.floor(database.versionNumber / 10_000);
  return `## Look into the database

It was dumped by PostgreSQL ${database.version}; pg_restore of ${major} or newer reads it. On any machine with a PostgreSQL server:

\`\`\`sh
pg_restore -l ${DUMP_PATH}
createdb --template=template0 coolify_look
pg_restore --exit-on-error --no-owner --no-acl -d coolify_look ${DUMP_PATH}
psql -d coolify_look -c 'SELECT id, name, team_id FROM private_keys ORDER BY id'
\`\`\`

Secrets in it are encrypted with the APP_KEY in ${ENV_PATH}, as Laravel does it.
`;
}

function puttingBack({ coolify, database }: Instance, layout: Layout): string {
  const container = quote(layout.databaseContainer);
  const psql = `docker exec -i ${container} psql -v ON_ERROR_STOP=1 -U ${quote(database.user)} -d postgres`;
  const name = `"${database.name.replaceAll('"', '""')}"`;
  const version = coolify.version === UNKNOWN_VERSION ? 'VERSION' : coolify.version;
  return `## Put it back on a fresh host, as root, in the folder of the snapshot

1. Before anything else, because the passwords in it are fixed when the database is first made:

\`\`\`sh
install -d -m 0700 -o 9999 -g 0 ${quote(layout.data)} ${quote(`${layout.data}/source`)}
install -m 0600 -o 9999 -g 0 ${ENV_PATH} ${quote(layout.env)}
\`\`\`

2. Install the same version of Coolify:

\`\`\`sh
curl -fsSL https://cdn.coollabs.io/coolify/install.sh | USER=root bash -s ${version}
\`\`\`

3. Stop what writes; the database stays up:

\`\`\`sh
docker stop coolify coolify-realtime coolify-redis
\`\`\`

4. Restore the dump into a new database and swap it in:

\`\`\`sh
echo 'CREATE DATABASE incoming TEMPLATE template0' | ${psql}
docker exec -i ${container} pg_restore --exit-on-error --no-owner --no-acl -U ${quote(database.user)} -d incoming < ${DUMP_PATH}
${psql} <<'END'
ALTER DATABASE ${name} RENAME TO former;
ALTER DATABASE incoming RENAME TO ${name};
END
\`\`\`

5. Start Coolify. It writes its key folder anew from the database, with the APP_KEY of step 1:

\`\`\`sh
docker start coolify-redis coolify-realtime coolify
\`\`\`

   Should the folder stay empty, APP_KEY is not the one of this database. The files are here too:

\`\`\`sh
install -d -m 0700 -o 9999 -g 0 ${quote(layout.keys)}
tar -xzpf ${KEY_ARCHIVE_PATH} -C ${quote(layout.keys)}
\`\`\`
`;
}

function identity(layout: Layout): string {
  return `6. The way in, for Coolify's own key and for people, beside what stands there already:

\`\`\`sh
install -d -m 0700 ${quote(layout.rootSsh)}
cat ${AUTHORIZED_KEYS_PATH} >> ${quote(layout.authorizedKeys)}
chmod 600 ${quote(layout.authorizedKeys)}
\`\`\`

7. Last, the identity of the host, so that nobody sees a changed host key. Of two files of one name the second stands in a folder
   of its own below \`${HOST_KEY_FOLDER}/\`.

\`\`\`sh
cp ${HOST_KEY_FOLDER}/ssh_host_* ${quote(layout.systemSsh)}/
chmod 600 ${quote(layout.systemSsh)}/ssh_host_*_key
find ${HOST_KEY_FOLDER} -maxdepth 1 -name 'id_*' -exec cp {} ${quote(layout.rootSsh)}/ ';'
"$(command -v sshd || echo /usr/sbin/sshd)" -t
\`\`\`

   Then \`systemctl reload ssh\` (\`sshd\` on Red Hat and its kin), and log in from a second terminal before you leave the first.

8. What stands below \`backups/extra/\` goes to the same path on the host; the manifest tells owner and mode. When all is well:
   \`DROP DATABASE former\`.
`;
}
