import { availableParallelism, loadavg } from 'node:os';

/** What a worker may take of its machine. */
export interface RoomLimits {
  /** Bytes of this process beyond which no further job is begun. */
  readonly memory: number | undefined;
  /** Load of the machine for each of its processors, over the last minute. */
  readonly load: number | undefined;
}

/** Why no further job is to be begun now; undefined when there is room. Jobs that run are not stopped for it. */
export function lackOfRoom(
  { memory, load }: RoomLimits,
  now = { memory: process.memoryUsage.rss(), load: loadOfProcessor() },
): 'memory' | 'load' | undefined {
  if (memory !== undefined && now.memory > memory) return 'memory';
  return load !== undefined && now.load > load ? 'load' : undefined;
}

export function loadOfProcessor(): number {
  return (loadavg()[0] ?? 0) / availableParallelism();
}
