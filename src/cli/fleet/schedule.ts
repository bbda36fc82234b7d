import { asStateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { Fleet } from '../../fleet/fleet.js';
import type { CaughtUp } from '../../fleet/schedule/catch-up.js';
import type { Planned, Synchronised } from '../../fleet/schedule/schedule.js';
import { table, wholeSeconds } from '../figures.js';
import { renderError } from '../render-error.js';
import type { Invocation } from '../run-command.js';
import { selectionOf } from '../selection.js';
import { summary } from './jobs.js';
import type { FleetArguments } from './options.js';
import { waited } from './work.js';

/** How often the inventory is read again, and how often repositories are asked for what is missing. Milliseconds. */
const SYNCHRONISE_EVERY = 60_000;
const LOOK_EVERY = 3600_000;

/** `fleet schedule`: keeps the schedule of the fleet as the inventory has it, and asks for what was missed. */
export async function keepSchedule(
  args: FleetArguments,
  fleet: Fleet,
  drain: AbortSignal,
  invocation: Invocation,
): Promise<number> {
  const { output, signal } = invocation;
  const [{ synchronise }, { catchUp }] = await Promise.all([
    import('../../fleet/schedule/schedule.js'),
    import('../../fleet/schedule/catch-up.js'),
  ]);
  let lookedAt = Number.NEGATIVE_INFINITY;
  do {
    try {
      const planned = await plannedOf(args, invocation);
      const synchronised = await fleet.asked(() => synchronise(fleet, planned));
      // What is set anew may have been lost.
      const looks = synchronised.set.length > 0 || performance.now() - lookedAt > LOOK_EVERY;
      const caughtUp = looks
        ? await fleet.asked(() => catchUp(fleet, planned, signal))
        : { jobs: [], errors: [] };
      if (looks) lookedAt = performance.now();
      tell(planned, synchronised, caughtUp, invocation);
    } catch (error) {
      if (args.once) throw error;
      // An inventory that is half written, or a Redis that restarts: the next time.
      output.err(renderError(asStateError(error, 'The schedule could not be kept')));
    }
  } while (!args.once && (await waited(SYNCHRONISE_EVERY, drain, signal)));
  return 0;
}

/** `fleet schedule --check`: needs no Redis. */
export async function showSchedule(args: FleetArguments, invocation: Invocation): Promise<number> {
  const { nextOf } = await import('../../fleet/schedule/schedule.js');
  const planned = await plannedOf(args, invocation);
  const { output, json } = invocation;
  const rows = planned
    .map((one) => ({ host: one.host.name, operation: one.operation, next: nextOf(one).toISOString() }))
    .sort((a, b) => (a.next < b.next ? -1 : 1));
  if (json) summary(output, 'schedule', { planned: rows });
  else if (rows.length === 0)
    output.out('nothing is planned: set coolify_fleet_backup_every and those beside it');
  else
    output.out(
      table([
        ['NEXT', 'HOST', 'OPERATION'],
        ...rows.map(({ next, host, operation }) => [wholeSeconds(next), printable(host), operation]),
      ]),
    );
  return 0;
}

async function plannedOf(args: FleetArguments, { output }: Invocation): Promise<Planned[]> {
  const [{ plannedOf: planOf }, { loadHosts }] = await Promise.all([
    import('../../fleet/schedule/schedule.js'),
    import('../../operations/hosts/load-hosts.js'),
  ]);
  return planOf(await loadHosts({ ...selectionOf(args, output), offline: true }));
}

function tell(
  planned: readonly Planned[],
  { set, removed }: Synchronised,
  { jobs, errors }: CaughtUp,
  { output, json, debug, verbose }: Invocation,
): void {
  if (json)
    summary(output, 'schedule', { scheduled: planned.length, set: set.length, removed, caughtUp: jobs });
  else if (set.length + removed + jobs.length > 0)
    output.out(
      `${planned.length} operations are planned (${set.length} set, ${removed} removed), ${jobs.length} missed backups are asked for`,
    );
  for (const error of errors) output.err(renderError(error, { debug, verbose }));
}
