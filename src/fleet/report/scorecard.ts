import type { HostConfig } from '../../operations/hosts/host-config.js';
import type { HostHistory, ReportData } from '../../operations/report/data.js';
import type { SnapshotLine } from '../../operations/snapshots/list-snapshots.js';
import { TOOL } from '../../tool.js';

/** What a signature of a scorecard is made for (`ssh-keygen -Y verify -n`). */
export const SCORECARD_NAMESPACE = 'scorecard@coolify-state';

/** How a host stands, told by its repositories alone. Times in ISO 8601, lengths in seconds. */
export interface HostScore {
  readonly host: string;
  readonly group: string;
  /** The newest good snapshot. */
  readonly lastGood?: { readonly id: string; readonly at: string; readonly where: string };
  /** The newest drill that restored a snapshot and proved it. */
  readonly lastProven?: { readonly snapshot: string; readonly at: string };
  /** How long the recovery took in that drill, and how long it may take. */
  readonly recovery?: { readonly seconds: number; readonly limitSeconds?: number };
  /** What is due and was not done. */
  readonly overdue: readonly ('backup' | 'drill')[];
  /** In what the newest good snapshot is another than the one before it. */
  readonly drift: readonly string[];
  /** What somebody should look at. */
  readonly attention: number;
}

/** All hosts at one moment: what is signed and shown to others. Nothing in it is secret. */
export interface Scorecard {
  readonly type: 'coolify-state.scorecard';
  readonly format: 1;
  readonly tool: string;
  readonly writtenAt: string;
  readonly totals: {
    readonly hosts: number;
    readonly good: number;
    readonly proven: number;
    readonly overdue: number;
    readonly unreadable: number;
  };
  readonly hosts: readonly HostScore[];
}

/** Where the inventory says nothing else: a backup a day, with a day to notice. */
const USUAL_AGE = 2 * 86_400;
/** From this on a change of size is worth a word. */
const NOTABLE_GROWTH = 0.2;

export function scorecardOf(data: ReportData, configs: readonly HostConfig[]): Scorecard {
  const byName = new Map(configs.map((config) => [config.name, config]));
  const hosts = data.hosts.flatMap((history) => {
    const config = byName.get(history.host);
    return config === undefined ? [] : [scoreOf(history, config, data.writtenAt)];
  });
  return {
    type: 'coolify-state.scorecard',
    format: 1,
    tool: TOOL.version,
    writtenAt: data.writtenAt.toISOString(),
    totals: {
      hosts: hosts.length,
      good: hosts.filter(({ lastGood }) => lastGood !== undefined).length,
      proven: hosts.filter(({ lastProven }) => lastProven !== undefined).length,
      overdue: hosts.filter(({ overdue }) => overdue.length > 0).length,
      unreadable: new Set(data.errors.map(({ host }) => host)).size,
    },
    hosts,
  };
}

function scoreOf(history: HostHistory, { fleet }: HostConfig, now: Date): HostScore {
  const { host, lines, drills, limits, attention } = history;
  const good = lines
    .filter(({ kind, standing }) => kind === 'snapshot' && standing === 'good')
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  const [newest] = good;
  const proven = drills.find(({ outcome }) => outcome !== 'failed');
  const ageLimit = limits.dataAge ?? (fleet.every.backup === undefined ? USUAL_AGE : 2 * fleet.every.backup);
  const isLate = (at: string | undefined, seconds: number): boolean =>
    at === undefined || (now.getTime() - Date.parse(at)) / 1000 > seconds;
  const drillEvery = fleet.every.drill;
  return {
    host,
    group: fleet.group,
    ...(newest !== undefined && { lastGood: { id: newest.id, at: newest.createdAt, where: newest.where } }),
    ...(proven !== undefined && { lastProven: { snapshot: proven.snapshot.id, at: proven.startedAt } }),
    ...(proven?.recovery !== undefined && {
      recovery: {
        seconds: proven.recovery.seconds,
        ...(limits.recovery !== undefined && { limitSeconds: limits.recovery }),
      },
    }),
    overdue: [
      ...(isLate(newest?.createdAt, ageLimit) ? (['backup'] as const) : []),
      ...(drillEvery !== undefined && isLate(proven?.startedAt, 2 * drillEvery) ? (['drill'] as const) : []),
    ],
    drift: driftOf(good),
    attention: attention.length,
  };
}

/** Told by what sidecars say; copies in several repositories are one snapshot. */
function driftOf(good: readonly SnapshotLine[]): string[] {
  const [newest] = good;
  const before = good.find(({ id }) => id !== newest?.id);
  if (newest === undefined || before === undefined) return [];
  const changes = (name: string, from: string | undefined, to: string | undefined): string[] =>
    from === to ? [] : [`${name} ${from ?? 'unknown'} -> ${to ?? 'unknown'}`];
  const growth = (newest.size ?? 0) / Math.max(1, before.size ?? 1) - 1;
  const keys = ({ recipients }: SnapshotLine): string => [...recipients].sort().join(' ');
  return [
    ...changes('Coolify', before.coolify, newest.coolify),
    ...changes('PostgreSQL', before.postgres, newest.postgres),
    ...(keys(before) === keys(newest) ? [] : ['other recipients']),
    ...(Math.abs(growth) < NOTABLE_GROWTH
      ? []
      : [`size ${growth > 0 ? '+' : ''}${Math.round(growth * 100)} %`]),
  ];
}
