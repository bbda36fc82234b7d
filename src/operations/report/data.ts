import { asStateError, StateError } from '../../core/errors.js';
import { mapConcurrently } from '../../repository/map-concurrently.js';
import { openRepository, type RepositorySettings } from '../../repository/open.js';
import { SnapshotRepository } from '../../repository/snapshots/snapshots.js';
import { EVIDENCE_LIMIT, type Evidence, parseEvidence } from '../drill/evidence.js';
import type { HostConfig } from '../hosts/host-config.js';
import { listSnapshots, type SnapshotLine } from '../snapshots/list-snapshots.js';
import { type Attention, attentionOf } from './attention.js';

/** All that a report tells of one host. */
export interface HostHistory {
  readonly host: string;
  /** As `snapshots` lists them. */
  readonly lines: readonly SnapshotLine[];
  /** Every drill whose evidence stands beside a snapshot, newest first. Nobody's signature was checked. */
  readonly drills: readonly Evidence[];
  /** How long the backups of snapshots took, in seconds, by their id. */
  readonly backupSeconds: ReadonlyMap<string, number>;
  /** The limits of the inventory, in seconds. */
  readonly limits: { readonly recovery: number | undefined; readonly dataAge: number | undefined };
  readonly attention: readonly Attention[];
}

export interface ReportData {
  readonly writtenAt: Date;
  readonly hosts: readonly HostHistory[];
  /** Repositories that could not be read. */
  readonly errors: readonly StateError[];
}

const PLACES_AT_ONCE = 4;
const READS_AT_ONCE = 16;

/** What there is of the hosts and what became of it, for a report. Needs no key and no host. */
export async function reportData(
  hosts: readonly HostConfig[],
  options: { readonly stateRoot: string; readonly signal: AbortSignal },
): Promise<ReportData> {
  const writtenAt = new Date();
  const { lines, errors } = await listSnapshots(hosts, options);
  const found = await mapConcurrently(
    hosts.flatMap((host) => host.repositories.map((settings) => ({ host, settings }))),
    PLACES_AT_ONCE,
    async ({ host, settings }) => ({
      host: host.name,
      ...(await pastOf(settings, host.name, options.signal)),
    }),
  );
  return {
    writtenAt,
    errors,
    hosts: hosts.map((config) => {
      const { name: host, drill } = config;
      const own = lines.filter((line) => line.host === host);
      const past = found.filter((one) => one.host === host);
      const drills = newestFirst(past.flatMap((one) => one.drills));
      const limits = { recovery: drill.maxRecoverySeconds, dataAge: drill.maxDataAgeSeconds };
      return {
        host,
        lines: own,
        drills,
        backupSeconds: new Map(past.flatMap((one) => [...one.backupSeconds])),
        limits,
        attention: attentionOf({
          lines: own,
          drills,
          dataAgeLimit: limits.dataAge,
          places: config.repositories.length,
          errors: errors.filter((error) => error.host === host),
          now: writtenAt,
        }),
      };
    }),
  };
}

interface Past {
  readonly drills: readonly Evidence[];
  readonly backupSeconds: ReadonlyMap<string, number>;
}

/** What a repository tells of the past; nothing where it cannot be read, which the listing has told already. */
async function pastOf(settings: RepositorySettings, host: string, signal: AbortSignal): Promise<Past> {
  try {
    const repository = await openRepository(settings);
    try {
      const described = await new SnapshotRepository(repository).listDescribed(host, { signal });
      const keys = described.flatMap(({ drills = [] }) => drills);
      const drills = await mapConcurrently(keys, READS_AT_ONCE, async (key) =>
        readable(key, await repository.getSmall(key, EVIDENCE_LIMIT, { signal })),
      );
      const backupSeconds = described.flatMap(({ id, sidecar }): [string, number][] =>
        sidecar === undefined
          ? []
          : [[id, (sidecar.finishedAt.getTime() - sidecar.createdAt.getTime()) / 1000]],
      );
      return { drills: drills.flat(), backupSeconds: new Map(backupSeconds) };
    } finally {
      await repository.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (asStateError(error, '').kind === 'interrupted') throw error;
    return { drills: [], backupSeconds: new Map() };
  }
}

function readable(key: string, content: Buffer): Evidence[] {
  try {
    return [parseEvidence(key, content)];
  } catch (error) {
    if (error instanceof StateError) return [];
    throw error;
  }
}

/** Copies in several repositories are one drill. */
function newestFirst(drills: readonly Evidence[]): Evidence[] {
  const byId = new Map(drills.map((drill) => [`${drill.drill} ${drill.startedAt}`, drill]));
  return [...byId.values()].sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
}
