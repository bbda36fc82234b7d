import { createInterface } from 'node:readline/promises';
import type { CommandModule, InferredOptionTypes } from 'yargs';
import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import type { RestorePlan } from '../operations/restore.js';
import { age } from './figures.js';
import { CHANGING, COMMON, hostsPositional, lastOf, SOURCE } from './options.js';
import { requiredPassphraseOf } from './passphrase.js';
import type { Output } from './progress.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';
import { showReports } from './show-reports.js';
import { choiceOf } from './snapshot-choice.js';

const OPTIONS = {
  ...COMMON,
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
  yes: { alias: 'y', type: 'boolean', default: false, describe: 'do not ask' },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { hosts: string };

export const restoreCommand: CommandModule<object, Arguments> = {
  command: 'restore [hosts]',
  describe: 'Rebuild hosts from snapshots and prove that they are the same instances',
  builder: (yargs) =>
    hostsPositional(yargs.options(OPTIONS))
      .example('$0 restore', 'the newest snapshot of each controller, after asking')
      .example('$0 restore web1 --from 3fa90c1b --check', 'the plan for one snapshot, nothing changed')
      .example('$0 restore web1 --to spare1 --yes', 'onto another host'),
  handler: (args) =>
    runCommand(args, async (invocation) => {
      const { output, emit, signal } = invocation;
      const [{ restore }, { loadHosts }, { artifactFilter, requireRestorable }] = await Promise.all([
        import('../operations/restore.js'),
        import('../operations/load-hosts.js'),
        import('../coolify/artifact-filter.js'),
      ]);
      const wants = artifactFilter(args.only, args.skip);
      requireRestorable(wants);
      const hosts = await loadHosts(selectionOf(args, output));
      const others =
        args.to === undefined
          ? []
          : await loadHosts({ ...selectionOf(args, output), pattern: args.to, limit: undefined });
      if (others.length > 1)
        throw notOne(
          '--to names one host',
          others.map(({ name }) => name),
        );
      const [other] = others;
      const [first] = hosts;
      if (other !== undefined && hosts.length !== 1)
        throw notOne(
          '--to takes the snapshot of exactly one host',
          hosts.map(({ name }) => name),
        );
      const jobs =
        other !== undefined && first !== undefined
          ? [
              {
                target: { ...other, repositories: first.repositories, identityPath: first.identityPath },
                snapshotHost: first.name,
              },
            ]
          : hosts.map((target) => ({ target, snapshotHost: target.name }));
      const reports = await restore(jobs, {
        stateRoot: args['state-dir'],
        from: choiceOf(args.from),
        forks: args.forks,
        check: args.check,
        safety: args.safety,
        wants,
        confirm: oneAtATime((plan) => confirmPlan(plan, args.yes, output)),
        passphrase: requiredPassphraseOf,
        signal,
        emit,
      });
      return showReports('restore', reports, invocation);
    }),
};

/** Several hosts share one terminal: the next is asked about when the last was answered. */
function oneAtATime<Value, Result>(
  ask: (value: Value) => Promise<Result>,
): (value: Value) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (value) => {
    const answer = last.then(() => ask(value));
    last = answer.catch(() => undefined);
    return answer;
  };
}

/** Shows the plan; on a terminal the host's name is typed, elsewhere `--yes` has to have been given. */
async function confirmPlan(plan: RestorePlan, yes: boolean, output: Output): Promise<boolean> {
  const taken = `${plan.createdAt}, ${age(Date.now() - Date.parse(plan.createdAt))} ago`;
  output.err(`\n${printable(plan.host)} will be restored from ${printable(plan.origin)} (${taken})`);
  if (plan.snapshotHost !== plan.host)
    output.err(`  this is the snapshot of another host: ${printable(plan.snapshotHost)}`);
  output.err(
    plan.kind === 'bare'
      ? '  the target is bare'
      : '  a Coolify stands on the target: what it holds will be replaced',
  );
  for (const { task, note } of plan.steps) output.err(`  - ${task}: ${printable(note ?? '')}`);
  if (yes) return true;
  if (!process.stdin.isTTY) {
    throw new StateError({
      kind: 'usage',
      code: 'restore.needs-yes',
      what: 'A restore has to be confirmed',
      why: 'there is no terminal to ask on',
      next: 'look at the plan above and add --yes',
      host: plan.host,
    });
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await prompt.question(`\nType the name of the host to go on: `)).trim() === plan.host;
  } finally {
    prompt.close();
  }
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
