import { asStateError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import type { EventSink } from '../../engine/events.js';
import { type FailureBudget, failureLimit } from '../../engine/failure-budget.js';
import type { HostReport } from '../../engine/run-host.js';
import { runHosts } from '../../engine/run-hosts.js';
import { Notifier } from '../../notify/notifier.js';
import type { Proof } from '../../state/manifest.js';
import { openStateFolder } from '../../state/state-folder.js';
import type { HostConfig } from '../hosts/host-config.js';
import type { RestorePlan } from '../restore/restore.js';
import { RunLog } from '../unattended/news.js';
import type { Evidence } from './evidence.js';
import { drillNews, leaveDrillMetrics } from './news.js';
import { DrillRun } from './run.js';
import type { DrillChoice } from './snapshot.js';

export interface DrillOptions {
  readonly stateRoot: string;
  readonly from: DrillChoice;
  readonly forks: number;
  /** How many hosts may fail before no further one is begun; without it all are tried. */
  readonly maxFailures?: FailureBudget | undefined;
  /** Leave the throwaway host running. */
  readonly keep: boolean;
  /** Restore onto a host without a Coolify, where the image can install one without a network. */
  readonly bare: boolean;
  /** Make the prepared host anew. */
  readonly refresh: boolean;
  /** A machine of the inventory instead of a throwaway host; then it is not made sure that nothing gets out. */
  readonly target?: HostConfig | undefined;
  /** Asked before anything is changed on such a machine. */
  readonly confirm: (plan: RestorePlan) => Promise<boolean>;
  /** Store the evidence beside the snapshot. */
  readonly store: boolean;
  /** Where evidence is kept on this machine, instead of below the state folder. */
  readonly evidenceFolder: string | undefined;
  readonly passphrase?: (path: string) => Promise<Secret>;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

export interface DrillReport extends HostReport {
  readonly startedAt: Date;
  /** Of the isolation, of the snapshot and of what was restored. */
  readonly proofs: readonly Proof[];
  /** Left out where the drill did not come so far as to say anything of the snapshot. */
  readonly evidence?: Evidence;
  /** File of this machine; its signature has `.sig` behind it. */
  readonly evidencePath?: string;
  /** Where it was stored beside the snapshot. */
  readonly stored: readonly string[];
  /** The throwaway host that was left running, and the command that enters it. */
  readonly kept?: { readonly container: string; readonly shell: string };
}

/**
 * Restores the newest snapshot of each host onto a throwaway host that reaches nobody, proves it, takes the time, and leaves
 * evidence. The real hosts are not connected to. Never throws for what happens to a host: its report says it.
 */
export async function drill(hosts: readonly HostConfig[], options: DrillOptions): Promise<DrillReport[]> {
  await openStateFolder(options.stateRoot);
  const limit = failureLimit(
    options.maxFailures,
    hosts,
    options.emit,
    ({ name }) => name,
    (report): DrillReport => ({ ...report, startedAt: new Date(), proofs: [], stored: [] }),
  );
  return await runHosts(hosts, options.forks, (host) => drillHost(host, options), limit);
}

async function drillHost(config: HostConfig, options: DrillOptions): Promise<DrillReport> {
  const { name, unattended } = config;
  const log = new RunLog();
  const emit: EventSink = (event) => {
    log.take(event);
    options.emit(event);
  };
  const warn = (message: string): void => emit({ type: 'warning', host: name, message });
  const notifier = new Notifier(name, 'drill', unattended.notify, {
    warn,
    onLine: (line) => emit({ type: 'task-progress', host: name, task: 'hook', line }),
  });
  emit({ type: 'host-start', host: name });
  const report = await begun(notifier, config, { ...options, emit });
  const news = drillNews(report, log);
  await notifier.finished(news);
  await leaveDrillMetrics(unattended.metricsFolder, report, news, warn);
  emit({ type: 'host-end', host: name, recap: report.recap });
  return report;
}

async function begun(notifier: Notifier, config: HostConfig, options: DrillOptions): Promise<DrillReport> {
  const startedAt = new Date();
  try {
    await notifier.started(options.signal);
  } catch (thrown) {
    const error = asStateError(thrown, 'The drill could not begin').onHost(config.name);
    const recap = { ok: 0, changed: 0, skipped: 0, failed: 1, unreachable: 0 };
    return { host: config.name, recap, tasks: [], error, milliseconds: 0, startedAt, proofs: [], stored: [] };
  }
  return await new DrillRun(config, options).report();
}
