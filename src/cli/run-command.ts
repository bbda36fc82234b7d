import { setMaxListeners } from 'node:events';
import { asStateError, interrupted } from '../core/errors.js';
import type { EventSink } from '../engine/events.js';
import type { HostReport } from '../engine/run-host.js';
import { Heartbeat } from './heartbeat.js';
import { LiveView } from './live/live-view.js';
import { PLAIN, type Style, styleOf } from './live/style.js';
import { JsonLog } from './log/json-log.js';
import { logFormatOf } from './log/log-format.js';
import { jsonProgress, type Output, plainProgress, standardOutput } from './progress.js';
import { errorFacts, renderError } from './render-error.js';

/** What a command's work gets from the command line around it. */
export interface Invocation {
  readonly output: Output;
  readonly json: boolean;
  /** How often -v was given. */
  readonly verbose: number;
  readonly debug: boolean;
  /** How standard output wants to be written to, and how wide it is where it is a terminal. */
  readonly style: Style;
  readonly width: number | undefined;
  readonly emit: EventSink;
  /** Where what becomes of hosts is told instead of in words, if a program reads what is told. */
  readonly log: JsonLog | undefined;
  readonly signal: AbortSignal;
}

interface Presentation {
  readonly json: boolean;
  readonly verbose?: number | undefined;
  readonly diff?: boolean;
  readonly live?: boolean;
  /** How what is told on standard error is written. */
  readonly log?: string | undefined;
  /** Aborted by the first signal to end, for what finishes its work before it goes; the next one cancels. */
  readonly drain?: AbortController;
}

/**
 * Runs a command's work: Ctrl-C and SIGTERM cancel it in order (a second one ends at once), what it throws is shown
 * in one way, and the exit status is the one documented for the worst that happened.
 */
export async function runCommand(
  { json, verbose = 0, diff = false, live = true, log: logOption, drain }: Presentation,
  work: (invocation: Invocation) => Promise<number>,
): Promise<void> {
  const direct = standardOutput();
  const began = performance.now();
  const log = logOf(logOption, direct, { verbose, diff });
  const view =
    live && !json && log === undefined && verbose === 0 && isScreen()
      ? new LiveView(process.stderr, diff, process.env)
      : undefined;
  const output =
    view?.output(direct) ?? (log === undefined ? direct : { ...direct, err: (text) => log.message(text) });
  const heartbeat =
    view === undefined && !json
      ? new Heartbeat(log?.emit ?? plainProgress(output, { verbose, diff }), output.err)
      : undefined;
  const debug = process.env['COOLIFY_STATE_DEBUG'] !== undefined;
  const controller = new AbortController();
  // Every connection, stream and child of every host listens to it, as many as there are at once.
  setMaxListeners(0, controller.signal);
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(interrupted().exitStatus);
    if (drain?.signal.aborted === false) {
      output.err('draining: what is at work is finished, nothing more is begun (once more to break it off)');
      drain.abort();
      return;
    }
    output.err('stopping: closing connections and removing what is half done (once more to end at once)');
    controller.abort(interrupted());
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  log?.start(process.argv.slice(2));
  try {
    const emit = view?.emit ?? heartbeat?.emit ?? jsonProgress(output);
    process.exitCode = await work({
      output,
      json,
      verbose,
      debug,
      style: styleFor(process.stdout),
      width: process.stdout.isTTY ? process.stdout.columns : undefined,
      emit,
      log,
      signal: controller.signal,
    });
  } catch (thrown) {
    const failure = asStateError(thrown, 'The command failed');
    if (json) output.out(JSON.stringify({ type: 'error', error: errorFacts(failure) }));
    else if (log !== undefined) log.failure(failure);
    else output.err(renderError(failure, { debug, verbose, style: styleFor(process.stderr) }));
    process.exitCode = failure.exitStatus;
  } finally {
    view?.stop();
    heartbeat?.stop();
    for (const signal of SIGNALS) process.off(signal, stop);
    log?.end(Number(process.exitCode ?? 0), performance.now() - began);
  }
}

function logOf(
  option: string | undefined,
  output: Output,
  detail: { readonly verbose: number; readonly diff: boolean },
): JsonLog | undefined {
  return logFormatOf(option, process.env) === 'json' ? new JsonLog(output.err, detail) : undefined;
}

/** Colors are for terminals. */
export function styleFor(stream: NodeJS.WriteStream): Style {
  return stream.isTTY ? styleOf(process.env) : PLAIN;
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
