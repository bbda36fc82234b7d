import { randomBytes } from 'node:crypto';
import { basicTime } from '../../repository/snapshots/names.js';
import type { GoodSnapshot, SnapshotRepository } from '../../repository/snapshots/snapshots.js';

/** A round of backups: however often a host is backed up in it, one snapshot of it results in each repository. */
export interface Round {
  /** Begins with when it began: `20261127T020000Z`, `20261127T141503Z-3fa90c`. */
  readonly id: string;
  readonly since: Date;
}

/** Clocks of machines may disagree; a snapshot that is older than this before the round began is not looked at. */
const CLOCKS = 86_400_000;

export function newRound(now = new Date()): Round {
  return { id: `${basicTime(now)}-${randomBytes(3).toString('hex')}`, since: now };
}

/** The round of a moment that all machines work out alike. */
export function roundAt(since: Date): Round {
  return { id: basicTime(since), since };
}

/** Reads the id of a round; undefined for anything else. */
export function parseRound(id: string): Round | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z(?:-[a-z0-9-]{1,40})?$/.exec(id);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const since = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(since.getTime()) ? undefined : { id, since };
}

/** The good snapshot of a host that was made in a round. Only true for sure while the lease of the host's snapshots is held. */
export async function storedInRound(
  snapshots: SnapshotRepository,
  host: string,
  { id, since }: Round,
  signal: AbortSignal,
): Promise<GoodSnapshot | undefined> {
  for (const listed of await snapshots.list(host, { signal })) {
    if (listed.createdAt.getTime() < since.getTime() - CLOCKS) continue;
    const { sidecar, problem: _problem, ...rest } = await snapshots.describe(listed, { signal });
    if (sidecar?.round === id) return { ...rest, sidecar };
  }
  return undefined;
}
