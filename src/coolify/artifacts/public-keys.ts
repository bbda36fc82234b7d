import type { TaskReporter } from '../../engine/task.js';
import { mapConcurrently } from '../../repository/map-concurrently.js';
import type { Artifact } from '../artifact.js';
import { openKeyRow, publicKeyFileNames } from '../managed-keys.js';
import type { Pull } from '../pull.js';
import { PUBLIC_KEY_FOLDER } from '../stored-paths.js';

/** Each is synced on its own: the disk has more than one in work. */
const FILES_AT_ONCE = 8;

export const publicKeys: Artifact = {
  name: 'public-keys',
  title: "public keys of Coolify's UI",
  onHost: 'rows of private_keys, opened with APP_KEY',
  inState: `${PUBLIC_KEY_FOLDER}/<key_name>.pub`,
  required: true,
  proof: 'derived from the rows themselves: all teams, whatever the API shows',
  async pull(pull: Pull, reporter: TaskReporter): Promise<string> {
    const ring = pull.need('ring');
    const rows = pull.need('dump').keyRows;
    const names = publicKeyFileNames(rows);
    const stored = await mapConcurrently(rows, FILES_AT_ONCE, async (row) => {
      const opened = openKeyRow(row, ring);
      // A row that does not open is a failed proof of its own, which names it.
      if (!('key' in opened)) return false;
      await pull.store(
        { path: `${PUBLIC_KEY_FOLDER}/${names.get(row.uuid)}`, artifact: publicKeys.name, title: row.name },
        Buffer.from(`${opened.key.publicLine}\n`),
        reporter,
      );
      return true;
    });
    return `${stored.filter(Boolean).length} keys`;
  },
};
