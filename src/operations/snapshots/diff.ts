import { type ArtifactComparison, compareSources } from '../../coolify/compare/compare.js';
import { requireDocker, requireUsableHost } from '../../coolify/facts.js';
import { openSource, type Source } from '../../coolify/restore/target.js';
import type { Secret } from '../../core/secret.js';
import type { EventSink } from '../../engine/events.js';
import { type HostReport, runTasks } from '../../engine/run-host.js';
import { runHosts } from '../../engine/run-hosts.js';
import { readTask, type Task } from '../../engine/task.js';
import type { Staging } from '../../state/generations.js';
import { openStateFolder, type StateFolder } from '../../state/state-folder.js';
import { pullLive } from '../backup/live-generation.js';
import { requireCoolify } from '../backup/run.js';
import type { HostConfig } from '../hosts/host-config.js';
import { HostSession, openingTasks } from '../hosts/host-session.js';
import { type OpenedSnapshot, openSnapshot, type SnapshotChoice } from './source.js';

export interface DiffOptions {
  readonly stateRoot: string;
  /** The earlier side. */
  readonly from: SnapshotChoice;
  /** The later side: another snapshot, or the host as it is now. */
  readonly with: SnapshotChoice | 'live';
  /** Which artifacts to compare. */
  readonly wants: (artifact: string) => boolean;
  readonly forks: number;
  readonly passphrase?: (path: string) => Promise<Secret>;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

export interface DiffReport extends HostReport {
  /** For people: where the two sides came from. */
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** Undefined when the two sides could not be compared. */
  readonly comparisons: readonly ArtifactComparison[] | undefined;
}

/** Compares the state of each host with a snapshot, or two snapshots of it. Changes nothing anywhere. */
export async function diff(hosts: readonly HostConfig[], options: DiffOptions): Promise<DiffReport[]> {
  const state = await openStateFolder(options.stateRoot);
  return await runHosts(hosts, options.forks, (host) => diffHost(host, state, options));
}

/** Whether anything differs; undefined when nothing could be compared. */
export function differs({ comparisons }: DiffReport): boolean | undefined {
  return comparisons?.some(({ differences }) => differences.length > 0);
}

interface Side {
  readonly source: Source;
  readonly origin: string;
}

interface DiffContext {
  readonly session: HostSession;
  readonly opened: OpenedSnapshot[];
  staging: Staging | undefined;
  before: Side | undefined;
  after: Side | undefined;
  comparisons: readonly ArtifactComparison[] | undefined;
}

async function diffHost(config: HostConfig, state: StateFolder, options: DiffOptions): Promise<DiffReport> {
  const context: DiffContext = {
    session: new HostSession(config, state, 'coolify-state diff'),
    opened: [],
    staging: undefined,
    before: undefined,
    after: undefined,
    comparisons: undefined,
  };
  const { signal, emit } = options;
  try {
    const report = await runTasks(config.name, diffTasks(config, options), context, {
      check: false,
      signal,
      emit,
    });
    const { before, after, comparisons } = context;
    return { ...report, before: before?.origin, after: after?.origin, comparisons };
  } finally {
    await release(context);
  }
}

function diffTasks(config: HostConfig, options: DiffOptions): Task<DiffContext>[] {
  const { from, with: other } = options;
  return [
    ...(other === 'live'
      ? [...openingTasks<DiffContext>(), pullingLive(config)]
      : [
          readTask<DiffContext>('lock the state', async ({ session }) => {
            await session.lock();
            return undefined;
          }),
        ]),
    opening(config, options, from, 'before'),
    ...(other === 'live' ? [] : [opening(config, options, other, 'after')]),
    readTask('compare', async (context, { signal }) => {
      const { before, after } = context;
      if (before === undefined || after === undefined) throw new Error('one side is missing');
      context.comparisons = await compareSources(before.source, after.source, options.wants, signal);
      const count = context.comparisons.reduce((sum, { differences }) => sum + differences.length, 0);
      return count === 0 ? 'no difference' : `${count} differences`;
    }),
  ];
}

function pullingLive(config: HostConfig): Task<DiffContext> {
  return readTask('pull what stands on the host', async (context, reporter) => {
    const { session } = context;
    requireUsableHost(session.facts);
    requireDocker(session.facts);
    requireCoolify(session.facts);
    context.staging = await session.generations.stage();
    const { manifest, verdict } = await pullLive(session, config, context.staging, 'live-', reporter);
    for (const { ok, name, detail } of verdict.proofs) {
      if (!ok) reporter.warn(`what stands on the host is not whole (${name}: ${detail})`);
    }
    const generation = { host: config.name, folder: context.staging.folder, manifest };
    context.after = { source: await openSource(generation), origin: `${config.name} as it is now` };
    return `${manifest.files.length} files`;
  });
}

function opening(
  config: HostConfig,
  { passphrase }: DiffOptions,
  choice: SnapshotChoice,
  side: 'before' | 'after',
): Task<DiffContext> {
  return readTask(`open the snapshot (${side})`, async (context, reporter) => {
    const { repositories, identityPath, name: host } = config;
    const { generations } = context.session;
    const opened = await openSnapshot(
      choice,
      { host, repositories, identityPath, ...(passphrase !== undefined && { passphrase }) },
      { kept: generations, scratch: generations },
      reporter,
    );
    context.opened.push(opened);
    context[side] = { source: await openSource(opened.generation), origin: opened.origin };
    return opened.origin;
  });
}

async function release({ opened, staging, session }: DiffContext): Promise<void> {
  try {
    for (const snapshot of opened) await snapshot.close();
    await staging?.discard();
  } finally {
    await session.close();
  }
}
