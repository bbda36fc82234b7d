import type { Options } from 'yargs';
import type { BackupReport } from '../operations/backup/backup.js';
import { wholeSeconds } from './figures.js';

/** Option of commands that make snapshots. */
export const SKIP_UNCHANGED = {
  'skip-unchanged': {
    type: 'boolean',
    default: false,
    describe: 'make no generation and no snapshot when nothing has changed since the newest ones',
  },
} as const satisfies Record<string, Options>;

/** The generation that is still the state of a host, as a line of the recap; none where one was made. */
export function unchangedLines({ unchangedSince }: Pick<BackupReport, 'unchangedSince'>): string[] {
  if (unchangedSince === undefined) return [];
  const { id, createdAt } = unchangedSince;
  return [`unchanged   since ${wholeSeconds(createdAt)}: ${id} is still the state`];
}
