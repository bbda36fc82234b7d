import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requireCompression } from '../archive/compression.js';
import { recipientsFrom } from '../archive/recipient-sources.js';
import type { NamedRecipient } from '../archive/recipients.js';
import { ARTIFACTS } from '../coolify/artifacts.js';
import { requireDocker, requireUsableHost } from '../coolify/facts.js';
import type { Instance } from '../coolify/instance.js';
import type { ManagedKey } from '../coolify/managed-keys.js';
import { Pull } from '../coolify/pull.js';
import { recoveryGuide } from '../coolify/recovery-guide.js';
import { GUIDE_PATH, TOKEN_PATH } from '../coolify/stored-paths.js';
import { Secret } from '../core/secret.js';
import type { EventSink } from '../engine/events.js';
import { type FailureBudget, failureLimit } from '../engine/failure-budget.js';
import { type HostReport, runTasks } from '../engine/run-host.js';
import { runHosts } from '../engine/run-hosts.js';
import { readTask, type Task, type TaskReporter, workTask } from '../engine/task.js';
import type { RepositorySettings } from '../repository/open.js';
import type { Generation, Staging } from '../state/generations.js';
import type { Manifest, Proof } from '../state/manifest.js';
import { openStateFolder, type StateFolder } from '../state/state-folder.js';
import { TOOL } from '../tool.js';
import {
  compareWithApi,
  instanceFrom,
  provePull,
  refuseOtherInstance,
  requireCoolify,
  settleKeyFolder,
} from './backup-run.js';
import type { HostConfig } from './host-config.js';
import { HostSession, openingTasks } from './host-session.js';
import { type UploadedSnapshot, uploadTask } from './upload.js';

export interface BackupOptions {
  readonly stateRoot: string;
  readonly forks: number;
  /** How many hosts may fail before no further one is begun; without it all are tried. */
  readonly maxFailures?: FailureBudget | undefined;
  /** How long to wait for another run that works on a host's snapshots in a repository, milliseconds; 0 by default. */
  readonly waitLock?: number | undefined;
  /** Only look: connect, gather facts, and tell what would be done. */
  readonly check: boolean;
  /** Another instance than before may replace the last generation. */
  readonly acceptNewInstance: boolean;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

export interface BackupReport extends HostReport {
  readonly generation?: { readonly id: string; readonly folder: string; readonly bytes: number };
  readonly proofs: readonly Proof[];
  readonly snapshots: readonly UploadedSnapshot[];
}

/** Backs up hosts, several at once. Never throws for what happens on a host: its report says it. */
export async function backup(hosts: readonly HostConfig[], options: BackupOptions): Promise<BackupReport[]> {
  const state = await openStateFolder(options.stateRoot);
  const limit = failureLimit(
    options.maxFailures,
    hosts,
    options.emit,
    ({ name }) => name,
    (report): BackupReport => ({ ...report, proofs: [], snapshots: [] }),
  );
  return await runHosts(hosts, options.forks, (host) => backupHost(host, state, options), limit);
}

/** What the steps of a backup share. */
class BackupContext {
  readonly session: HostSession;
  recipients: readonly NamedRecipient[] = [];
  pull: Pull | undefined;
  staging: Staging | undefined;
  keys: readonly ManagedKey[] = [];
  proofs: readonly Proof[] = [];
  instance: Instance | undefined;
  generation: Generation | undefined;
  readonly snapshots: UploadedSnapshot[] = [];

