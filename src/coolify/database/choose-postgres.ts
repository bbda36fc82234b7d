import type { Inspection, Task } from '../../engine/task.js';
import { COOLIFY_UID } from '../layout.js';
import { dumpMajor } from '../restore/needs.js';
import type { Target } from '../restore/target.js';

/** What the compose files of Coolify's installer bring. A dump of a newer one needs a newer one. */
const INSTALLED_MAJOR = 15;

/**
 * On a bare host the installer would bring a PostgreSQL that is too old for the dump of an instance whose database was upgraded. The
 * override that Coolify's own upgrade writes, put down before, has it use the dump's version, in the volume that it
 * would have there.
 */
export const choosePostgres: Pick<Task<Target>, 'name' | 'why' | 'inspect' | 'apply'> = {
  name: 'choose the version of PostgreSQL',
  why: 'a dump goes into the same or a newer version only',
  async inspect(target): Promise<Inspection> {
    const major = dumpMajor(target.source.instance);
    if (major <= INSTALLED_MAJOR) return { unchanged: `the installer's takes a dump of PostgreSQL ${major}` };
    const path = overridePath(target);
    if ((await target.connection.files.stat(path)) !== undefined) return { unchanged: `${path} is there` };
    return {
      summary: `have the installer use PostgreSQL ${major}, in the volume coolify-db-pg${major}`,
      diff: [`write ${path}`],
    };
  },
  async apply(target) {
    const content = Buffer.from(postgresOverride(dumpMajor(target.source.instance)));
    await target.connection.files.write(overridePath(target), content, {
      mode: 0o600,
      uid: COOLIFY_UID,
      gid: 0,
    });
    return undefined;
  },
};

/**
 * The override for compose, as Coolify's upgrade-postgres.sh writes it; the volume is made by compose.
 *
 * From 18 on the image keeps its data one folder further down, and does not begin a new database where a volume lies in the
 * place of older versions: compose's own file mounts it there, so that the override has to replace that list, not add to it.
 * Coolify's script gets by without, because it fills the volume before.
 */
export function postgresOverride(major: number): string {
  const volumes =
    major >= 18
      ? 'volumes: !override\n      - coolify-db:/var/lib/postgresql'
      : 'volumes:\n      - coolify-db:/var/lib/postgresql/data';
  return `services:
  postgres:
    image: "postgres:${major}-alpine"
    ${volumes}
volumes:
  coolify-db:
    name: "coolify-db-pg${major}"
`;
}

function overridePath({ layout }: Target): string {
  return `${layout.data}/source/docker-compose.postgres-upgrade.yml`;
}
