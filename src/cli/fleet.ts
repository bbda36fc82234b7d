import type { CommandModule } from 'yargs';
import type { Fleet } from '../fleet/fleet.js';
import type { FleetOperation } from '../fleet/operations.js';
import {
  ACTIONS,
  type Action,
  FLEET_OPTIONS,
  type FleetArguments,
  OPERATION_CHOICES,
  usage,
} from './fleet/options.js';
import { type Invocation, runCommand } from './run-command.js';

export const fleetCommand: CommandModule<object, FleetArguments> = {
  builder: (yargs) =>
    yargs
      .options(FLEET_OPTIONS)
      .positional('action', { choices: ACTIONS, demandOption: true, describe: 'what to do' })
      .positional('operation', { choices: OPERATION_CHOICES, describe: 'enqueue: the operation to ask for' })
      .positional('hosts', {
        type: 'string',
        default: 'controller',
        describe: 'enqueue: hosts or groups, as an Ansible host pattern; elsewhere --limit narrows',
      })
      .example('$0 fleet worker --concurrency 8', 'on each machine that works')
      .example('$0 fleet enqueue backup', 'every controller, once; tells the name of the round')
      .example('$0 fleet schedule', 'by the settings coolify_fleet_*, for as long as it runs')
      .example('$0 fleet status --watch', 'workers, jobs, dead letters')
      .example('$0 fleet retry --limit web1', 'dead letters of a host once more')
      .example('$0 fleet report --scorecard scorecard.json', 'how all hosts stand, signed'),
  handler: (args) => {
    const drain = new AbortController();
    const isLong = args.action === 'worker' || args.action === 'schedule' || args.watch;
    return runCommand(
      { json: args.json, verbose: args.verbose, live: false, log: args.log, ...(isLong && { drain }) },
      (invocation) => act(args, drain.signal, invocation),
    );
  },
};

async function act(args: FleetArguments, drain: AbortSignal, invocation: Invocation): Promise<number> {
  const action = ACTIONS.find((one) => one === args.action);
  const operation = operationOf(args, action);
  if (action === 'report') {
    const { fleetReport } = await import('./fleet/report.js');
    return await fleetReport(args, invocation);
  }
  if (action === 'schedule' && args.check) {
    const { showSchedule } = await import('./fleet/schedule.js');
    return await showSchedule(args, invocation);
  }
  const { Fleet: FleetClass } = await import('../fleet/fleet.js');
  const fleet = await FleetClass.open({
    redis: {
      url: args.redis,
      caFile: args['redis-ca'] ?? process.env['COOLIFY_STATE_REDIS_CA_FILE'],
      env: process.env,
    },
    name: args.fleet,
    patient: action === 'worker' || action === 'schedule',
  });
  try {
    return await withRedis(action, operation, args, fleet, drain, invocation);
  } finally {
    await fleet.close();
  }
}

async function withRedis(
  action: Action | undefined,
  operation: FleetOperation | undefined,
  args: FleetArguments,
  fleet: Fleet,
  drain: AbortSignal,
  invocation: Invocation,
): Promise<number> {
  if (action === 'worker') {
    const { runWorker } = await import('./fleet/work.js');
    return await runWorker(args, fleet, drain, invocation);
  }
  if (action === 'schedule') {
    const { keepSchedule } = await import('./fleet/schedule.js');
    return await keepSchedule(args, fleet, drain, invocation);
  }
  const { chosenJobs, enqueueJobs, showStatus } = await import('./fleet/jobs.js');
  if (action === 'status') return await showStatus(args, fleet, drain, invocation);
  if (action === 'cancel' || action === 'dead' || action === 'retry')
    return await chosenJobs(action, args, fleet, invocation);
  if (operation === undefined) throw usage('fleet enqueue takes an operation', enqueueHelp());
  return await enqueueJobs(args, operation, fleet, invocation);
}

/** @throws StateError `cli.usage` */
function operationOf({ operation }: FleetArguments, action: Action | undefined): FleetOperation | undefined {
  if (operation === undefined) return undefined;
  if (action !== 'enqueue')
    throw usage(`fleet ${action} takes no operation`, 'name hosts with --limit; coolify-state fleet --help');
  if (operation === 'backup' || operation === 'verify' || operation === 'drill' || operation === 'prune')
    return operation;
  throw usage('fleet enqueue does not know this operation', enqueueHelp());
}

function enqueueHelp(): string {
  return `name one of ${OPERATION_CHOICES.join(', ')}, then the hosts`;
}
