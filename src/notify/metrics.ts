import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../core/errors.js';
import { makeFolders } from '../core/folders.js';

/** What monitoring wants to know of the last run of a host. Times in seconds since the epoch, sizes in bytes. */
export interface RunFigures {
  readonly host: string;
  readonly operation: string;
  readonly succeeded: boolean;
  readonly finishedAt: Date;
  readonly durationSeconds: number;
  readonly generationBytes?: number | undefined;
  readonly snapshotBytes?: number | undefined;
  readonly proofs?: number | undefined;
  readonly failedProofs?: number | undefined;
  /** Of a drill: from the start of the fetch to the last proof. */
  readonly recoverySeconds?: number | undefined;
  /** Of a drill: how old the data was when it began. */
  readonly dataAgeSeconds?: number | undefined;
}

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly value: number | undefined;
}

/**
 * Writes the figures of a host for node_exporter's textfile collector: one file for each host and operation, replaced in
 * one step. When the last success was is taken over from the former file where this run was none.
 */
export async function writeMetrics(folder: string, figures: RunFigures): Promise<void> {
  await makeFolders(folder);
  const name = `coolify_state_${figures.operation}_${figures.host.replace(/[^A-Za-z0-9._-]/g, '_')}.prom`;
  const path = join(folder, name);
  const text = metricsText(figures, lastSuccessIn(await readIfThere(path)));
  // The collector reads *.prom only: nobody sees the file half written.
  const draft = join(folder, `.${name}.${randomBytes(4).toString('hex')}`);
  try {
    await writeFile(draft, text, { mode: 0o644 });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** The figures in the text format of Prometheus. */
export function metricsText(figures: RunFigures, lastSuccess: number | undefined): string {
  const finished = seconds(figures.finishedAt);
  const labels = `{host="${labelValue(figures.host)}",operation="${labelValue(figures.operation)}"}`;
  const metrics: readonly Metric[] = [
    { name: 'last_run_success', help: 'Whether the last run succeeded.', value: figures.succeeded ? 1 : 0 },
    { name: 'last_run_timestamp_seconds', help: 'When the last run ended.', value: finished },
    {
      name: 'last_success_timestamp_seconds',
      help: 'When the last run that succeeded ended.',
      value: figures.succeeded ? finished : lastSuccess,
    },
    {
      name: 'last_run_duration_seconds',
      help: 'How long the last run took.',
      value: figures.durationSeconds,
    },
    {
      name: 'generation_size_bytes',
      help: 'Size of the files of the last generation.',
      value: figures.generationBytes,
    },
    {
      name: 'snapshot_size_bytes',
      help: 'Size of the last snapshot as it is stored.',
      value: figures.snapshotBytes,
    },
    { name: 'proofs', help: 'Proofs that the last run made.', value: figures.proofs },
    { name: 'failed_proofs', help: 'Proofs of the last run that failed.', value: figures.failedProofs },
    {
      name: 'drill_recovery_seconds',
      help: 'How long the recovery of the last drill took, without the installation.',
      value: figures.recoverySeconds,
    },
    {
      name: 'drill_data_age_seconds',
      help: 'How old the data of the last drill was when it began.',
      value: figures.dataAgeSeconds,
    },
  ];
  return metrics
    .filter(({ value }) => value !== undefined)
    .map(({ name, help, value }) => {
      const full = `coolify_state_${name}`;
      return `# HELP ${full} ${help}\n# TYPE ${full} gauge\n${full}${labels} ${value}\n`;
    })
    .join('');
}

function lastSuccessIn(text: string | undefined): number | undefined {
  const [, value] = /^coolify_state_last_success_timestamp_seconds\{.*\} ([0-9.]+)$/m.exec(text ?? '') ?? [];
  return value === undefined ? undefined : Number(value);
}

function seconds(moment: Date): number {
  return Math.round(moment.getTime() / 1000);
}

/** Escapes of the text format. */
function labelValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
