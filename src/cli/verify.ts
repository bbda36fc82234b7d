import type { CommandModule, InferredOptionTypes } from 'yargs';
import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import { parseSampleSize } from '../operations/snapshots/sample.js';
import type { StoredChoice } from '../operations/verify/selection.js';
import type { VerifiedSnapshot } from '../operations/verify/snapshot.js';
import type { VerifyChoice, VerifyReport } from '../operations/verify/verify.js';
import { bytes, table } from './figures.js';
import { COMMON, FLEET, hostsPositional, lastOf, SOURCE } from './options.js';
import { requiredPassphraseOf } from './passphrase.js';
import { proofTable } from './recap.js';
import { errorFacts } from './render-error.js';
import { type Invocation, runCommand } from './run-command.js';
import { selectionOf } from './selection.js';
import { showReports } from './show-reports.js';
import { choiceOf } from './snapshot-choice.js';

const OPTIONS = {
  ...COMMON,
  ...FLEET,
  ...SOURCE,
  'read-data': {
    type: 'boolean',
    default: false,
    describe: 'decrypt it and prove what is inside; without this no key is needed',
  },
  evidence: {
    type: 'boolean',
    default: false,
    describe: 'check the evidence of drills instead: signatures, and that it is about the stored bytes',
  },
  all: { type: 'boolean', default: false, describe: 'every snapshot of the hosts, not only one' },
  sample: {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'of all snapshots only some, by chance: "10%" or a number; the newest is always among them',
  },
  seed: {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'draw the same sample as another run did',
  },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { hosts: string; ids: string[] };

export const verifyCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    hostsPositional(yargs.options(OPTIONS))
      .positional('ids', {
        type: 'string',
        array: true,
        default: [],
        describe: 'ids of snapshots, instead of --from',
      })
      .example('$0 verify', 'the stored bytes of the newest snapshots, without a key')
      .example(
        '$0 verify web1 --read-data',
        'decrypt, read the dump to its last block, try APP_KEY on every value',
      )
      .example('$0 verify web1 3fa90c1b 77d0a2e4', 'these two, in every repository of the host')
      .example('$0 verify --evidence', 'the evidence of all drills, and who has signed it')
      .example('$0 verify --all --sample 10% --read-data', 'a tenth of all snapshots, the newest included'),
  handler: (args) =>
    runCommand(args, async (invocation) => {
      const { output, emit, signal } = invocation;
      if (args.evidence) return await checkEvidence(args, invocation);
      const from = verifyChoiceOf(args);
      const [{ verify }, { loadHosts }] = await Promise.all([
        import('../operations/verify/verify.js'),
        import('../operations/hosts/load-hosts.js'),
      ]);
      const hosts = await loadHosts({ ...selectionOf(args, output), offline: true });
      const reports = await verify(hosts, {
        stateRoot: args['state-dir'],
        from,
        readData: args['read-data'],
        forks: args.forks,
        maxFailures: args['max-failures'],
        passphrase: requiredPassphraseOf,
        signal,
        emit,
      });
      if (invocation.json) return showReports('verify', reports.map(verifyFacts), invocation);
      return showReports('verify', reports.map(shownProofs), invocation, resultsOf);
    }),
};

async function checkEvidence(args: Arguments, invocation: Invocation): Promise<number> {
  const { output, emit, signal } = invocation;
  const from = evidenceChoiceOf(args);
  const [{ verifyEvidence }, { loadHosts }, { showEvidence }] = await Promise.all([
    import('../operations/verify/evidence.js'),
    import('../operations/hosts/load-hosts.js'),
    import('./evidence-reports.js'),
  ]);
  const hosts = await loadHosts({ ...selectionOf(args, output), offline: true });
  return showEvidence(await verifyEvidence(hosts, { from, forks: args.forks, signal, emit }), invocation);
}

/** All that drills have left, unless snapshots are named. @throws StateError `cli.usage` */
function evidenceChoiceOf(args: Arguments): StoredChoice {
  const { 'read-data': readData, sample, seed, ids, from } = args;
  if (readData || sample !== undefined || seed !== undefined)
    throw usage('--evidence is not of the data: it takes no --read-data, --sample or --seed');
  if (ids.length > 0) return { kind: 'ids', ids };
  const choice = choiceOf(from);
  if (choice.kind === 'id') return choice;
  if (choice.kind !== 'latest') throw usage('--evidence is about snapshots of repositories');
  return { kind: 'all' };
}

/** @throws StateError `cli.usage` for options that exclude each other */
function verifyChoiceOf({ from, ids, all, sample, seed }: Arguments): VerifyChoice {
  const ways = [
    ...(ids.length > 0 ? ['ids'] : []),
    ...(from !== SOURCE.from.default ? ['--from'] : []),
    ...(all || sample !== undefined ? ['--all or --sample'] : []),
  ];
  if (ways.length > 1) throw usage(`${ways.join(' and ')} cannot be given together`);
  if (seed !== undefined && sample === undefined) throw usage('--seed belongs to --sample');
  if (ids.length > 0) return { kind: 'ids', ids };
  if (sample !== undefined) {
    const size = parseSampleSize(sample);
    return { kind: 'all', sample: { size, ...(seed !== undefined && { seed }) } };
  }
  return all ? { kind: 'all' } : choiceOf(from);
}

/** Of one snapshot in one place all proofs are shown, of several those that failed. */
function shownProofs(report: VerifyReport): VerifyReport {
  return report.snapshots.length > 1 ? { ...report, proofs: [] } : report;
}

function resultsOf({ host, snapshots }: VerifyReport): string[] {
  if (snapshots.length < 2) return [];
  const rows = snapshots.map(({ id, createdAt = '', size, checked, error, where }) => [
    printable(id),
    createdAt,
    size === undefined ? '' : bytes(size),
    checked === 'data' ? 'all data' : 'stored bytes',
    error === undefined ? 'good' : error.kind === 'proof' ? 'BAD' : 'NOT VERIFIED',
    printable(where),
  ]);
  const bad = snapshots.filter(({ error }) => error !== undefined);
  return [
    `\n${printable(host)}`,
    table([['ID', 'TAKEN', 'SIZE', 'CHECKED', 'RESULT', 'WHERE'], ...rows]),
    ...bad.map(
      (snapshot) => `\n${printable(snapshot.id)} in ${printable(snapshot.where)}\n${troubleOf(snapshot)}`,
    ),
  ];
}

function troubleOf({ proofs, error }: VerifiedSnapshot): string {
  const failed = proofs.filter(({ ok }) => !ok);
  return failed.length > 0 ? proofTable(failed) : printable(error?.message ?? '');
}

/** A report as `--json` shows it. */
export function verifyFacts(
  report: VerifyReport,
): Omit<VerifyReport, 'snapshots'> & { readonly snapshots: readonly object[] } {
  const snapshots = report.snapshots.map(({ error, ...rest }) => ({
    ...rest,
    ok: error === undefined,
    ...(error !== undefined && { error: errorFacts(error) }),
  }));
  return { ...report, snapshots };
}

function usage(what: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'cli.usage',
    what,
    next: 'coolify-state verify --help',
  });
}
