import { z } from 'zod';
import { repositoryTitle } from '../operations/backup/upload.js';
import type { HostConfig } from '../operations/hosts/host-config.js';
import { type FleetJob, hashOf, JOB_FORMAT, needsIdentity } from './job.js';

const limit = z.int().min(1).max(10_000).optional();

/**
 * A queue of its own for the hosts of one group with the same repositories, so that groups take turns, and limits are known
 * before a job is taken. What opens snapshots has lanes of its own, from which only those take who can.
 */
export const laneSchema = z.object({
  name: z.string().regex(/^[A-Za-z0-9._-]{1,120}$/),
  group: z.string().min(1).max(200),
  /** Where snapshots are, as people write it. */
  places: z.array(z.string().max(2000)).max(50),
  identity: z.boolean(),
  groupLimit: limit,
  repositoryLimit: limit,
});

export type Lane = Readonly<z.output<typeof laneSchema>>;

/** The lane of a job for a host. */
export function laneOf({ fleet, repositories }: HostConfig, { operation, readData = false }: FleetJob): Lane {
  const { group, groupLimit, repositoryLimit } = fleet;
  const places = repositories.map(repositoryTitle).sort();
  const identity = needsIdentity(operation, readData);
  const readable = group.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 40);
  return {
    name: [
      `v${JOB_FORMAT}`,
      identity ? 'identity' : 'plain',
      readable,
      hashOf(JSON.stringify([group, places])),
    ].join('-'),
    group,
    places,
    identity,
    ...(groupLimit !== undefined && { groupLimit }),
    ...(repositoryLimit !== undefined && { repositoryLimit }),
  };
}

/** Lanes by their names. Where hosts of one lane name different limits, the lower one holds. */
export function mergedLanes(lanes: Iterable<Lane>): Map<string, Lane> {
  const merged = new Map<string, Lane>();
  for (const lane of lanes) {
    const known = merged.get(lane.name);
    merged.set(lane.name, known === undefined ? lane : stricter(known, lane));
  }
  return merged;
}

function stricter(known: Lane, other: Lane): Lane {
  const groupLimit = lower(known.groupLimit, other.groupLimit);
  const repositoryLimit = lower(known.repositoryLimit, other.repositoryLimit);
  const { name, group, places, identity } = known;
  return {
    ...{ name, group, places, identity },
    ...(groupLimit !== undefined && { groupLimit }),
    ...(repositoryLimit !== undefined && { repositoryLimit }),
  };
}

function lower(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
