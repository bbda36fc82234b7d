import { z } from 'zod';
import type { Fleet } from './fleet.js';
import { hashOf } from './job.js';
import type { Lane } from './lane.js';

/**
 * Takes a place in every set, or in none. A place is good for some time by Redis' clock, so that those of a worker that died
 * become free again. KEYS: sets; ARGV: who, milliseconds, then the limit of each set.
 */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  if not redis.call('ZSCORE', key, ARGV[1]) and redis.call('ZCARD', key) >= tonumber(ARGV[i + 2]) then return 0 end
end
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + tonumber(ARGV[2]), ARGV[1])
  redis.call('PEXPIRE', key, tonumber(ARGV[2]) * 2)
end
return 1
`;

/** How many may be at work at once, over all workers: in a group, and with a repository. */
export class Limits {
  constructor(
    readonly fleet: Fleet,
    readonly milliseconds: number,
  ) {}

  /** Takes a place for a job of the lane, or keeps it for longer. False when there is none. */
  async take(lane: Lane, who: string): Promise<boolean> {
    const sets = this.#setsOf(lane);
    if (sets.length === 0) return true;
    const taken = await this.fleet.redis.eval(
      TAKE,
      sets.length,
      ...sets.map(({ key }) => key),
      who,
      this.milliseconds,
      ...sets.map(({ limit }) => limit),
    );
    return z.number().parse(taken) === 1;
  }

  async free(lane: Lane, who: string): Promise<void> {
    for (const { key } of this.#setsOf(lane)) await this.fleet.redis.zrem(key, who);
  }

  #setsOf({ group, places, groupLimit, repositoryLimit }: Lane): { key: string; limit: number }[] {
    const key = (kind: string, name: string) => this.fleet.key('places', kind, hashOf(name));
    return [
      ...(groupLimit === undefined ? [] : [{ key: key('group', group), limit: groupLimit }]),
      ...(repositoryLimit === undefined
        ? []
        : places.map((place) => ({ key: key('repository', place), limit: repositoryLimit }))),
    ];
  }
}
