import { asStateError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import type { EventSink } from '../../engine/events.js';
import { joinReports } from '../../engine/join-reports.js';
import type { HostReport } from '../../engine/run-host.js';
import { runHosts } from '../../engine/run-hosts.js';
import { Notifier } from '../../notify/notifier.js';
import { isEmpty } from '../../repository/retention/keep-policy.js';
import type { Span } from '../../repository/retention/span.js';
import type { Proof } from '../../state/manifest.js';
import { type BackupReport, backup } from '../backup/backup.js';
import type { HostConfig } from '../hosts/host-config.js';
import { type PruneReport, prune } from '../prune/prune.js';
import { type VerifyReport, verify } from '../verify/verify.js';
import { leaveMetrics, newsOf, RunLog } from './news.js';

export interface UnattendedOptions {
  readonly stateRoot: string;
  readonly forks: number;
  readonly leftoversOlderThan: Span;
  /** Makes no generation and no snapshots of a state that is that of the newest ones. */
  readonly skipUnchanged?: boolean | undefined;
  readonly passphrase?: (path: string) => Promise<Secret>;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

/** The parts of a run; what is undefined was not reached, or had nothing to do. */
export interface RunParts {
  readonly backup?: BackupReport | undefined;
  readonly prune?: PruneReport | undefined;
  readonly verify?: VerifyReport | undefined;
}

export interface UnattendedReport extends HostReport {
  readonly parts: RunParts;
  readonly proofs: readonly Proof[];
}

/**
 * What a timer starts: backs up each host, prunes by the policy of the inventory, verifies a sample of what is stored, and
 * tells everybody who asked. Settings come from the inventory. Never throws for what happens on a host.
 */
export async function runUnattended(
  hosts: readonly HostConfig[],
  options: UnattendedOptions,
): Promise<UnattendedReport[]> {
  return await runHosts(hosts, options.forks, (host) => runHost(host, options));
}

async function runHost(config: HostConfig, options: UnattendedOptions): Promise<UnattendedReport> {
  const { name, unattended } = config;
  const log = new RunLog();
  // The parts are one run to whoever watches.
  const emit: EventSink = (event) => {
    log.take(event);
    if (event.type !== 'host-start' && event.type !== 'host-end') options.emit(event);
  };
  const notifier = new Notifier(name, 'run', unattended.notify, {
    warn: (message) => emit({ type: 'warning', host: name, message }),
    onLine: (line) => emit({ type: 'task-progress', host: name, task: 'hook', line }),
  });
  const startedAt = new Date();
  options.emit({ type: 'host-start', host: name });
  const report = await begun(notifier, config, { ...options, emit });
  const news = newsOf(report, startedAt, log);
  await notifier.finished(news);
  await leaveMetrics(unattended.metricsFolder, report, news, (message) =>
    emit({ type: 'warning', host: name, message }),
  );
  options.emit({ type: 'host-end', host: name, recap: report.recap });
  return report;
}

async function begun(
  notifier: Notifier,
  config: HostConfig,
  options: UnattendedOptions,
): Promise<UnattendedReport> {
  const began = performance.now();
  try {
    await notifier.started(options.signal);
  } catch (thrown) {
    const error = asStateError(thrown, 'The run could not begin').onHost(config.name);
    return {
      host: config.name,
      recap: { ok: 0, changed: 0, skipped: 0, failed: 1, unreachable: 0 },
      tasks: [],
      error,
      milliseconds: performance.now() - began,
      parts: {},
      proofs: [],
    };
  }
  return await allParts(config, options);
}

/** One after the other; a part that fails ends the run, as those after it build on it. */
async function allParts(config: HostConfig, options: UnattendedOptions): Promise<UnattendedReport> {
  const { stateRoot, leftoversOlderThan, skipUnchanged, passphrase, signal, emit } = options;
  const common = { stateRoot, forks: 1, signal, emit };
  const made = only(
    await backup([config], { ...common, check: false, acceptNewInstance: false, skipUnchanged }),
  );
  let report: HostReport = made;
  let pruned: PruneReport | undefined;
  let verified: VerifyReport | undefined;
  if (report.error === undefined && !isEmpty(config.keep)) {
    pruned = only(
      await prune([config], {
        ...common,
        check: false,
        leftoversOlderThan,
        // The policy stands in the inventory: that is what was agreed to.
        confirm: () => Promise.resolve(true),
      }),
    );
    report = joinReports(report, pruned);
  }
  if (report.error === undefined && config.repositories.length > 0) {
    verified = only(
      await verify([config], {
        ...common,
        from: { kind: 'all', sample: { size: config.unattended.sample } },
        readData: config.unattended.readData,
        ...(passphrase !== undefined && { passphrase }),
      }),
    );
    report = joinReports(report, verified);
  }
  return {
    ...report,
    parts: { backup: made, prune: pruned, verify: verified },
    proofs: [...made.proofs, ...(verified?.proofs ?? [])],
  };
}

function only<Report>(reports: readonly Report[]): Report {
  const [report] = reports;
  if (report === undefined) throw new Error('one host gives one report');
  return report;
}