  constructor(
    readonly config: HostConfig,
    state: StateFolder,
  ) {
    this.session = new HostSession(config, state, 'coolify-state backup');
  }
}

async function backupHost(
  config: HostConfig,
  state: StateFolder,
  options: BackupOptions,
): Promise<BackupReport> {
  const context = new BackupContext(config, state);
  const { check, signal, emit } = options;
  try {
    const tasks = backupTasks(config, options);
    const report = await runTasks(config.name, tasks, context, { check, signal, emit });
    return withFindings(report, context);
  } finally {
    try {
      await context.staging?.discard();
    } finally {
      await context.session.close();
    }
  }
}

function backupTasks(config: HostConfig, options: BackupOptions): Task<BackupContext>[] {
  return [
    // Before anything is pulled: a backup that could not be encrypted is not begun.
    readTask('read the recipients', async (context) => {
      if (config.repositories.length === 0) return 'uploads are switched off';
      requireCompression(config.compression);
      context.recipients = await recipientsFrom(config.recipients);
      return context.recipients.map(({ fingerprint }) => fingerprint).join(', ');
    }),
    ...openingTasks<BackupContext>(),
    readTask('look for Coolify', async ({ session }) => {
      requireUsableHost(session.facts);
      requireDocker(session.facts);
      requireCoolify(session.facts);
      return session.facts.containers.find(({ name }) => name === 'coolify')?.image;
    }),
    ...ARTIFACTS.map((artifact) => pulling(`pull ${artifact.title}`, artifact.pull)),
    pulling('settle the key folder', settleKeyFolder),
    workTask('prove what was pulled', async (context, reporter) => {
      const pull = pullOf(context);
      const { proofs, keys } = provePull(pull, reporter);
      context.proofs = proofs;
      context.keys = keys;
      context.instance = instanceFrom(pull, keys);
      if (!options.acceptNewInstance) {
        refuseOtherInstance(await lastGeneration(context), context.instance);
      }
      return proofs.map(({ name }) => name).join(', ');
    }),
    workTask('compare with the API', async (context, reporter) => {
      const pull = pullOf(context);
      return await compareWithApi(pull, context.keys, await savedToken(pull), reporter);
    }),
    {
      name: 'commit the generation',
      kind: 'change',
      inspect: () => Promise.resolve({ summary: `replace state/${config.name} in one step` }),
      apply: commitGeneration,
    },
    ...config.repositories.map((repository) => uploading(repository, options.waitLock ?? 0)),
    {
      name: 'drop old generations',
      kind: 'change',
      inspect: async ({ session }) => {
        const surplus = (await session.generations.all()).length - config.keepGenerations;
        return surplus > 0
          ? { summary: `remove ${surplus}` }
          : { unchanged: `at most ${config.keepGenerations} are kept` };
      },
      apply: async ({ session }) => {
        const removed = await session.generations.rotate(config.keepGenerations);
        return `removed ${removed.map(({ manifest }) => manifest.id).join(', ')}`;
      },
    },
  ];
}

/** A step that reads from the host into the staging folder. */
function pulling(
  name: string,
  work: (pull: Pull, reporter: TaskReporter) => Promise<string>,
): Task<BackupContext> {
  return workTask(name, async (context, reporter) => {
    if (context.pull === undefined) {
      const { session, config } = context;
      context.staging = await session.generations.stage();
      context.pull = new Pull(session.connection, config.layout, session.facts, config, context.staging);
    }
    return await work(context.pull, reporter);
  });
}

async function commitGeneration(context: BackupContext): Promise<string> {
  const { config, staging, instance, proofs } = context;
  const pull = pullOf(context);
  if (staging === undefined || instance === undefined) throw new Error('nothing was staged');
  const createdAt = new Date();
  const id = `${createdAt.toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '')}-${randomBytes(3).toString('hex')}`;
  await pull.store(
    { path: GUIDE_PATH, artifact: 'recovery-guide' },
    Buffer.from(recoveryGuide(config.name, id, instance, config.layout)),
    {
      signal: AbortSignal.timeout(60_000),
      moved: () => undefined,
      line: () => undefined,
      warn: () => undefined,
    },
  );
  const manifest: Manifest = {
    format: 1,
    id,
    host: config.name,
    createdAt: createdAt.toISOString(),
    tool: TOOL,
    files: [...pull.files].sort((a, b) => (a.path < b.path ? -1 : 1)),
    proofs: [...proofs],
    instance,
  };
  context.generation = await staging.commit(manifest);
  context.staging = undefined;
  return `${id}, ${manifest.files.length} files`;
}

function uploading(settings: RepositorySettings, waitLock: number): Task<BackupContext> {
  return uploadTask(settings, ({ generation, recipients, instance, config, snapshots }) => {
    if (generation === undefined || instance === undefined)
      throw new Error('there is no generation to upload');
    const job = { generation, instance, recipients, compression: config.compression, waitLock };
    return { job, stored: (snapshot) => snapshots.push(snapshot) };
  });
}

async function savedToken(pull: Pull): Promise<Secret | undefined> {
  if (!pull.taken(TOKEN_PATH)) return undefined;
  return new Secret(await readFile(join(pull.staging.folder, TOKEN_PATH), 'utf8'));
}

/** The newest that can be read; what a restore kept aside is none. */
async function lastGeneration({ session }: BackupContext): Promise<Generation | undefined> {
  return (await session.generations.all()).find(({ manifest }) => !manifest.id.startsWith('safety-'));
}

function pullOf({ pull }: BackupContext): Pull {
  if (pull === undefined) throw new Error('nothing was pulled');
  return pull;
}

function withFindings(report: HostReport, { generation, proofs, snapshots }: BackupContext): BackupReport {
  return {
    ...report,
    proofs,
    snapshots,
    ...(generation !== undefined && {
      generation: {
        id: generation.manifest.id,
        folder: generation.folder,
        bytes: generation.manifest.files.reduce((sum, { size }) => sum + size, 0),
      },
    }),
  };
}
