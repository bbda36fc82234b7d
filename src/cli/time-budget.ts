import type { TaskOutcome } from '../engine/events.js';
import type { BackupReport } from '../operations/backup/backup.js';
import type { UploadedSnapshot } from '../operations/backup/upload.js';
import { bytes, duration, perSecond, table } from './figures.js';

interface Spent {
  readonly step: string;
  readonly milliseconds: number;
  readonly bytes?: number | undefined;
}

/** A step that took less than this share of a host's time is not worth a line of its own. */
const WORTH_A_LINE = 0.01;

/**
 * Where the time of a host went, longest first: how long each step took, its share, how much it moved and how fast. An upload
 * is shown in its halves; what took next to nothing, as one.
 */
export function timeBudget(report: Pick<BackupReport, 'tasks' | 'snapshots' | 'milliseconds'>): string {
  const { milliseconds: whole } = report;
  const all = [...spentIn(report)].sort((a, b) => b.milliseconds - a.milliseconds);
  const long = all.filter(({ milliseconds }) => milliseconds >= whole * WORTH_A_LINE);
  const rest = whole - long.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const rows = [...long, { step: 'everything else', milliseconds: Math.max(0, rest) }];
  return table(
    rows.map(({ step, milliseconds, bytes: moved }: Spent) => [
      'time',
      duration(milliseconds).padStart(9),
      `${Math.round((milliseconds / Math.max(whole, 1)) * 100)}%`.padStart(4),
      moved === undefined ? '' : bytes(moved).padStart(9),
      moved === undefined ? '' : perSecond(moved, milliseconds).padStart(11),
      step,
    ]),
  );
}

/** What a backup cost, in one line: on the wire, and in the repositories. */
export function costLine({
  traffic,
  snapshots,
}: Pick<BackupReport, 'traffic' | 'snapshots'>): string | undefined {
  const requests = snapshots.flatMap((snapshot) =>
    snapshot.requests === undefined ? [] : [snapshot.requests],
  );
  const parts = [
    ...(traffic === undefined
      ? []
      : [`${bytes(traffic.received)} from the host, ${bytes(traffic.sent)} to it`]),
    ...(snapshots.length === 0 ? [] : [`${bytes(sum(snapshots.map(({ size }) => size)))} stored`]),
    ...(requests.length === 0 ? [] : [`${sum(requests)} requests to S3`]),
  ];
  return parts.length === 0 ? undefined : `cost        ${parts.join('; ')}`;
}

function* spentIn({ tasks, snapshots }: Pick<BackupReport, 'tasks' | 'snapshots'>): Generator<Spent> {
  const uploaded = snapshots.values();
  for (const task of tasks) {
    const snapshot = isUpload(task) ? uploaded.next().value : undefined;
    if (snapshot === undefined) yield { step: task.task, ...task };
    else yield* halvesOf(task, snapshot);
  }
}

function isUpload({ task, status }: TaskOutcome): boolean {
  return status === 'changed' && task.startsWith('upload to ');
}

function* halvesOf(
  { task, milliseconds }: TaskOutcome,
  { size, storeMilliseconds, readBackMilliseconds }: UploadedSnapshot,
): Generator<Spent> {
  yield { step: `archive, encrypt and ${task}`, milliseconds: storeMilliseconds, bytes: size };
  yield { step: `read back (${task})`, milliseconds: readBackMilliseconds, bytes: size };
  const rest = milliseconds - storeMilliseconds - readBackMilliseconds;
  yield { step: `lease and sidecar (${task})`, milliseconds: rest };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
