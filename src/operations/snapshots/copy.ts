import { repositoryName, repositoryNamed } from '../../coolify/settings/repository-choice.js';
import { StateError } from '../../core/errors.js';
import type { EventSink } from '../../engine/events.js';
import { type FailureBudget, failureLimit } from '../../engine/failure-budget.js';
import { type HostReport, runTasks } from '../../engine/run-host.js';
import { runHosts } from '../../engine/run-hosts.js';
import { outOf, type Task, type TaskReporter } from '../../engine/task.js';
import { withLease } from '../../repository/lease/lease.js';
import type { RepositorySettings } from '../../repository/open.js';
import { copySnapshot, plannedCopy } from '../../repository/snapshots/copy-snapshot.js';
import type { Proof } from '../../state/manifest.js';
import type { HostConfig } from '../hosts/host-config.js';
import { lookUp, type StoredChoice, type VerifyPlace } from '../verify/selection.js';
import { noRepository } from './source.js';

export interface CopyOptions {
  /** Repositories by name (see `repositoryNamed`); all others of the host where one is not named. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly which: StoredChoice;
  readonly forks: number;
  readonly maxFailures?: FailureBudget | undefined;
  readonly check: boolean;
  readonly waitLock?: number | undefined;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

/** A snapshot that is now where it was not. */
export interface CopiedSnapshot {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** Bytes. */
  readonly size: number;
}

export interface CopyReport extends HostReport {
  readonly proofs: readonly Proof[];
  readonly copied: readonly CopiedSnapshot[];
}

/** Copies snapshots of each host between its repositories, encrypted as they are. What is there already is passed over. */
export async function copy(hosts: readonly HostConfig[], options: CopyOptions): Promise<CopyReport[]> {
  const routes = new Map(hosts.map((host) => [host.name, routesOf(host, options)]));
  const limit = failureLimit(
    options.maxFailures,
    hosts,
    options.emit,
    ({ name }) => name,
    (report): CopyReport => ({ ...report, proofs: [], copied: [] }),
  );
  const copyHost = (host: HostConfig): Promise<CopyReport> =>
    new CopyRun(host, routes.get(host.name) ?? { from: [], to: [] }, options).report();
  return await runHosts(hosts, options.forks, copyHost, limit);
}

interface Routes {
  readonly from: readonly RepositorySettings[];
  readonly to: readonly RepositorySettings[];
}

/** @throws StateError `restore.no-repository`, `settings.repository-named`, `copy.nowhere` */
function routesOf({ name, repositories }: HostConfig, { from, to }: CopyOptions): Routes {
  if (repositories.length === 0 && (from === undefined || to === undefined)) throw noRepository(name);
  const named = (text: string): RepositorySettings => repositoryNamed(text, repositories, process.cwd());
  const routes = {
    from: from === undefined ? repositories : [named(from)],
    to: to === undefined ? repositories : [named(to)],
  };
  const all = new Set([...routes.from, ...routes.to].map(repositoryName));
  if (all.size > 1) return routes;
  throw new StateError({
    kind: 'usage',
    code: 'copy.nowhere',
    what: `There is nowhere to copy the snapshots of ${name} to`,
    why: `${[...all].join()} is the only repository that was named`,
    next: 'name another one with --to-repository, or a second one in coolify_repository',
    host: name,
  });
}

class CopyRun {
  readonly #opened = new Map<string, VerifyPlace>();
  readonly #copied: CopiedSnapshot[] = [];
  /** Snapshot and target, of what is there by now. */
  readonly #settled = new Set<string>();

  constructor(
    readonly config: HostConfig,
    readonly routes: Routes,
    readonly options: CopyOptions,
  ) {}

