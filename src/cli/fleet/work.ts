import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asStateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { Fleet } from '../../fleet/fleet.js';
import type { WorkerEvent } from '../../fleet/worker/worker.js';
import { bytes, duration } from '../figures.js';
import { requiredPassphraseOf } from '../passphrase.js';
import { errorFacts, renderError } from '../render-error.js';
import type { Invocation } from '../run-command.js';
import { selectionOf } from '../selection.js';
import { type FleetArguments, stalledAfterOf } from './options.js';

/** `fleet worker`: works until it is told to end. */
export async function runWorker(
  args: FleetArguments,
  fleet: Fleet,
  drain: AbortSignal,
  { output, json, emit, signal, debug, verbose }: Invocation,
): Promise<number> {
  const [{ FleetWorker }, { KnownHosts }, { missingIdentities }, { perform }, { loadHosts }] =
    await Promise.all([
      import('../../fleet/worker/worker.js'),
      import('../../fleet/worker/known-hosts.js'),
      import('../../fleet/worker/identities.js'),
      import('../../fleet/worker/perform.js'),
      import('../../operations/hosts/load-hosts.js'),
    ]);
  const hosts = new KnownHosts(() => loadHosts({ ...selectionOf(args, output), offline: true }));
  // A worker that could do nothing at all says so now.
  const missing = await missingIdentities((await hosts.all()).values());
  const identityJobs = missing.length > 0 ? 0 : args.drills;
  const told = (event: WorkerEvent): void => {
    if (json) output.out(JSON.stringify(factsOf(event)));
    else output.err(lineOf(event, { debug, verbose }));
  };
  const stateRoot = resolve(args['state-dir']);
  const worker = new FleetWorker({
    fleet,
    concurrency: args.concurrency,
    identityJobs,
    room: { memory: args['max-memory'], load: args['max-load'] },
    stalledAfter: stalledAfterOf(args),
    perform: async (work, round, surroundings) =>
      await perform(work, await hosts.find(work.host), round, {
        ...surroundings,
        stateRoot,
        passphrase: requiredPassphraseOf,
      }),
    emit,
    told,
    drain,
    signal,
  });
  if (!json)
    output.err(`worker ${worker.name}: ${args.concurrency} jobs at once, ${openingOf(args, missing)}`);
  await worker.run();
  if (json)
    output.out(JSON.stringify({ type: 'summary', command: 'fleet', action: 'worker', worker: worker.name }));
  return signal.aborted ? asStateError(signal.reason, 'interrupted').exitStatus : 0;
}

function openingOf({ drills }: FleetArguments, missing: readonly string[]): string {
  if (drills === 0) return 'no drills';
  if (missing.length > 0)
    return `no drills, because ${printable(missing[0] ?? '')} is not here (${missing.length} missing)`;
  return `${drills} of them drills`;
}

function factsOf(event: WorkerEvent): object {
  return 'error' in event ? { ...event, error: errorFacts(event.error) } : event;
}

const ENDS = {
  done: 'done',
  already: 'already done in this round',
  cancelled: 'cancelled',
  back: 'back to the queue',
  retry: 'tried again later',
  dead: 'DEAD',
} as const;

function lineOf(event: WorkerEvent, how: { readonly debug: boolean; readonly verbose: number }): string {
  if (event.type === 'worker-warning') return `warning  ${printable(event.message)}`;
  const subject = `${printable(event.host)}  job      ${event.operation}`;
  if (event.type === 'job-start') return `${subject} begins`;
  const error = 'error' in event ? `\n${renderError(event.error, how)}` : '';
  const memory = how.verbose > 0 ? `, memory ${bytes(process.memoryUsage.rss())}` : '';
  return `${subject} ${ENDS[event.end]}, ${duration(event.milliseconds)}${memory}${error}`;
}

/** Waits; false when it was told to end. */
export async function waited(milliseconds: number, ...signals: readonly AbortSignal[]): Promise<boolean> {
  const signal = AbortSignal.any([...signals]);
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}
