import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolders } from '../../core/folders.js';
import type { HostScore, Scorecard } from './scorecard.js';

const NAME = 'coolify_state_fleet.prom';

/** Writes how the hosts stand for node_exporter's textfile collector, replaced in one step. @returns the path */
export async function writeFleetMetrics(folder: string, scorecard: Scorecard): Promise<string> {
  await makeFolders(folder);
  const path = join(folder, NAME);
  // The collector reads *.prom only: nobody sees the file half written.
  const draft = join(folder, `.${NAME}.${randomBytes(4).toString('hex')}`);
  try {
    await writeFile(draft, fleetMetrics(scorecard), { mode: 0o644 });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  return path;
}

/** In the text format of Prometheus. */
export function fleetMetrics({ hosts, writtenAt }: Scorecard): string {
  const family = (name: string, help: string, lines: readonly string[]): string =>
    lines.length === 0 ? '' : `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('\n')}\n`;
  const each = (name: string, figureOf: (host: HostScore) => number | undefined): string[] =>
    hosts.flatMap((host) => {
      const value = figureOf(host);
      const labels = `host="${escaped(host.host)}",group="${escaped(host.group)}"`;
      return value === undefined ? [] : [`${name}{${labels}} ${value}`];
    });
  const gauge = (name: string, help: string, figureOf: (host: HostScore) => number | undefined): string => {
    const full = `coolify_state_fleet_${name}`;
    return family(full, help, each(full, figureOf));
  };
  return [
    family('coolify_state_fleet_report_timestamp_seconds', 'When the repositories were looked into.', [
      `coolify_state_fleet_report_timestamp_seconds ${seconds(writtenAt)}`,
    ]),
    gauge('last_good_timestamp_seconds', 'When the newest good snapshot was taken.', ({ lastGood }) =>
      lastGood === undefined ? undefined : seconds(lastGood.at),
    ),
    gauge('last_proven_timestamp_seconds', 'When a drill last proved a snapshot.', ({ lastProven }) =>
      lastProven === undefined ? undefined : seconds(lastProven.at),
    ),
    gauge(
      'recovery_seconds',
      'How long the recovery took in that drill.',
      ({ recovery }) => recovery?.seconds,
    ),
    gauge('backup_overdue', 'Whether a backup is due and was not made.', ({ overdue }) =>
      overdue.includes('backup') ? 1 : 0,
    ),
    gauge('drill_overdue', 'Whether a drill is due and was not made.', ({ overdue }) =>
      overdue.includes('drill') ? 1 : 0,
    ),
    gauge('attention', 'How many things somebody should look at.', ({ attention }) => attention),
  ].join('');
}

function seconds(time: string): number {
  return Math.round(Date.parse(time) / 1000);
}

/** Escapes of the text format. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
