import { pipeline } from 'node:stream/promises';
import { gzipStream } from '../../archive/gzip.js';
import { packEntries, type TarEntry } from '../../archive/tar.js';
import { StateError } from '../../core/errors.js';
import type { TaskReporter } from '../../engine/task.js';
import type { Artifact } from '../artifact.js';
import { compareManagedKeys } from '../compare/keys.js';
import {
  folderDigest,
  folderDigestCommand,
  type KeyEntry,
  keyFilesOf,
  readKeyFolder,
} from '../key-folder.js';
import { missingArtifact, type Pull } from '../pull.js';
import { packFolder } from '../remote-files.js';
import { applyManagedKeys, inspectManagedKeys } from '../restore/managed-keys.js';
import { KEY_ARCHIVE_PATH } from '../stored-paths.js';

export const managedKeys: Artifact = {
  name: 'managed-keys',
  title: "archive of Coolify's SSH keys",
  onHost: '/data/coolify/ssh/keys/',
  inState: KEY_ARCHIVE_PATH,
  required: true,
  isEarly: true,
  proof: 'each file equals its row in the dump',
  commands: ({ layout }) => [
    { purpose: managedKeys.title, command: packFolder(layout.keys), input: 'nothing' },
    { purpose: 'whether the key folder moved', command: folderDigestCommand(layout.keys), input: 'nothing' },
  ],
  async pull(pull: Pull, reporter: TaskReporter): Promise<string> {
    const folder = pull.layout.keys;
    const { self, files, ignored } = await readKeyFolder(pull.connection, folder, reporter.signal);
    if (files.length === 0) throw missingArtifact(managedKeys.title, folder, 'is empty or does not exist');
    for (const name of ignored) reporter.warn(`${folder}/${name} is not a plain file and was left out`);
    pull.gathered.keyFiles = keyFilesOf(files);
    pull.gathered.keyFolderDigest = folderDigest(files);
    const archive = gzipStream();
    const packed = packEntries(archiveEntries(self, files));
    const stored = pull.store({ path: KEY_ARCHIVE_PATH, artifact: managedKeys.name }, archive, reporter);
    await Promise.all([pipeline(packed, archive, { signal: reporter.signal }), stored]);
    return `${files.length} files`;
  },
  compare: compareManagedKeys,
  restore: {
    phase: 'access',
    why: 'with them Coolify reaches its servers; after the start, which empties the folder',
    inspect: inspectManagedKeys,
    apply: applyManagedKeys,
  },
};

/** Entries named as `tar -C keys -c .` names them, which is how such archives have always looked. */
function* archiveEntries(
  self: KeyEntry['header'] | undefined,
  files: readonly KeyEntry[],
): Generator<TarEntry> {
  if (self !== undefined)
    yield { header: { ...self, path: './', type: 'directory', size: 0 }, content: Buffer.alloc(0) };
  for (const { header, content } of files) {
    yield { header: { ...header, path: `./${header.path}`, size: content.length }, content };
  }
}

/** The error for a key folder that changes faster than it can be read. */
export function movingKeyFolder(folder: string): StateError {
  return new StateError({
    kind: 'failed',
    code: 'artifact.moving',
    what: `${folder} kept changing while it was read`,
    why: 'keys were being added or removed during the backup',
    next: 'run the backup again when nobody is editing keys',
  });
}
