import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { findLegacyPassword, legacyDecryptionStream } from '../../archive/legacy-openssl.js';
import { type AdoptedState, adoptLegacyState } from '../../coolify/legacy/state.js';
import { StateError } from '../../core/errors.js';
import type { TaskReporter } from '../../engine/task.js';
import type { Generations } from '../../state/generations.js';
import { TOOL } from '../../tool.js';
import type { SnapshotFile } from './file.js';
import { findFolder, type OpenedSnapshot, unpackArchive } from './unpack-snapshot.js';

export interface LegacySettings {
  readonly host: string;
  /** The key file whose first line was the password (`backup_encryption_key_path`). */
  readonly identityPath: string;
  /** Where a person says it. */
  readonly coolifyVersion?: string | undefined;
  readonly createdAt?: Date | undefined;
}

/** What an old archive turned into: a generation in a scratch folder. */
export interface OpenedLegacy extends OpenedSnapshot, AdoptedState {
  /** SHA-256 (hex) of the archive. */
  readonly sha256: string;
}

/** Said whenever such an archive is read. */
export function legacyWarning(path: string, host: string): string {
  return (
    `${path} is an archive of the replaced role, and as good as not encrypted: its password is the first line of the ` +
    'key file, the same words for every OpenSSH key there is, and nothing in it is authenticated. Make a proper ' +
    `snapshot of it with: coolify-state import ${path} --host ${host}; then delete it, and change the secrets in it ` +
    'if others could get at it'
  );
}

/**
 * Decrypts and unpacks an archive of the replaced role, and makes a generation of it.
 *
 * @throws StateError `archive.wrong-password`, `legacy.*`, and what the archive's stages say
 */
export async function unpackLegacy(
  file: SnapshotFile,
  path: string,
  settings: LegacySettings,
  scratch: Generations,
  reporter: TaskReporter,
): Promise<OpenedLegacy> {
  const hash = createHash('sha256');
  const unpacked = await unpackArchive(
    file.body,
    async () => {
      if (!file.legacy) return [];
      const { password } = await findLegacyPassword(file.head, settings.identityPath);
      return [legacyDecryptionStream(password)];
    },
    scratch,
    reporter,
    (chunk) => hash.update(chunk),
  );
  try {
    const folder = await findFolder(unpacked.folder, 'backups');
    if (folder === undefined) throw notLegacyState(path);
    const sha256 = hash.digest('hex');
    const adopted = await adoptFolder(folder, path, file.modified, sha256, settings, reporter);
    return { ...adopted, sha256, origin: path, close: unpacked.close };
  } catch (error) {
    await unpacked.close();
    throw error;
  }
}

/** Makes a generation of a folder in the role's layout. The folder is changed. */
export async function adoptFolder(
  folder: string,
  path: string,
  modified: Date,
  sha256: string,
  { host, coolifyVersion, createdAt }: LegacySettings,
  { signal, warn }: TaskReporter,
): Promise<AdoptedState & Pick<OpenedSnapshot, 'generation'>> {
  const adopted = await adoptLegacyState(
    folder,
    {
      host,
      createdAt: createdAt ?? timeInName(path) ?? modified,
      file: basename(path),
      sha256,
      coolifyVersion,
      tool: TOOL,
    },
    signal,
  );
  for (const note of adopted.notes) warn(note);
  return { ...adopted, generation: { host, folder, manifest: adopted.manifest } };
}

/** `coolify-state-web1-20251229T101112.tar.gz.enc`: the role took its host's clock, whose zone is not known; read as UTC. */
export function timeInName(path: string): Date | undefined {
  const match = /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?!\d)/.exec(basename(path));
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** The error for what is not in the layout of the role. */
export function notLegacyState(path: string): StateError {
  return new StateError({
    kind: 'proof',
    code: 'legacy.no-state',
    what: `${path} does not hold the state of a host as the replaced role kept it`,
    why: 'there is no folder "backups" in it',
    next: 'name an archive coolify-state-HOST-TIME.tar.gz.enc of the role, or its folder state/HOST',
  });
}
