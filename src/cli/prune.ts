import { createInterface } from 'node:readline/promises';
import type { CommandModule, InferredOptionTypes } from 'yargs';
import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import type { PrunedPlace, PruneOutcome, PrunePlan } from '../operations/prune/plan.js';
import { parseSpan, type Span } from '../repository/retention/span.js';
import { age, bytes, wholeSeconds } from './figures.js';
import { fittingTable } from './fitting-table.js';
import { KEEP, keepFlags } from './keep-options.js';
import { withoutLiveView } from './live/live-view.js';
import { oneAtATime } from './one-at-a-time.js';
import { CHANGING, COMMON, FLEET, hostsPositional, lastOf } from './options.js';
import type { Output } from './progress.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';
import { showReports } from './show-reports.js';
import { WAIT_LOCK } from './wait-lock.js';

const OPTIONS = {
  ...COMMON,
  ...FLEET,
  check: { ...CHANGING.check, describe: 'only tell what would be kept and removed, and why' },
  ...KEEP,
  ...WAIT_LOCK,
  'leftovers-older-than': {
    type: 'string',
    coerce: spanOf,
    requiresArg: true,
    default: '2d',
    describe: 'age from which leftovers of interrupted uploads are removed',
  },
  yes: { alias: 'y', type: 'boolean', default: false, describe: 'do not ask' },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { hosts: string };

export const pruneCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    hostsPositional(yargs.options(OPTIONS))
      .example('$0 prune --check', 'what the policy of the inventory keeps and drops, and why')
      .example('$0 prune --keep-daily 7 --keep-monthly 12', 'after asking')
      .example('$0 prune web1 --keep-within 30d --yes', 'one host, not asked'),
  handler: (args) =>
    runCommand(args, async (invocation) => {
      const { output, emit, signal } = invocation;
      const [{ prune }, { loadHosts }] = await Promise.all([
        import('../operations/prune/prune.js'),
        import('../operations/hosts/load-hosts.js'),
      ]);
      const flags = keepFlags(args);
      const hosts = await loadHosts({ ...selectionOf(args, output), flags, offline: true });
      // A policy that stands in the inventory is what prune was set up for; one that was just typed is shown first.
      const isStanding = Object.keys(flags).length === 0;
      const reports = await prune(hosts, {
        stateRoot: args['state-dir'],
        forks: args.forks,
        maxFailures: args['max-failures'],
        check: args.check,
        leftoversOlderThan: args['leftovers-older-than'],
        waitLock: args['wait-lock'],
        confirm: oneAtATime((plan: PrunePlan) =>
          withoutLiveView(() => confirmPlan(plan, { yes: args.yes, isStanding }, output)),
        ),
        signal,
        emit,
      });
      return showReports('prune', reports, invocation, ({ host, policy, places }) => [
        ...(policy === '' ? [] : [`\n${printable(host)}: ${policy}`]),
        ...places.flatMap((place) => placeLines(place, process.stdout.columns)),
      ]);
    }),
};

const ACTION: Readonly<Record<PruneOutcome, string>> = {
  keep: 'keep',
  drop: 'drop',
  removed: 'removed',
  locked: 'LOCKED',
};

/** A place with all that is in it, what becomes of it, and why. */
function placeLines({ place, snapshots, leftovers }: PrunedPlace, width: number | undefined): string[] {
  const now = Date.now();
  const columns = [
    { title: 'ID' },
    { title: 'TAKEN', dispensable: 2 },
    { title: 'AGE', dispensable: 1 },
    { title: 'SIZE', dispensable: 3 },
    { title: 'ACTION' },
    { title: 'WHY' },
  ];
  const rows = snapshots.map(({ id, createdAt, size, outcome, reasons }) => [
    id,
    wholeSeconds(createdAt),
    age(now - Date.parse(createdAt)),
    size === undefined ? '?' : bytes(size),
    ACTION[outcome],
    reasons.map((reason) => printable(reason)).join(', '),
  ]);
  return [
    `\n${printable(place)}`,
    rows.length === 0 ? 'nothing' : fittingTable(columns, rows, width).text,
    ...leftovers.map(
      ({ name, since, outcome }) =>
        `${ACTION[outcome]}: leftover ${printable(name)}${since === undefined ? '' : ` of ${since}`}`,
    ),
  ];
}

/**
 * On a terminal what goes is shown and asked about. Elsewhere the policy has to stand in the inventory, or `--yes` has
 * to be given.
 */
async function confirmPlan(
  { host, policy, places }: PrunePlan,
  { yes, isStanding }: { readonly yes: boolean; readonly isStanding: boolean },
  output: Output,
): Promise<boolean> {
  if (yes || (isStanding && !process.stdin.isTTY)) return true;
  if (!process.stdin.isTTY) {
    throw new StateError({
      kind: 'usage',
      code: 'prune.needs-yes',
      what: 'A prune by rules of the command line has to be confirmed',
      why: 'there is no terminal to ask on',
      next: 'look at "--check", then add --yes; rules in the inventory (coolify_keep_*) need none',
      host,
    });
  }
  output.err(`\n${printable(host)}: ${policy}`);
  for (const { place, snapshots, leftovers } of places) {
    const dropped = snapshots.filter(({ outcome }) => outcome === 'drop');
    if (dropped.length + leftovers.length === 0) continue;
    for (const line of placeLines({ place, snapshots: dropped, leftovers }, process.stderr.columns))
      output.err(line);
    output.err(`${snapshots.length - dropped.length} others are kept`);
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question('\nRemove these for good? [y/N] ')).trim());
  } finally {
    prompt.close();
  }
}

/** @throws StateError `cli.usage` */
function spanOf(value: string): Span {
  const span = parseSpan(lastOf(value));
  if (span !== undefined) return span;
  throw new StateError({
    kind: 'usage',
    code: 'cli.usage',
    what: '--leftovers-older-than takes a length of time, such as "2d" or "12h"',
    next: 'leave it out for two days',
  });
}
