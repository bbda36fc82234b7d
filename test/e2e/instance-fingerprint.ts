import { onHost } from './lab.js';

/** What must be the same before a loss and after a restore, read on the host itself and not through the program. */
export interface InstanceFingerprint {
  /** For each table its rows, in order of their text, as one hash; for each sequence where it stands; the schema. */
  readonly database: string;
  /** Hash, owner and mode of each file that makes the controller what it is. */
  readonly files: string;
}

const DATABASE = `
docker exec -i coolify-db psql -XqAt -v ON_ERROR_STOP=1 -U coolify -d coolify <<'SQL'
SELECT format('SELECT %L, count(*), md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), %L)) FROM %I t', tablename, '', tablename)
FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename \\gexec
SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2;
SQL
# pg_dump writes a random key into two lines, \\restrict and \\unrestrict.
docker exec coolify-db pg_dump -U coolify --schema-only --no-owner coolify | grep -v restrict | sha256sum
`;

const FILES = `
for file in /data/coolify/source/.env /data/coolify/ansible-token /data/coolify/ssh/keys/* /root/.ssh/authorized_keys /root/.ssh/id_* /etc/ssh/ssh_host_*; do
  case $file in *.lock) continue ;; esac
  [ -f "$file" ] || continue
  printf '%s %s\\n' "$(stat -c '%u:%g %a %n' "$file")" "$(sha256sum < "$file")"
done
stat -c '%u:%g %a %n' /data/coolify/ssh/keys
`;

export async function fingerprintOf(host: string): Promise<InstanceFingerprint> {
  return { database: await onHost(host, DATABASE), files: await onHost(host, FILES) };
}

/** The public host keys that sshd presents on a port, sorted. */
export const PRESENTED_KEYS = `ssh-keyscan -p "$1" 127.0.0.1 2>/dev/null | cut -d' ' -f2,3 | sort`;
