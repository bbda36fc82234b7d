import type { FleetJob } from './job.js';
import type { FleetOperation } from './operations.js';

/** Which jobs; what is left out does not matter. */
export interface JobChoice {
  readonly hosts: ReadonlySet<string> | undefined;
  readonly operation: FleetOperation | undefined;
  readonly round: string | undefined;
  readonly id: string | undefined;
}

export function matches({ hosts, operation, round, id }: JobChoice, job: FleetJob, jobId: string): boolean {
  return (
    (hosts === undefined || hosts.has(job.host)) &&
    (operation === undefined || operation === job.operation) &&
    (round === undefined || round === job.round) &&
    (id === undefined || id === jobId)
  );
}
