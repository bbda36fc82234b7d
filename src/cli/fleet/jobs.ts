import { printable } from '../../core/terminal-text.js';
import type { Fleet } from '../../fleet/fleet.js';
import type { JobChoice } from '../../fleet/job-choice.js';
import type { FleetOperation } from '../../fleet/operations.js';
import type { DeadLetter, FleetStatus } from '../../fleet/status.js';
import { age, bytes, table, wholeSeconds } from '../figures.js';
import type { Invocation } from '../run-command.js';
import { selectionOf } from '../selection.js';
import { type FleetArguments, usage } from './options.js';
import { waited } from './work.js';

const WATCH_EVERY = 2000;

/** `fleet enqueue`: asks for an operation on each host. */
export async function enqueueJobs(
  args: FleetArguments,
  operation: FleetOperation,
  fleet: Fleet,
  { output, json }: Invocation,
): Promise<number> {
  const [{ enqueue }, { newRound, parseRound }, { loadHosts }] = await Promise.all([
    import('../../fleet/enqueue.js'),
    import('../../operations/backup/round.js'),
    import('../../operations/hosts/load-hosts.js'),
  ]);
  const round = args.round === undefined ? newRound() : parseRound(args.round);
  if (round === undefined)
    throw usage(
      '--round takes the name of a round, as "fleet enqueue" tells it',
      'leave it out for a new one',
    );
  const hosts = await loadHosts({ ...selectionOf(args, output), offline: true });
  const jobs = await fleet.asked(() =>
    enqueue(fleet, hosts, { operation, round, readData: args['read-data'] }),
  );
  if (json) summary(output, 'enqueue', { round: round.id, jobs });
  else {
    const known = jobs.filter((job) => job.known).length;
    output.out(
      `round ${round.id}: ${jobs.length - known} jobs${known === 0 ? '' : `, ${known} were there already`}`,
    );
  }
  return 0;
}

/** `fleet status`. The exit status tells of dead letters. */
export async function showStatus(
  args: FleetArguments,
  fleet: Fleet,
  drain: AbortSignal,
  { output, json, signal }: Invocation,
): Promise<number> {
  const { fleetStatus } = await import('../../fleet/status.js');
  for (;;) {
    const status = await fleet.asked(() => fleetStatus(fleet));
    if (json) summary(output, 'status', { status });
    else output.out(`${args.watch && process.stdout.isTTY ? '\u001b[H\u001b[2J' : ''}${statusText(status)}`);
    if (!args.watch || !(await waited(WATCH_EVERY, drain, signal)))
      return status.dead.length > 0 && !args.watch ? 1 : 0;
  }
}

function statusText({ workers, lanes, dead }: FleetStatus): string {
  const now = Date.now();
  const running = workers.flatMap(({ name, running: jobs }) => jobs.map((job) => ({ ...job, worker: name })));
  const parts = [
    workers.length === 0
      ? 'no worker runs'
      : table([
          ['WORKER', 'VERSION', 'JOBS', 'DONE', 'MEMORY', 'LOAD', 'DRILLS', 'STATE'],
          ...workers.map((one) => [
            printable(one.name),
            printable(one.version),
            `${one.running.length}/${one.concurrency}`,
            `${one.done}`,
            bytes(one.memory),
            one.load.toFixed(2),
            one.identity ? 'yes' : 'no',
            one.state,
          ]),
        ]),
    lanes.length === 0
      ? 'no job was ever asked for'
      : table([
          ['GROUP', 'REPOSITORY', 'OPENS', 'WAITING', 'RUNNING', 'RETRYING', 'PLANNED', 'DEAD', 'DONE'],
          ...lanes.map((lane) => [
            printable(lane.group),
            lane.places.map((place) => printable(place)).join(', '),
            lane.identity ? 'yes' : 'no',
            ...[lane.waiting, lane.running, lane.retrying, lane.planned, lane.dead, lane.done].map(String),
          ]),
        ]),
    ...(running.length === 0
      ? []
      : [
          table([
            ['HOST', 'OPERATION', 'FOR', 'STEP', 'WORKER'],
            ...running.map(({ host, operation, since, task, worker }) => [
              printable(host),
              operation,
              age(now - Date.parse(since)),
              printable(task),
              printable(worker),
            ]),
          ]),
        ]),
    ...(dead.length === 0 ? [] : [deadText(dead)]),
  ];
  return parts.join('\n\n');
}

function deadText(dead: readonly DeadLetter[]): string {
  return table([
    ['DEAD', 'HOST', 'OPERATION', 'TRIED', 'REASON'],
    ...dead.map(({ at = '', host, operation, attempts, error }) => [
      wholeSeconds(at),
      printable(host),
      operation,
      `${attempts}`,
      printable(`${error.what}${error.why === undefined ? '' : `: ${error.why}`}`).slice(0, 160),
    ]),
  ]);
}

/** `fleet cancel`, `fleet dead` and `fleet retry`. */
export async function chosenJobs(
  action: 'cancel' | 'dead' | 'retry',
  args: FleetArguments,
  fleet: Fleet,
  { output, json }: Invocation,
): Promise<number> {
  const choice = await choiceOf(args, output);
  if (action === 'cancel') {
    const { cancelJobs } = await import('../../fleet/cancel.js');
    const { removed, asked } = await fleet.asked(() => cancelJobs(fleet, choice));
    if (json) summary(output, 'cancel', { removed, asked });
    else output.out(`${removed.length} jobs removed, ${asked.length} that are at work are broken off`);
    return 0;
  }
  const { deadLetters, retryDead } = await import('../../fleet/status.js');
  const dead = await fleet.asked(() =>
    action === 'dead' ? deadLetters(fleet, choice) : retryDead(fleet, choice),
  );
  if (json) summary(output, action, { dead });
  else if (action === 'retry') output.out(`${dead.length} jobs are tried again`);
  else output.out(dead.length === 0 ? 'no dead letters' : deadText(dead));
  return 0;
}

/** Without a limit every host counts, those that are in no inventory any more too. */
async function choiceOf(args: FleetArguments, output: Invocation['output']): Promise<JobChoice> {
  const common = { operation: undefined, round: args.round, id: args.job };
  if (args.limit === undefined) return { ...common, hosts: undefined };
  const { loadHosts } = await import('../../operations/hosts/load-hosts.js');
  const hosts = await loadHosts({ ...selectionOf(args, output), offline: true });
  return { ...common, hosts: new Set(hosts.map(({ name }) => name)) };
}

export function summary(output: Invocation['output'], action: string, facts: object): void {
  output.out(JSON.stringify({ type: 'summary', command: 'fleet', action, ...facts }));
}
