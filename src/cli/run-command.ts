import { setMaxListeners } from 'node:events';
import { asStateError, interrupted } from '../core/errors.js';
import type { EventSink } from '../engine/events.js';
import type { HostReport } from '../engine/run-host.js';
import { LiveView } from './live/live-view.js';
import { jsonProgress, type Output, plainProgress, standardOutput } from './progress.js';
import { errorFacts, renderError } from './render-error.js';

/** What a command's work gets from the command line around it. */
export interface Invocation {
  readonly output: Output;
  readonly json: boolean;
  /** How often -v was given. */
  readonly verbose: number;
  readonly debug: boolean;
  readonly emit: EventSink;
  readonly signal: AbortSignal;
}

interface Presentation {
  readonly json: boolean;
  readonly verbose?: number | undefined;
  readonly diff?: boolean;
  readonly live?: boolean;
}

/**
 * Runs a command's work: Ctrl-C and SIGTERM cancel it in order (a second one ends at once), what it throws is shown
 * in one way, and the exit status is the one documented for the worst that happened.
 */
export async function runCommand(
  { json, verbose = 0, diff = false, live = true }: Presentation,
  work: (invocation: Invocation) => Promise<number>,
): Promise<void> {
  const direct = standardOutput();
  const view =
    live && !json && verbose === 0 && isScreen()
      ? new LiveView(process.stderr, diff, process.env)
      : undefined;
  const output = view?.output(direct) ?? direct;
  const debug = process.env['COOLIFY_STATE_DEBUG'] !== undefined;
  const controller = new AbortController();
  // Every connection, stream and child of every host listens to it, as many as there are at once.
  setMaxListeners(0, controller.signal);
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(interrupted().exitStatus);
    output.err('stopping: closing connections and removing what is half done (once more to end at once)');
    controller.abort(interrupted());
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    const emit = view?.emit ?? (json ? jsonProgress(output) : plainProgress(output, { verbose, diff }));
    process.exitCode = await work({
      output,
      json,
      verbose,
      debug,
      emit,
      signal: controller.signal,
    });
  } catch (thrown) {
    const failure = asStateError(thrown, 'The command failed');
    if (json) output.out(JSON.stringify({ type: 'error', error: errorFacts(failure) }));
    else output.err(renderError(failure, { debug, verbose }));
    process.exitCode = failure.exitStatus;
  } finally {
    view?.stop();
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

/** Whether lines can be drawn anew on standard error: a terminal, and not one that only records. */
function isScreen(): boolean {
  const { TERM, CI } = process.env;
  return process.stderr.isTTY && TERM !== 'dumb' && (CI ?? '') === '';
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The highest status that applies, after all hosts were tried. */
export function exitStatusOf(reports: readonly HostReport[]): number {
  return Math.max(0, ...reports.map(({ error }) => error?.exitStatus ?? 0));
}

/** A report for `--json`: the error by its facts, without causes. */
export function reportFacts(report: HostReport): object {
  const { error, ...rest } = report;
  return { ...rest, ...(error !== undefined && { error: errorFacts(error) }) };
}
