import { failedProofs } from '../coolify/proofs.js';
import { openSource } from '../coolify/target.js';
import type { Secret } from '../core/secret.js';
import type { EventSink } from '../engine/events.js';
import { type HostReport, runTasks } from '../engine/run-host.js';
import { runHosts } from '../engine/run-hosts.js';
import { readTask, type Task } from '../engine/task.js';
import { openRepository } from '../repository/open.js';
import { SnapshotRepository } from '../repository/snapshots.js';
import type { Lock } from '../state/lock.js';
import type { Proof } from '../state/manifest.js';
import { openStateFolder, type StateFolder } from '../state/state-folder.js';
import type { HostConfig } from './host-config.js';
import { noRepository, type OpenedSnapshot, openSnapshot, type SnapshotChoice } from './snapshot-source.js';
import { proveSource, unprovenSnapshot } from './verify-generation.js';

export interface VerifyOptions {
  readonly stateRoot: string;
  readonly from: SnapshotChoice;
  /** Decrypt, and prove what is inside; otherwise the stored bytes are held against the sidecar, without a key. */
  readonly readData: boolean;
  readonly forks: number;
  readonly passphrase?: (path: string) => Promise<Secret>;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

export interface VerifyReport extends HostReport {
  readonly proofs: readonly Proof[];
}

/** Proves a snapshot of each host without a target. */
export async function verify(hosts: readonly HostConfig[], options: VerifyOptions): Promise<VerifyReport[]> {
  const state = await openStateFolder(options.stateRoot);
  return await runHosts(hosts, options.forks, (host) => verifyHost(host, state, options));
}

interface VerifyContext {
  lock: Lock | undefined;
  opened: OpenedSnapshot | undefined;
  proofs: readonly Proof[];
}

async function verifyHost(
  config: HostConfig,
  state: StateFolder,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const context: VerifyContext = { lock: undefined, opened: undefined, proofs: [] };
  const { signal, emit, from } = options;
  const stored = from.kind === 'latest' || from.kind === 'id';
  try {
    const tasks = options.readData || !stored ? dataTasks(config, state, options) : storedTasks(config, from);
    const report = await runTasks(config.name, tasks, context, { check: false, signal, emit });
    return { ...report, proofs: context.proofs };
  } finally {
    await context.opened?.close();
    await context.lock?.release();
  }
}

/** Existence, size and checksum of what is stored. */
function storedTasks(
  config: HostConfig,
  from: SnapshotChoice & { kind: 'latest' | 'id' },
): Task<VerifyContext>[] {
  if (config.repositories.length === 0) {
    return [readTask('find the repository', () => Promise.reject(noRepository(config.name)))];
  }
  return config.repositories.map((settings) =>
    readTask('read the stored bytes', async (context, { signal, moved }) => {
      const repository = await openRepository(settings);
      try {
        const snapshots = new SnapshotRepository(repository);
        const found = await snapshots.find(config.name, from.kind === 'latest' ? 'latest' : from.id, {
          signal,
        });
        let read = 0;
        await snapshots.verify(found, {
          signal,
          onProgress: (bytes) => {
            moved(bytes - read);
            read = bytes;
          },
        });
        const detail = `${found.id} in ${repository.location}: ${found.sidecar.size} bytes equal their SHA-256`;
        context.proofs = [...context.proofs, { name: 'stored-bytes', ok: true, detail }];
        return detail;
      } finally {
        await repository.close();
      }
    }),
  );
}

/** Everything that is inside. */
function dataTasks(config: HostConfig, state: StateFolder, options: VerifyOptions): Task<VerifyContext>[] {
  const generations = state.generations(config.name);
  return [
    readTask('lock the state', async (context) => {
      context.lock = await state.lock(config.name, 'coolify-state verify');
      await generations.recover();
      return undefined;
    }),
    readTask('fetch the snapshot', async (context, reporter) => {
      const { repositories, identityPath } = config;
      const source = { host: config.name, repositories, identityPath };
      context.opened = await openSnapshot(
        options.from,
        { ...source, ...(options.passphrase !== undefined && { passphrase: options.passphrase }) },
        { kept: generations, scratch: generations },
        reporter,
      );
      return context.opened.origin;
    }),
    readTask('prove the snapshot', async (context, reporter) => {
      if (context.opened === undefined) throw new Error('no snapshot was opened');
      const { proofs, warnings } = await proveSource(
        await openSource(context.opened.generation),
        reporter.signal,
      );
      context.proofs = proofs;
      for (const warning of warnings) reporter.warn(warning);
      const failed = failedProofs(proofs);
      if (failed.length > 0) throw unprovenSnapshot(context.opened.origin, failed);
      return proofs.map(({ name }) => name).join(', ');
    }),
  ];
}
