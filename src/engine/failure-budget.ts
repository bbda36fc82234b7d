import { StateError } from '../core/errors.js';
import type { EventSink } from './events.js';
import type { HostReport } from './run-host.js';
import type { FailureLimit } from './run-hosts.js';

/** How many hosts may fail before no further one is begun: a number of hosts, or a share of all of them. */
export type FailureBudget = { readonly hosts: number } | { readonly percent: number };

/** Reads `3` or `20%`; undefined for everything else. */
export function parseFailureBudget(text: string): FailureBudget | undefined {
  const [, digits = '', sign] = /^(\d{1,6})(%)?$/.exec(text.trim()) ?? [];
  if (digits === '') return undefined;
  const count = Number(digits);
  if (sign === undefined) return { hosts: count };
  return count <= 100 ? { percent: count } : undefined;
}

/** Whether so many failures among so many hosts are more than the budget allows. */
export function isExceeded(budget: FailureBudget, failures: number, hosts: number): boolean {
  return 'hosts' in budget ? failures > budget.hosts : failures * 100 > budget.percent * hosts;
}

/**
 * What a failure budget means for a run over hosts: as soon as more have failed than it allows, no further host is begun.
 * Those that are being worked on are finished. Each that was not begun is told and reported, as failed.
 */
export function failureLimit<Host, Report extends HostReport>(
  budget: FailureBudget | undefined,
  hosts: readonly Host[],
  emit: EventSink,
  nameOf: (host: Host) => string,
  reportOf: (report: HostReport) => Report,
): FailureLimit<Host, Report> | undefined {
  if (budget === undefined) return undefined;
  return {
    isReached: (reports) => {
      const failures = reports.filter(({ error }) => error !== undefined).length;
      return isExceeded(budget, failures, hosts.length);
    },
    notStarted: (host) => {
      const error = notStarted(nameOf(host), budget);
      emit({ type: 'warning', host: nameOf(host), message: error.message });
      return reportOf({
        host: nameOf(host),
        recap: { ok: 0, changed: 0, skipped: 0, failed: 0, unreachable: 0 },
        tasks: [],
        error,
        milliseconds: 0,
      });
    },
  };
}

function notStarted(host: string, budget: FailureBudget): StateError {
  const allowed = 'hosts' in budget ? `${budget.hosts}` : `${budget.percent}%`;
  return new StateError({
    kind: 'failed',
    code: 'run.not-started',
    what: 'The host was not begun',
    why: `more hosts have failed than --max-failures ${allowed} allows`,
    next: 'put right what failed on the others, and run it again',
    host,
  });
}
