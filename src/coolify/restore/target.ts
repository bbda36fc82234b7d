import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StateError } from '../../core/errors.js';
import { Secret } from '../../core/secret.js';
import type { Connection } from '../../ssh/connection.js';
import type { Generation } from '../../state/generations.js';
import type { ManifestFile } from '../../state/manifest.js';
import { type KeyRing, keyRingOf } from '../app-key.js';
import { EnvFile } from '../env-file.js';
import type { HostFacts } from '../facts.js';
import { type Instance, instanceOf } from '../instance.js';
import type { Layout } from '../layout.js';
import {
  APP_KEY_PATH,
  AUTHORIZED_KEYS_PATH,
  DUMP_PATH,
  ENV_PATH,
  KEY_ARCHIVE_PATH,
} from '../stored-paths.js';
import type { RestoreNotes } from './notes.js';

/** A generation opened for a restore: its files on disk, and what they say. */
export interface Source {
  readonly generation: Generation;
  readonly instance: Instance;
  readonly env: EnvFile;
  readonly ring: KeyRing;
}

/** @throws StateError `snapshot.incomplete` (kind `proof`), `manifest.instance`, `app-key.invalid` */
export async function openSource(generation: Generation): Promise<Source> {
  for (const path of [ENV_PATH, APP_KEY_PATH, DUMP_PATH, KEY_ARCHIVE_PATH, AUTHORIZED_KEYS_PATH]) {
    if (await isFile(join(generation.folder, path))) continue;
    throw new StateError({
      kind: 'proof',
      code: 'snapshot.incomplete',
      what: `The snapshot ${generation.manifest.id} cannot be restored`,
      why: `${path} is not in it`,
      next: 'choose another one from "coolify-state snapshots"',
    });
  }
  const env = EnvFile.parse(await readFile(join(generation.folder, ENV_PATH), 'utf8'));
  return {
    generation,
    env,
    instance: instanceOf(generation.manifest),
    ring: keyRingOf(
      env,
      `${generation.manifest.host} (${generation.manifest.id})`,
      (text) => new Secret(text),
    ),
  };
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}

/**
 * - `bare`: no volume of Coolify's database: nothing on the host fixes a password, the whole `.env` may be put down;
 * - `installed`: a volume exists, whose password stays.
 */
export type TargetKind = 'bare' | 'installed';

export interface TargetMode {
  /** Whether this run goes on with one that broke off. */
  readonly resumed: boolean;
  /** Which artifacts are to be put back. */
  readonly wants: (artifact: string) => boolean;
  /** Version of Coolify that the target is to have. The snapshot's, unless a newer one may stay. */
  readonly version?: string;
  /** It reaches no network: containers are made anew from the images it has, without the installer. */
  readonly offline?: boolean;
  /** The former state of this very host comes back, to the byte: nothing is merged, nothing held still. */
  readonly exact?: boolean;
}

/** A host that is being restored, and what this run has done to it so far. */
export class Target {
  /** In what the database differs from the snapshot's; undefined until somebody looked. */
  databaseDifferences: readonly string[] | undefined;
  /** Whether sshd was told to present other host keys. */
  hostKeysChanged = false;
  /** Whether Coolify will be started by this run, and so held still at first; undefined until somebody looked. */
  held: boolean | undefined;
  readonly resumed: boolean;
  readonly wants: (artifact: string) => boolean;
  readonly version: string;
  readonly exact: boolean;
  readonly offline: boolean;

  constructor(
    public connection: Connection,
    public facts: HostFacts,
    readonly layout: Layout,
    readonly source: Source,
    readonly kind: TargetKind,
    /** What an earlier, broken-off restore of the same snapshot wrote down, or this one did. */
    public notes: RestoreNotes,
    mode: TargetMode,
  ) {
    this.resumed = mode.resumed;
    this.wants = mode.wants;
    this.version = mode.version ?? source.instance.coolify.version;
    this.exact = mode.exact ?? false;
    this.offline = mode.offline ?? false;
  }

  /** Whether a newer Coolify than the snapshot's stays, and brings the restored database up to itself. */
  get migrates(): boolean {
    return this.version !== this.source.instance.coolify.version;
  }

  /** Whether the database was looked at and found to be the snapshot's. */
  get databaseMatches(): boolean {
    return this.databaseDifferences?.length === 0;
  }

  /** Files of an artifact, as the manifest lists them. */
  files(artifact: string): ManifestFile[] {
    return this.source.generation.manifest.files.filter((file) => file.artifact === artifact);
  }

  localPath(path: string): string {
    return join(this.source.generation.folder, path);
  }

  file(path: string): ManifestFile | undefined {
    return this.source.generation.manifest.files.find((file) => file.path === path);
  }
}
