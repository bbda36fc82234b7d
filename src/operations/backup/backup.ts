import { requireCompression } from '../../archive/compression.js';
import { recipientsFrom } from '../../archive/recipient-sources.js';
import { ARTIFACTS } from '../../coolify/artifacts.js';
import { requireDocker, requireUsableHost } from '../../coolify/facts.js';
import { Pull } from '../../coolify/pull.js';
import type { EventSink } from '../../engine/events.js';
import { type FailureBudget, failureLimit } from '../../engine/failure-budget.js';
import { type HostReport, runTasks } from '../../engine/run-host.js';
import { runHosts } from '../../engine/run-hosts.js';
import { outOf, readTask, type Task, type TaskReporter, workTask } from '../../engine/task.js';
import { prepareRepository, type RepositorySettings } from '../../repository/open.js';
import type { Proof } from '../../state/manifest.js';
import { openStateFolder, type StateFolder } from '../../state/state-folder.js';
import type { HostConfig } from '../hosts/host-config.js';
import { openingTasks } from '../hosts/host-session.js';
import {
  askEarly,
  BackupContext,
  commitGeneration,
  lastGeneration,
  manifestOf,
  pullOf,
  totalSize,
} from './context.js';
import type { Round } from './round.js';
import {
  compareWithApi,
  instanceFrom,
  provePull,
  refuseOtherInstance,
  requireCoolify,
  settleKeyFolder,
} from './run.js';
import { whatChanged } from './unchanged.js';
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
  /** Makes no generation and no snapshots of a state that is that of the newest ones. */
  readonly skipUnchanged?: boolean | undefined;
  /** Of a fleet: a repository that has a snapshot of this round gets no other. */
  readonly round?: Round | undefined;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

export interface BackupReport extends HostReport {
  readonly generation?: { readonly id: string; readonly folder: string; readonly bytes: number };
  readonly proofs: readonly Proof[];
  readonly snapshots: readonly UploadedSnapshot[];
  /** The generation that is still the state of the host, where `skipUnchanged` kept it from being made anew. */
  readonly unchangedSince?: { readonly id: string; readonly createdAt: string };
  /** Bytes that went over the wire of the connection to the host, where that can be told: not through a proxy command. */
  readonly traffic?: { readonly received: number; readonly sent: number };
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
      await context.early.end();
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
      // While the host works on what is pulled.
      config.repositories.forEach(prepareRepository);
      return session.facts.containers.find(({ name }) => name === 'coolify')?.image;
    }),
    ...ARTIFACTS.map(({ title, name, pull }) => pulling(`pull ${title}`, pull, name)),
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
    ...(options.skipUnchanged === true ? [lookingForChanges()] : []),
    {
      name: 'commit the generation',
      kind: 'change',
      inspect: ({ unchangedSince }) =>
        Promise.resolve(
          unchangedSince === undefined
            ? { summary: `replace state/${config.name} in one step` }
            : { unchanged: `${unchangedSince.manifest.id} is still the state` },
        ),
      apply: commitGeneration,
    },
    ...config.repositories.map((repository) => uploading(repository, options)),
    // Late: the API may take longer to answer than everything before, and its answer decides nothing.
    workTask('compare with the API', async (context, reporter) => {
      return await compareWithApi(pullOf(context), context.keys, context.asked, reporter);
    }),
    {
      name: 'drop old generations',
      kind: 'change',
      inspect: async ({ session }) => {
        const surplus = (await session.generations.surplus(config.keepGenerations)).length;
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

/** A step that reads from the host into the staging folder. Of an artifact it was about as much the last time. */
function pulling(
  name: string,
  work: (pull: Pull, reporter: TaskReporter) => Promise<string>,
  artifact?: string,
): Task<BackupContext> {
  return workTask(name, async (context, reporter) => {
    if (context.pull === undefined) {
      const { session, config } = context;
      context.staging = await session.generations.stage();
      context.pull = new Pull(session.connection, config.layout, session.facts, config, context.staging);
      context.filesBefore = (await lastGeneration(context))?.manifest.files ?? [];
      context.early.begin(
        ARTIFACTS.filter(({ isEarly }) => isEarly === true),
        context.pull,
        reporter,
      );
    }
    const before = context.filesBefore.filter((file) => file.artifact === artifact);
    const told = outOf(totalSize(before), reporter);
    const note = await (context.early.take(artifact ?? '', told) ?? work(context.pull, told));
    await askEarly(context, context.pull, reporter.signal);
    return note;
  });
}

function uploading(
  settings: RepositorySettings,
  { waitLock = 0, round }: Pick<BackupOptions, 'waitLock' | 'round'>,
): Task<BackupContext> {
  const task = uploadTask<BackupContext>(
    settings,
    ({ generation, recipients, instance, config, snapshots }) => {
      if (generation === undefined || instance === undefined)
        throw new Error('there is no generation to upload');
      const job = { generation, instance, recipients, compression: config.compression, waitLock, round };
      return { job, stored: (snapshot) => snapshots.push(snapshot) };
    },
  );
  return {
    ...task,
    inspect: async (context, reporter) =>
      context.unchangedSince === undefined
        ? await task.inspect(context, reporter)
        : { unchanged: 'its newest snapshot is still the state' },
  };
}

function lookingForChanges(): Task<BackupContext> {
  return workTask('look for changes', async (context, { signal }) => {
    const { config, recipients } = context;
    const previous = await lastGeneration(context);
    const { folder } = pullOf(context).staging;
    const changed = await whatChanged({
      previous,
      now: { host: config.name, folder, manifest: manifestOf(context) },
      repositories: config.repositories,
      recipients: recipients.map(({ fingerprint }) => fingerprint),
      signal,
    });
    if (changed === undefined) context.unchangedSince = previous;
    return changed ?? `nothing has changed since ${previous?.manifest.id}`;
  });
}

function withFindings(report: HostReport, context: BackupContext): BackupReport {
  const { generation, proofs, snapshots, unchangedSince, session } = context;
  const { traffic } = session;
  return {
    ...report,
    proofs,
    snapshots,
    ...(traffic !== undefined && { traffic }),
    ...(unchangedSince !== undefined && {
      unchangedSince: { id: unchangedSince.manifest.id, createdAt: unchangedSince.manifest.createdAt },
    }),
    ...(generation !== undefined && {
      generation: {
        id: generation.manifest.id,
        folder: generation.folder,
        bytes: totalSize(generation.manifest.files),
      },
    }),
  };
}
