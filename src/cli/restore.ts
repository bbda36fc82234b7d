import type { CommandModule, InferredOptionTypes } from 'yargs';
import { StateError } from '../core/errors.js';
import type { RestoreJob, RestorePlan } from '../operations/restore/restore.js';
import { TOOL } from '../tool.js';
import { confirmPlan, planLines } from './confirm-plan.js';
import { withoutLiveView } from './live/live-view.js';
import { oneAtATime } from './one-at-a-time.js';
import { CHANGING, COMMON, FLEET, hostsPositional, lastOf, SOURCE } from './options.js';
import { requiredPassphraseOf } from './passphrase.js';
import type { Output } from './progress.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';
import { showReports } from './show-reports.js';
import { choiceOf } from './snapshot-choice.js';

const OPTIONS = {
  ...COMMON,
  ...FLEET,
  ...CHANGING,
  ...SOURCE,
  to: {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'restore onto this host of the inventory instead of its own',
  },
  only: {
    type: 'string',
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: 'put back only these artifacts',
  },
  skip: {
    type: 'string',
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: 'put back all but these artifacts',
  },
  safety: {
    type: 'boolean',
    default: true,
    describe: 'keep what stands on an installed target first (--no-safety)',
  },
  rollback: {
    type: 'boolean',
    default: false,
    describe: 'take the last restore back: the host becomes what it was before',
  },
  fence: {
    type: 'boolean',
    default: false,
    describe: 'stop an original that still works elsewhere, over SSH, and keep it stopped',
  },
  'allow-newer': {
    type: 'boolean',
    default: false,
    describe: "a Coolify newer than the snapshot's stays, and brings the restored database up to itself",
  },
  downgrade: {
    type: 'boolean',
    default: false,
    describe: "a Coolify newer than the snapshot's is replaced by the snapshot's version",
  },
  yes: { alias: 'y', type: 'boolean', default: false, describe: 'do not ask' },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { hosts: string };

export const restoreCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    hostsPositional(yargs.options(OPTIONS))
      .example('$0 restore', 'the newest snapshot of each controller, after asking')
      .example('$0 restore web1 --from 3fa90c1b --check', 'the plan for one snapshot, nothing changed')
      .example('$0 restore web1 --to spare1 --fence', 'onto another host; the original is stopped')
      .example('$0 restore --rollback web1', 'back to what stood there before the last restore'),
  handler: (args) =>
    runCommand(args, async (invocation) => {
      const { output, emit, signal, json } = invocation;
      refuseContradiction(args);
      const [{ restore }, { rollback }, { artifactFilter, requireRestorable }] = await Promise.all([
        import('../operations/restore/restore.js'),
        import('../operations/rollback/rollback.js'),
        import('../coolify/artifact-filter.js'),
      ]);
      const wants = artifactFilter(args.only, args.skip);
      requireRestorable(wants);
      const jobs = await jobsOf(args, output);
      const common = {
        stateRoot: args['state-dir'],
        forks: args.forks,
        maxFailures: args['max-failures'],
        check: args.check,
        confirm: oneAtATime((plan: RestorePlan) =>
          withoutLiveView(() => confirmPlan(plan, args.yes, output)),
        ),
        repeat: repeatedOf(args),
        signal,
        emit,
      };
      const reports = args.rollback
        ? await rollback(
            jobs.map(({ target }) => target),
            common,
          )
        : await restore(jobs, {
            ...common,
            from: choiceOf(args.from),
            safety: args.safety,
            newer: args['allow-newer'] ? 'keep' : args.downgrade ? 'replace' : 'refuse',
            secondBrain: args.fence ? 'fence' : 'refuse',
            wants,
            passphrase: requiredPassphraseOf,
          });
      if (args.check && !json)
        for (const { plan } of reports)
          if (plan !== undefined) for (const line of planLines(plan)) output.out(line);
      return showReports('restore', reports, invocation);
    }),
};

/** Whose snapshot goes where. */
async function jobsOf(args: Arguments, output: Output): Promise<RestoreJob[]> {
  const { loadHosts } = await import('../operations/hosts/load-hosts.js');
  const hosts = await loadHosts(selectionOf(args, output));
  if (args.to === undefined) return hosts.map((target) => ({ target, snapshotHost: target.name }));
  const others = await loadHosts({ ...selectionOf(args, output), pattern: args.to, limit: undefined });
  const [other, ...further] = others;
  if (other === undefined || further.length > 0)
    throw notOne(
      '--to names one host',
      others.map(({ name }) => name),
    );
  const [first] = hosts;
  if (first === undefined || hosts.length !== 1)
    throw notOne(
      '--to takes the snapshot of exactly one host',
      hosts.map(({ name }) => name),
    );
  const { repositories, identityPath } = first;
  return [{ target: { ...other, repositories, identityPath }, snapshotHost: first.name, original: first }];
}

/** What a command in a message has to repeat of this command line. */
function repeatedOf(args: Arguments): string[] {
  const inventory =
    args.inventory.join(' ') === COMMON.inventory.default.join(' ')
      ? []
      : args.inventory.flatMap((source) => ['-i', source]);
  return [
    ...inventory,
    ...(args['state-dir'] === COMMON['state-dir'].default ? [] : ['--state-dir', args['state-dir']]),
  ];
}

/** @throws StateError `cli.usage`: options that say two things at once. */
function refuseContradiction(args: Arguments): void {
  const given = (
    names: readonly ('to' | 'only' | 'skip' | 'fence' | 'allow-newer' | 'downgrade')[],
  ): string[] =>
    names.filter((name) => args[name] !== undefined && args[name] !== false).map((name) => `--${name}`);
  const beside = given(['to', 'only', 'skip', 'fence', 'allow-newer', 'downgrade']);
  const both = given(['allow-newer', 'downgrade']);
  const wrong = args.rollback && beside.length > 0 ? ['--rollback', ...beside] : both.length > 1 ? both : [];
  if (wrong.length === 0) return;
  throw new StateError({
    kind: 'usage',
    code: 'cli.usage',
    what: `${wrong.join(' and ')} cannot be given together`,
    why: args.rollback
      ? 'a rollback puts back what stood there before the last restore, all of it and on the same host'
      : 'a newer Coolify either stays or is replaced',
    next: `${TOOL.name} restore --help`,
  });
}

function notOne(what: string, names: readonly string[]): StateError {
  return new StateError({
    kind: 'usage',
    code: 'restore.not-one-host',
    what,
    why: `the pattern names ${names.join(', ')}`,
    next: 'name the one that is meant',
  });
}
