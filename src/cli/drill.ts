import type { CommandModule, InferredOptionTypes } from 'yargs';
import { showDuration } from '../core/duration.js';
import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import type { DrillReport } from '../operations/drill/drill.js';
import type { Evidence } from '../operations/drill/evidence.js';
import type { HostConfig } from '../operations/hosts/host-config.js';
import type { RestorePlan } from '../operations/restore/restore.js';
import { TOOL } from '../tool.js';
import { confirmPlan } from './confirm-plan.js';
import { appendSummary } from './drill-summary.js';
import { withoutLiveView } from './live/live-view.js';
import { oneAtATime } from './one-at-a-time.js';
import { COMMON, FLEET, hostsPositional, lastOf, SOURCE } from './options.js';
import { requiredPassphraseOf } from './passphrase.js';
import type { Output } from './progress.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';
import { showReports } from './show-reports.js';
import { choiceOf } from './snapshot-choice.js';

const OPTIONS = {
  ...COMMON,
  ...FLEET,
  // A drill takes a whole host's share of this machine.
  forks: { ...COMMON.forks, default: 1 },
  from: { ...SOURCE.from, describe: '"latest", or the id of a snapshot' },
  keep: {
    type: 'boolean',
    default: false,
    describe: 'leave the throwaway host running, and say how to get in',
  },
  bare: {
    type: 'boolean',
    default: false,
    describe: 'restore onto a host without a Coolify; the image has to install one without a network',
  },
  refresh: { type: 'boolean', default: false, describe: 'make the prepared host anew first' },
  target: {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'a spare machine of the inventory instead of a throwaway host; needs --without-isolation',
  },
  'without-isolation': {
    type: 'boolean',
    default: false,
    describe: 'with --target: nothing makes sure there that the restored Coolify reaches nobody',
  },
  store: {
    type: 'boolean',
    default: true,
    describe: 'store the evidence beside the snapshot (--no-store: only on this machine)',
  },
  evidence: {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'folder for the evidence on this machine; below the state folder by default',
  },
  summary: {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'file that a summary in Markdown is appended to; $GITHUB_STEP_SUMMARY by default',
  },
  yes: { alias: 'y', type: 'boolean', default: false, describe: 'with --target: do not ask' },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { hosts: string };

export const drillCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    hostsPositional(yargs.options(OPTIONS))
      .example('$0 drill', 'the newest snapshot of each controller, in a container of this machine')
      .example(
        '$0 drill web1 --from 3fa90c1b --keep',
        'one snapshot; the restored host stays, to look around',
      )
      .example('$0 verify web1 --evidence', 'who has drilled which snapshot, and whether that is genuine'),
  handler: (args) =>
    runCommand(args, async (invocation) => {
      const { output, emit, signal } = invocation;
      refuseContradiction(args);
      const [{ drill }, { drillChoiceOf }, { loadHosts }] = await Promise.all([
        import('../operations/drill/drill.js'),
        import('../operations/drill/snapshot.js'),
        import('../operations/hosts/load-hosts.js'),
      ]);
      const from = drillChoiceOf(choiceOf(args.from));
      const hosts = await loadHosts({ ...selectionOf(args, output), offline: true });
      const reports = await drill(hosts, {
        stateRoot: args['state-dir'],
        from,
        forks: args.forks,
        maxFailures: args['max-failures'],
        keep: args.keep,
        bare: args.bare,
        refresh: args.refresh,
        target: args.target === undefined ? undefined : await targetOf(args, args.target, hosts, output),
        confirm: oneAtATime((plan: RestorePlan) =>
          withoutLiveView(() => confirmPlan(plan, args.yes, output)),
        ),
        store: args.store,
        evidenceFolder: args.evidence,
        passphrase: requiredPassphraseOf,
        signal,
        emit,
      });
      const summary = args.summary ?? process.env['GITHUB_STEP_SUMMARY'];
      if (summary !== undefined && summary !== '') await appendSummary(summary, reports);
      return showReports('drill', reports, invocation, resultsOf);
    }),
};

/** The one machine that `--target` names. */
async function targetOf(
  args: Arguments,
  pattern: string,
  hosts: readonly HostConfig[],
  output: Output,
): Promise<HostConfig> {
  const { loadHosts } = await import('../operations/hosts/load-hosts.js');
  const found = await loadHosts({ ...selectionOf(args, output), pattern, limit: undefined });
  const [target, ...others] = found;
  if (target === undefined || others.length > 0 || hosts.length !== 1) {
    throw usage(
      'a drill on a machine of the inventory is of one host, onto one other',
      `${hosts.length} hosts are named, and ${found.length} targets`,
    );
  }
  if (hosts.some(({ name }) => name === target.name))
    throw usage(`${target.name} is the host itself`, 'a drill is never made on the host that it is of');
  return target;
}

/** @throws StateError `cli.usage` */
function refuseContradiction(args: Arguments): void {
  if (args.target !== undefined && !args['without-isolation']) {
    throw usage(
      '--target needs --without-isolation',
      'nothing makes sure there that the restored Coolify reaches nobody; its queue and its scheduler are off all the same',
    );
  }
  const beside = (['keep', 'bare', 'refresh'] as const).filter((name) => args[name]);
  if (args.target !== undefined && beside.length > 0)
    throw usage(`--target and --${beside[0]} cannot be given together`, 'they are of throwaway hosts');
  if (args.bare && args.refresh)
    throw usage('--bare and --refresh cannot be given together', 'a bare host is not prepared');
}

function usage(what: string, why: string): StateError {
  return new StateError({ kind: 'usage', code: 'cli.usage', what, why, next: `${TOOL.name} drill --help` });
}

function resultsOf({ host, evidence, evidencePath, stored, kept }: DrillReport): string[] {
  const lines: string[] = [];
  if (evidence !== undefined) {
    const { snapshot, outcome, recovery, dataAge } = evidence;
    const took = recovery === undefined ? '' : `, recovery ${figureOf(recovery)}`;
    lines.push(`drill       ${outcome}: ${snapshot.id}${took}, age of the data ${figureOf(dataAge)}`);
  }
  if (evidencePath !== undefined) lines.push(`evidence    ${printable(evidencePath)}`);
  for (const place of stored) lines.push(`            ${printable(place)}`);
  if (kept !== undefined) {
    lines.push(
      `kept        the throwaway host of ${printable(host)}: ${kept.shell}`,
      `            remove it with: docker rm -fv ${kept.container} && docker volume rm ${kept.container}`,
    );
  }
  return lines;
}

function figureOf({ seconds, limitSeconds }: Evidence['dataAge']): string {
  const limit = limitSeconds === undefined ? '' : ` (${showDuration(limitSeconds)} allowed)`;
  return `${showDuration(seconds)}${limit}`;
}
