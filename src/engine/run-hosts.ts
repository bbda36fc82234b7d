/** When to begin no further host. */
export interface FailureLimit<Host, Result> {
  /** Asked before each host, with the results so far. */
  readonly isReached: (results: readonly Result[]) => boolean;
  /** What is reported of a host that was not begun. */
  readonly notStarted: (host: Host) => Result;
}

/**
 * Works on several hosts at once, at most `forks` of them. No host's trouble stops another's: `work` reports
 * failures in its result. Only a limit that is reached keeps further hosts from being begun. Results come in the
 * order of `hosts`.
 */
export async function runHosts<Host, Result>(
  hosts: readonly Host[],
  forks: number,
  work: (host: Host) => Promise<Result>,
  limit?: FailureLimit<Host, Result>,
): Promise<Result[]> {
  if (!Number.isInteger(forks) || forks < 1)
    throw new RangeError(`forks must be a whole number from 1, not ${forks}`);
  const results = new Map<number, Result>();
  let next = 0;
  let isOver = false;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < hosts.length; index = next++) {
      const host = hosts[index];
      if (host === undefined) continue;
      isOver ||= limit?.isReached([...results.values()]) === true;
      results.set(index, isOver && limit !== undefined ? limit.notStarted(host) : await work(host));
    }
  };
  await Promise.all(Array.from({ length: Math.min(forks, hosts.length) }, worker));
  return [...results.entries()].sort(([a], [b]) => a - b).map(([, result]) => result);
}
