import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { recipientsFrom } from '../../archive/recipient-sources.js';
import type { NamedRecipient } from '../../archive/recipients.js';
import { requireKnownVersion } from '../../coolify/instance.js';
import { failedProofs } from '../../coolify/proofs.js';
import { openSource } from '../../coolify/restore/target.js';
import type { EventSink } from '../../engine/events.js';
import { type HostReport, runTasks } from '../../engine/run-host.js';
import { readTask, type Task } from '../../engine/task.js';
import { openRepository, type RepositorySettings } from '../../repository/open.js';
import { type DescribedSnapshot, SnapshotRepository } from '../../repository/snapshots/snapshots.js';
import type { Generations } from '../../state/generations.js';
import type { Lock } from '../../state/lock.js';
import type { Proof } from '../../state/manifest.js';
import { openStateFolder } from '../../state/state-folder.js';
import { repositoryTitle, type UploadedSnapshot, uploadGeneration } from '../backup/upload.js';
import type { HostConfig } from '../hosts/host-config.js';
import { proveSource, unprovenSnapshot } from '../verify/generation.js';
import { openLegacy } from './open-legacy.js';
import { noRepository } from './source.js';
import type { OpenedLegacy } from './unpack-legacy.js';

export interface ImportOptions {
  readonly stateRoot: string;
  /** An archive of the replaced role, encrypted or not, or its folder `state/<host>`. */
  readonly path: string;
  /** Version of Coolify, where the archive does not tell it. */
  readonly coolifyVersion?: string | undefined;
  /** When it was taken, where neither its name nor its time tell that. */
  readonly createdAt?: Date | undefined;
  /** Keep it as a generation on this machine as well. */
  readonly keep: boolean;
  readonly check: boolean;
  readonly waitLock?: number | undefined;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

export interface ImportReport extends HostReport {
  readonly proofs: readonly Proof[];
  readonly snapshots: readonly UploadedSnapshot[];
  /** Where it is kept on this machine, if that was asked for. */
  readonly generation?: { readonly id: string; readonly folder: string };
}

/**
 * Makes proper snapshots of an archive of the replaced role: what can be proven is, the rest is said. The archive stays as
 * it is, and so does the state of the host on this machine unless `keep` was asked for.
 */
export async function importArchive(config: HostConfig, options: ImportOptions): Promise<ImportReport> {
  const state = await openStateFolder(options.stateRoot);
  const generations = state.generations(config.name);
  const context = new ImportContext(config, options, generations);
  const { check, signal, emit } = options;
  try {
    const lock = readTask<ImportContext>('lock the state', async () => {
      context.lock = await state.lock(config.name, 'coolify-state import');
      await generations.recover();
      return undefined;
    });
    const report = await runTasks(config.name, [lock, ...importTasks(context)], context, {
      check,
      signal,
      emit,
    });
    const { proofs, snapshots, generation } = context;
    return { ...report, proofs, snapshots, ...(generation !== undefined && { generation }) };
  } finally {
    await context.opened?.close();
    await context.lock?.release();
  }
}

class ImportContext {
  lock: Lock | undefined;
  opened: OpenedLegacy | undefined;
  recipients: readonly NamedRecipient[] = [];
  proofs: readonly Proof[] = [];
  readonly snapshots: UploadedSnapshot[] = [];
  generation: ImportReport['generation'];

  constructor(
    readonly config: HostConfig,
    readonly options: ImportOptions,
    readonly generations: Generations,
  ) {}

  get archive(): OpenedLegacy {
    if (this.opened === undefined) throw new Error('no archive was opened');
    return this.opened;
  }
}

function importTasks({ config, options }: ImportContext): Task<ImportContext>[] {
  if (config.repositories.length === 0 && !options.keep)
    return [readTask('find the repository', () => Promise.reject(noRepository(config.name)))];
  return [
    readTask('read the recipients', async (context) => {
      if (config.repositories.length === 0) return 'uploads are switched off';
      context.recipients = await recipientsFrom(config.recipients);
      return context.recipients.map(({ fingerprint }) => fingerprint).join(', ');
    }),
    readTask('read the old archive', async (context, reporter) => {
      const { path, coolifyVersion, createdAt } = options;
      const settings = { host: config.name, identityPath: config.identityPath, coolifyVersion, createdAt };
      context.opened = await openLegacy(path, settings, context.generations, reporter);
      const { manifest } = context.opened;
      return `taken at ${manifest.createdAt}, ${manifest.files.length} files`;
    }),
    readTask('prove what is in it', async (context, reporter) => {
      const { generation, instance, origin } = context.archive;
      requireKnownVersion(instance, config.name);
      const { proofs } = await proveSource(await openSource(generation), reporter.signal);
      context.proofs = proofs;
      const failed = failedProofs(proofs);
      if (failed.length > 0) throw unprovenSnapshot(origin, failed);
      return proofs.map(({ name }) => name).join(', ');
    }),
    ...config.repositories.map((settings) => publishing(settings)),
    ...(options.keep ? [keeping()] : []),
  ];
}

function publishing(settings: RepositorySettings): Task<ImportContext> {
  return {
    name: `import into ${repositoryTitle(settings)}`,
    kind: 'change',
    independent: true,
    inspect: async ({ archive, config }, { signal }) => {
      const present = await findImported(settings, config.name, archive, signal);
      if (present !== undefined) return { unchanged: `imported before, as ${present.id}` };
      return { summary: `store a snapshot of ${archive.manifest.createdAt} and read it back` };
    },
    apply: async (context, reporter) => {
      const { archive, recipients, config, options } = context;
      const { generation, instance } = archive;
      const waitLock = options.waitLock ?? 0;
      const job = { generation, instance, recipients, compression: config.compression, waitLock };
      const snapshot = await uploadGeneration(job, settings, reporter);
      context.snapshots.push(snapshot);
      return `${snapshot.key} (${snapshot.id}), read back`;
    },
  };
}

/** The snapshot that an earlier import of the very same archive made. */
async function findImported(
  settings: RepositorySettings,
  host: string,
  { sha256 }: OpenedLegacy,
  signal: AbortSignal,
): Promise<DescribedSnapshot | undefined> {
  const repository = await openRepository(settings);
  try {
    const all = await new SnapshotRepository(repository).listDescribed(host, { signal });
    return all.find(({ sidecar }) => sidecar?.importedFrom?.sha256 === sha256);
  } finally {
    await repository.close();
  }
}

/** It becomes the newest generation only where there is none: those that stand here are younger. */
function keeping(): Task<ImportContext> {
  return {
    name: 'keep it on this machine',
    kind: 'change',
    inspect: async ({ generations, archive }) => {
      const all = await generations.all();
      return all.some(({ manifest }) => manifest.id === archive.manifest.id)
        ? { unchanged: `kept already, as ${archive.manifest.id}` }
        : { summary: `keep the generation ${archive.manifest.id}` };
    },
    apply: async (context) => {
      const { generations, archive } = context;
      const staging = await generations.stage();
      try {
        const { folder } = archive.generation;
        for (const name of await readdir(folder))
          await rename(join(folder, name), join(staging.folder, name));
        const isFirst = (await generations.current().catch(() => undefined)) === undefined;
        const kept = isFirst
          ? await staging.commit(archive.manifest)
          : await generations.keepAside(staging, archive.manifest);
        context.generation = { id: archive.manifest.id, folder: kept.folder };
        return kept.folder;
      } catch (error) {
        await staging.discard();
        throw error;
      }
    },
  };
}
