import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import type { TaskReporter } from '../engine/task.js';
import type { Connection } from '../ssh/connection.js';
import type { Staging } from '../state/generations.js';
import { type FileOrigin, isSafeRelativePath, type ManifestFile } from '../state/manifest.js';
import type { KeyRing } from './app-key.js';
import type { DumpEvidence } from './database/dump-evidence.js';
import type { DatabaseFacts } from './database/facts.js';
import type { EnvFile } from './env-file.js';
import type { HostFacts } from './facts.js';
import type { Layout } from './layout.js';
import type { KeyFile, RowCounts } from './proofs.js';

/** What has been learned while pulling, in the order of the artifact list. Later artifacts build on earlier ones. */
export interface Gathered {
  env?: EnvFile;
  ring?: KeyRing;
  authorizedKeys?: string;
  keyFiles?: readonly KeyFile[];
  /** Hash over names and contents of the key folder, as `folderDigestCommand` prints it. */
  keyFolderDigest?: string;
  dump?: DumpEvidence;
  rowCounts?: RowCounts;
  database?: DatabaseFacts;
}

export interface PullSettings {
  readonly dumpCompression: number;
  readonly extraPaths: readonly string[];
}

/** One pull of one host into a staging folder. */
export class Pull {
  readonly files: ManifestFile[] = [];
  readonly gathered: Gathered = {};

  constructor(
    readonly connection: Connection,
    readonly layout: Layout,
    readonly facts: HostFacts,
    readonly settings: PullSettings,
    readonly staging: Staging,
  ) {}

  /** Stores a file of the generation and enters it in the manifest. */
  async store(
    file: { path: string; artifact: string; origin?: FileOrigin; title?: string },
    content: Readable | Buffer,
    reporter: TaskReporter,
  ): Promise<ManifestFile> {
    if (!isSafeRelativePath(file.path)) throw unsafeName(file.origin?.path ?? file.path);
    const writer = this.staging.create(file.path);
    const source = Buffer.isBuffer(content) ? Readable.from([content], { objectMode: false }) : content;
    await pipeline(source, writer, { signal: reporter.signal });
    const entry: ManifestFile = { ...file, ...writer.result() };
    reporter.moved(entry.size);
    this.files.push(entry);
    return entry;
  }

  /** Drops the files of an artifact, before it is pulled again. */
  async forget(artifact: string): Promise<void> {
    for (const { path } of this.files.filter((file) => file.artifact === artifact)) {
      await rm(join(this.staging.folder, path), { force: true });
    }
    const kept = this.files.filter((file) => file.artifact !== artifact);
    this.files.splice(0, this.files.length, ...kept);
  }

  /** Whether a file of that name is there already. */
  taken(path: string): boolean {
    return this.files.some((file) => file.path === path);
  }

  /** Something an earlier artifact must have brought. */
  need<Name extends keyof Gathered>(name: Name): NonNullable<Gathered[Name]> {
    const value = this.gathered[name];
    if (value === undefined || value === null)
      throw new Error(`"${name}" was not gathered before it was needed`);
    return value;
  }
}

/** The error for a required artifact that is not there or empty. */
export function missingArtifact(title: string, where: string, why: string): StateError {
  return new StateError({
    kind: 'failed',
    code: 'artifact.missing',
    what: `The ${title} could not be backed up`,
    why: `${where} ${why}`,
    next: `look at ${where} on the host (coolify_data_path says where Coolify lives); a backup without it could not be restored`,
  });
}

/** The error for a file whose name has no place in a generation. */
function unsafeName(path: string): StateError {
  return new StateError({
    kind: 'failed',
    code: 'host.file-name-unsafe',
    what: `The host has a file with a name that is not taken: ${printable(path)}`,
    why: 'control characters and backslashes mean something else elsewhere',
    next: 'rename or remove that file on the host',
  });
}
