import { ARTIFACTS } from '../../coolify/artifacts.js';

/** The artifacts that notes or the record of a restore speak of; those of older versions do not say it, and mean all. */
export function partsOf({ parts }: { readonly parts?: readonly string[] | undefined }): readonly string[] {
  return parts ?? ARTIFACTS.map(({ name }) => name);
}

/** What putting back some artifacts only means for how they fit together with what stays; empty for all. */
export function consistencyOf(wants: (artifact: string) => boolean): string[] {
  const restorable = ARTIFACTS.filter(({ restore }) => restore !== undefined).map(({ name }) => name);
  const left = restorable.filter((name) => !wants(name));
  if (left.length === 0) return [];
  const says = (when: boolean, text: string): string[] => (when ? [text] : []);
  const [database, env, keys] = [wants('database'), wants('env'), wants('managed-keys')];
  return [
    `left as they are: ${left.join(', ')}`,
    ...says(
      database !== env,
      'database and env belong together by APP_KEY: one alone is put back only where both sides have the same key',
    ),
    ...says(
      database && !keys,
      'the key files stay as they are until Coolify starts, which writes them anew from the restored database',
    ),
    ...says(
      keys && !database,
      "the key files go back to the snapshot's moment, the database does not: Coolify's next start writes the files from the database again",
    ),
    ...says(
      database && !wants('authorized-keys'),
      'if the restored database has another key to its own host than authorized_keys admits, Coolify cannot reach localhost',
    ),
    ...says(
      database && !wants('api-token'),
      'the saved API token stays as it is, and is dead if the restored database does not know it',
    ),
    ...says(
      wants('api-token') && !database,
      'the saved API token goes back, and works only if the present database knows it',
    ),
    ...says(
      (database || env) && !wants('host-keys'),
      'the host keeps its own host keys: whoever knew the original is asked about them',
    ),
  ];
}
