import { failedProofs } from '../../coolify/proofs.js';
import { asStateError, type StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { EngineEvent } from '../../engine/events.js';
import type { HostReport } from '../../engine/run-host.js';
import { type RunFigures, writeMetrics } from '../../notify/metrics.js';
import type { News } from '../../notify/news.js';
import type { Proof } from '../../state/manifest.js';
import type { UnattendedReport } from './unattended.js';

const KEPT_LINES = 200;

/** The last lines of a run, as plain text. */
export class RunLog {
  readonly #lines: string[] = [];

  get lines(): readonly string[] {
    return this.#lines;
  }

  take(event: EngineEvent): void {
    if (event.type === 'task-end') {
      const note = event.note === undefined || event.note === event.task ? '' : `: ${event.note}`;
      this.#add(`${event.status}  ${event.task}${note}`);
    } else if (event.type === 'warning') {
      this.#add(`warning  ${event.message}`);
    }
  }

  #add(line: string): void {
    this.#lines.push(printable(line));
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
  }
}

/** What is told of a run that has ended. */
export function newsOf(report: UnattendedReport, startedAt: Date, log: RunLog): News {
  const { host, error, parts } = report;
  const { snapshots = [], unchangedSince } = parts.backup ?? {};
  const done =
    unchangedSince === undefined
      ? `backed up, ${snapshots.length} snapshots stored`
      : `nothing has changed since ${unchangedSince.id}`;
  return {
    host,
    operation: 'run',
    succeeded: error === undefined,
    exitStatus: error?.exitStatus ?? 0,
    startedAt,
    finishedAt: new Date(),
    summary: error === undefined ? done : sentenceOf(error),
    log: log.lines,
    report: factsOf(report),
  };
}

/** The figures of a run for monitoring. */
export async function leaveMetrics(
  folder: string | undefined,
  report: UnattendedReport,
  news: News,
  warn: (message: string) => void,
): Promise<void> {
  const { backup } = report.parts;
  const sizes = {
    generationBytes: backup?.generation?.bytes,
    snapshotBytes: backup?.snapshots[0]?.size,
  };
  await leaveFigures(folder, report, news, sizes, warn);
}

/** Writes what all operations tell, and what is one's own. That it could not be written is a warning: the work is done. */
export async function leaveFigures(
  folder: string | undefined,
  { host, proofs, milliseconds }: HostReport & { readonly proofs: readonly Proof[] },
  { succeeded, finishedAt, operation }: News,
  own: Partial<RunFigures>,
  warn: (message: string) => void,
): Promise<void> {
  if (folder === undefined) return;
  try {
    await writeMetrics(folder, {
      host,
      operation,
      succeeded,
      finishedAt,
      durationSeconds: milliseconds / 1000,
      proofs: proofs.length,
      failedProofs: failedProofs(proofs).length,
      ...own,
    });
  } catch (error) {
    warn(`The metrics could not be written: ${asStateError(error, 'writing failed').message}`);
  }
}

/** An error as one sentence for people. */
export function sentenceOf({ what, why }: StateError): string {
  return why === undefined ? what : `${what}: ${why}`;
}

/** The report without causes of errors, which can hold anything. */
function factsOf(report: UnattendedReport): object {
  return { ...withoutCause(report), parts: Object.fromEntries(partsOf(report)) };
}

function partsOf({ parts: { backup, prune, verify } }: UnattendedReport): [string, object][] {
  const reports: [string, HostReport | undefined][] = [
    ['backup', backup],
    ['prune', prune],
    ['verify', verify],
  ];
  return reports.flatMap(([name, part]): [string, object][] =>
    part === undefined ? [] : [[name, withoutCause(part)]],
  );
}

/** A report as data, without causes of errors. */
export function withoutCause({ error, ...rest }: HostReport): object {
  if (error === undefined) return rest;
  const { cause: _cause, ...facts } = error.facts();
  return { ...rest, error: facts };
}
