import { StateError } from '../../core/errors.js';
import type { Repository } from '../../repository/repository.js';
import { command } from '../../ssh/command.js';
import type { Connection } from '../../ssh/connection.js';
import { type Finding, fine, looking, warning } from '../hosts/finding.js';

/** A clock further off than this is worth a word. */
const TOLERATED_S = 60;

/** The host's clock against this machine's. */
export function checkHostClock(connection: Connection, signal: AbortSignal): Promise<readonly Finding[]> {
  return looking('clocks.host', signal, async () => {
    const asked = Date.now();
    const { stdout } = await connection.run(command('date', '-u', '+%s'), { signal });
    const seconds = Number(stdout.toString('latin1').trim());
    if (!Number.isInteger(seconds)) {
      throw new StateError({
        kind: 'failed',
        code: 'host.no-time',
        what: 'The host did not tell its time',
        next: 'see what "date -u +%s" prints there',
      });
    }
    return [judged('clocks.host', "the host's clock", seconds * 1000 + 500, (asked + Date.now()) / 2)];
  });
}

/** The store's clock against this machine's. */
export function checkStoreClock(repository: Repository, signal: AbortSignal): Promise<readonly Finding[]> {
  return looking('clocks.repository', signal, async () => {
    const asked = Date.now();
    const now = await repository.now({ signal });
    return [judged('clocks.repository', "the store's clock", now.getTime(), (asked + Date.now()) / 2)];
  });
}

/** Times in milliseconds. */
export function judged(check: string, whose: string, theirs: number, ours: number): Finding {
  const apart = Math.round((theirs - ours) / 1000);
  if (Math.abs(apart) <= TOLERATED_S) return fine(check, `${whose} and this machine's agree`);
  const way = apart > 0 ? 'ahead of' : 'behind';
  return warning(
    check,
    `${whose} is ${Math.abs(apart)} s ${way} this machine's`,
    "set the wrong one right (timedatectl): snapshots carry this machine's time, and S3 refuses requests that are 15 minutes off",
  );
}
