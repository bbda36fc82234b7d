import { asStateError, StateError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import type { EventSink } from '../../engine/events.js';
import type { HostReport } from '../../engine/run-host.js';
import { backup } from '../../operations/backup/backup.js';
import { type Round, storedInRound } from '../../operations/backup/round.js';
import { drill } from '../../operations/drill/drill.js';
import type { HostConfig } from '../../operations/hosts/host-config.js';
import { prune } from '../../operations/prune/prune.js';
import { verify } from '../../operations/verify/verify.js';
import { openRepository } from '../../repository/open.js';
import { SnapshotRepository } from '../../repository/snapshots/snapshots.js';
import type { FleetJob } from '../job.js';
import type { Performed } from '../result.js';

export interface PerformOptions {
  readonly stateRoot: string;
  readonly passphrase?: (path: string) => Promise<Secret>;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

/** Leftovers younger than this may belong to a run on another machine. */
const LEFTOVERS = { years: 0, months: 0, days: 2, hours: 0 };

/** Does what a job asks for: calls the operation that the command of that name calls. */
export async function perform(
  { operation, readData = false }: FleetJob,
  host: HostConfig,
  round: Round | undefined,
  { stateRoot, passphrase, signal, emit }: PerformOptions,
): Promise<Performed> {
  const common = { stateRoot, forks: 1, signal, emit, ...(passphrase !== undefined && { passphrase }) };
  if (host.repositories.length === 0) throw noRepository(host.name);
  switch (operation) {
    case 'backup':
      return await backedUp(host, round, common);
    case 'verify': {
      const from = { kind: 'all', sample: { size: host.unattended.sample } } as const;
      return done(await verify([host], { ...common, from, readData }));
    }
    case 'prune': {
      const options = { check: false, leftoversOlderThan: LEFTOVERS, confirm: () => Promise.resolve(true) };
      return done(await prune([host], { ...common, ...options }));
    }
    case 'drill':
      return done(
        await drill([host], {
          ...common,
          from: { kind: 'latest' },
          ...{ keep: false, bare: false, refresh: false, store: true, evidenceFolder: undefined },
          confirm: () => Promise.resolve(true),
        }),
      );
  }
}

async function backedUp(
  host: HostConfig,
  round: Round | undefined,
  common: Parameters<typeof perform>[3] & { readonly forks: number },
): Promise<Performed> {
  const began = performance.now();
  const there = round === undefined ? undefined : await roundIn(host, round, common.signal);
  if (there !== undefined) {
    const recap = { ok: 1, changed: 0, skipped: 0, failed: 0, unreachable: 0 };
    const milliseconds = performance.now() - began;
    return {
      outcome: 'already',
      report: { host: host.name, recap, tasks: [], milliseconds },
      snapshots: there,
    };
  }
  const [report] = await backup([host], { ...common, check: false, acceptNewInstance: false, round });
  return {
    ...done([report]),
    snapshots: (report?.snapshots ?? []).map(({ id, location }) => ({ id, location })),
  };
}

/**
 * The snapshots of the round, when every repository has one: then the host need not be asked. That is only to spare work; what
 * makes sure that there is one is asked under the lease (`operations/backup/upload.ts`).
 */
async function roundIn(
  { name, repositories }: HostConfig,
  round: Round,
  signal: AbortSignal,
): Promise<Performed['snapshots'] | undefined> {
  const found: { id: string; location: string }[] = [];
  for (const settings of repositories) {
    try {
      const repository = await openRepository(settings);
      try {
        const there = await storedInRound(new SnapshotRepository(repository), name, round, signal);
        if (there === undefined) return undefined;
        found.push({ id: there.id, location: repository.location });
      } finally {
        await repository.close();
      }
    } catch (error) {
      throw asStateError(error, 'The repository could not be asked for the round').onHost(name);
    }
  }
  return found;
}

function done(reports: readonly (HostReport | undefined)[]): Performed {
  const [report] = reports;
  if (report === undefined) throw new Error('one host gives one report');
  return { outcome: 'done', report, snapshots: [] };
}

function noRepository(host: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'fleet.no-repository',
    what: 'A host of a fleet needs a repository',
    why: 'workers share nothing else, and it tells what is there',
    next: 'set coolify_repository or coolify_s3_bucket',
    host,
  });
}
