import { showDuration } from '../../core/duration.js';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { HostScore, Scorecard } from '../../fleet/report/scorecard.js';
import type { HostConfig } from '../../operations/hosts/host-config.js';
import { table, wholeSeconds } from '../figures.js';
import { requiredPassphraseOf } from '../passphrase.js';
import { errorFacts, renderError } from '../render-error.js';
import { writeReport } from '../report/write.js';
import type { Invocation } from '../run-command.js';
import { selectionOf } from '../selection.js';
import { summary } from './jobs.js';
import type { FleetArguments } from './options.js';

/** `fleet report`: how all hosts stand, as their repositories tell. Needs no Redis. */
export async function fleetReport(args: FleetArguments, invocation: Invocation): Promise<number> {
  const { output, json, signal, debug, verbose } = invocation;
  const [{ reportData }, { loadHosts }, { scorecardOf }] = await Promise.all([
    import('../../operations/report/data.js'),
    import('../../operations/hosts/load-hosts.js'),
    import('../../fleet/report/scorecard.js'),
  ]);
  const hosts = await loadHosts({ ...selectionOf(args, output), offline: true });
  const data = await reportData(hosts, { stateRoot: args['state-dir'], signal });
  const scorecard = scorecardOf(data, hosts);
  const files: string[] = [];
  if (args.output !== undefined) {
    const [{ reportPage }, { fleetOverview }] = await Promise.all([
      import('../report/page.js'),
      import('../report/fleet.js'),
    ]);
    await writeReport(args.output, reportPage(data, fleetOverview(scorecard)));
    files.push(args.output);
  }
  if (args.scorecard !== undefined)
    files.push(...(await writeScorecard(args.scorecard, scorecard, hosts, output)));
  if (args.metrics !== undefined) {
    const { writeFleetMetrics } = await import('../../fleet/report/metrics.js');
    files.push(await writeFleetMetrics(args.metrics, scorecard));
  }
  const errors = data.errors;
  if (json) summary(output, 'report', { scorecard, files, errors: errors.map(errorFacts) });
  else {
    output.out(reportText(scorecard));
    for (const file of files) output.err(`written: ${file}`);
    for (const error of errors) output.err(renderError(error, { debug, verbose }));
  }
  return Math.max(0, ...errors.map(({ exitStatus }) => exitStatus));
}

function reportText({ hosts, totals }: Scorecard): string {
  const rows = hosts.map((score) => [
    printable(score.host),
    printable(score.group),
    score.lastGood === undefined ? 'never' : wholeSeconds(score.lastGood.at),
    score.lastProven === undefined ? 'never' : wholeSeconds(score.lastProven.at),
    recoveryOf(score),
    score.overdue.join(', '),
    score.drift.map((one) => printable(one)).join(', '),
  ]);
  const sum = `${totals.hosts} hosts: ${totals.good} with a good snapshot, ${totals.proven} proven by a drill, ${totals.overdue} overdue, ${totals.unreadable} unreadable`;
  return `${table([['HOST', 'GROUP', 'LAST GOOD', 'LAST PROVEN', 'RECOVERY', 'OVERDUE', 'DRIFT'], ...rows])}\n\n${sum}`;
}

function recoveryOf({ recovery }: HostScore): string {
  return recovery === undefined ? '' : showDuration(recovery.seconds);
}

/** Signed with the key that signs evidence of drills, where the hosts name one. */
async function writeScorecard(
  path: string,
  scorecard: Scorecard,
  hosts: readonly HostConfig[],
  output: Invocation['output'],
): Promise<string[]> {
  const [{ signEvidence }, { SCORECARD_NAMESPACE }] = await Promise.all([
    import('../../operations/drill/store.js'),
    import('../../fleet/report/scorecard.js'),
  ]);
  const [key, ...others] = new Set(hosts.map(({ drill }) => drill.evidenceKeyPath));
  if (others.length > 0)
    throw new StateError({
      kind: 'usage',
      code: 'fleet.several-keys',
      what: 'The scorecard cannot be signed',
      why: 'its hosts name different keys for evidence',
      next: 'set one coolify_evidence_key_path for all, or write a scorecard for some hosts with --limit',
    });
  const content = Buffer.from(`${JSON.stringify(scorecard, null, 2)}\n`);
  const signed = await signEvidence(content, key, requiredPassphraseOf, SCORECARD_NAMESPACE);
  await writeReport(path, content);
  if (signed.signature === undefined) {
    output.err('the scorecard is not signed: set coolify_evidence_key_path');
    return [path];
  }
  await writeReport(`${path}.sig`, signed.signature);
  return [path, `${path}.sig`];
}