  async report(): Promise<CopyReport> {
    const { check, signal, emit } = this.options;
    try {
      const report = await runTasks(this.config.name, this.#tasks(), this, { check, signal, emit });
      return { ...report, proofs: [], copied: this.#copied };
    } finally {
      for (const { repository } of this.#opened.values()) await repository.close();
    }
  }

  *#tasks(): Generator<Task<CopyRun>> {
    const { from, to } = this.routes;
    for (const settings of unique([...from, ...to])) yield this.#lookingInto(settings);
    for (const source of from) {
      const place = this.#opened.get(repositoryName(source));
      for (const found of [...(place?.found ?? [])].reverse()) {
        for (const target of to) {
          const id = found.snapshot === undefined ? found.wanted : found.snapshot.id;
          // What another source has brought already is not asked for again.
          const isSettled = this.#settled.has(`${id} ${repositoryName(target)}`);
          if (repositoryName(target) === repositoryName(source) || isSettled) continue;
          if (place !== undefined) yield this.#copying(place, found, target);
        }
      }
    }
  }

  #lookingInto(settings: RepositorySettings): Task<CopyRun> {
    const name = repositoryName(settings);
    const { which } = this.options;
    return {
      name: `look into ${name}`,
      kind: 'read',
      independent: true,
      inspect: () => Promise.resolve({ summary: name }),
      apply: async (_run, { signal }) => {
        const isSource = this.routes.from.some((one) => repositoryName(one) === name);
        const place = await lookUp(settings, this.config.name, isSource ? which : { kind: 'all' }, signal);
        this.#opened.set(name, place);
        return `${place.found.length} snapshots`;
      },
    };
  }

  #copying(source: VerifyPlace, found: VerifyPlace['found'][number], to: RepositorySettings): Task<CopyRun> {
    const name = repositoryName(to);
    const id = found.snapshot === undefined ? found.wanted : found.snapshot.id;
    return {
      name: `copy ${id} to ${name}`,
      kind: 'change',
      independent: true,
      inspect: async (_run, { signal }) => {
        if (found.snapshot === undefined) throw found.error;
        if (found.snapshot.sidecar === undefined) throw found.snapshot.problem;
        const target = this.#opened.get(name);
        if (target === undefined) return { skip: 'that repository could not be read' };
        const { key, sidecar } = found.snapshot;
        const planned = await plannedCopy(source.repository, target.repository, key, { signal });
        if (planned.snapshot) return { summary: `copy ${sidecar.size} bytes` };
        if (planned.beside > 0) return { summary: `bring ${planned.beside} objects that stand beside it` };
        this.#settled.add(`${id} ${name}`);
        return { unchanged: 'is there already' };
      },
      apply: async (_run, reporter) => {
        const target = this.#opened.get(name);
        const { snapshot } = found;
        if (target === undefined || snapshot === undefined) throw new Error('nothing was looked up');
        await this.#copy(source, snapshot.key, target, outOf(snapshot.size ?? 0, reporter));
        this.#settled.add(`${id} ${name}`);
        this.#copied.push({
          id: snapshot.id,
          from: source.repository.location,
          to: target.repository.location,
          size: snapshot.size ?? 0,
        });
        return `from ${source.repository.location}, read back`;
      },
    };
  }

  async #copy(
    source: VerifyPlace,
    key: string,
    { repository }: VerifyPlace,
    { signal, moved, line }: TaskReporter,
  ): Promise<void> {
    let stored = 0;
    await withLease(
      repository,
      this.config.name,
      'copy',
      signal,
      async (lease) => {
        await copySnapshot(source.repository, repository, key, {
          signal: lease.signal,
          beforeListed: () => lease.confirm(),
          onProgress: (bytes) => {
            moved(bytes - stored);
            stored = bytes;
          },
        });
      },
      { wait: this.options.waitLock ?? 0, onWait: ({ message }) => line(`waiting: ${message}`) },
    );
  }
}

function unique(settings: readonly RepositorySettings[]): RepositorySettings[] {
  return [...new Map(settings.map((one) => [repositoryName(one), one])).values()];
}
