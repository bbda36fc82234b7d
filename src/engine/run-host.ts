import { asStateError, type StateError } from '../core/errors.js';
import type { EventSink, Recap, TaskOutcome, TaskStatus } from './events.js';
import type { Task, TaskReporter } from './task.js';

/** How a host fared. `error` is set when a task failed; the tasks after it did not run. */
export interface HostReport {
  readonly host: string;
  readonly recap: Recap;
  readonly tasks: readonly TaskOutcome[];
  readonly error?: StateError;
  readonly milliseconds: number;
}

export interface RunOptions {
  /** Only look: changing tasks tell what they would do. */
  readonly check: boolean;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

/**
 * Runs the tasks of one host in order; the first failure ends them. Never throws: the report says it. A generator of
 * tasks is asked for the next one when the last has ended, so that it can go by what was found meanwhile; it must not
 * throw.
 */
export async function runTasks<Context>(
  host: string,
  tasks: Iterable<Task<Context>>,
  context: Context,
  options: RunOptions,
): Promise<HostReport> {
  const { emit } = options;
  const began = performance.now();
  const outcomes: TaskOutcome[] = [];
  let error: StateError | undefined;
  emit({ type: 'host-start', host });
  for (const task of tasks) {
    const { outcome, failure } = await runTask(host, task, context, options);
    outcomes.push(outcome);
    error ??= failure;
    if (failure !== undefined && task.independent !== true) break;
  }
  const recap = recapOf(outcomes);
  emit({ type: 'host-end', host, recap });
  return {
    host,
    recap,
    tasks: outcomes,
    milliseconds: performance.now() - began,
    ...(error !== undefined && { error }),
  };
}

async function runTask<Context>(
  host: string,
  task: Task<Context>,
  context: Context,
  { check, signal, emit }: RunOptions,
): Promise<{ outcome: TaskOutcome; failure?: StateError }> {
  const began = performance.now();
  let bytes: number | undefined;
  emit({ type: 'task-start', host, task: task.name });
  const reporter: TaskReporter = {
    signal,
    moved: (count) => {
      bytes = (bytes ?? 0) + count;
      emit({ type: 'task-progress', host, task: task.name, bytes });
    },
    progress: (done, total) =>
      emit({ type: 'task-progress', host, task: task.name, progress: { done, total } }),
    line: (line) => emit({ type: 'task-progress', host, task: task.name, line }),
    trace: (trace) => emit({ type: 'task-progress', host, task: task.name, trace }),
    warn: (message) => emit({ type: 'warning', host, message }),
  };
  const end = (status: TaskStatus, note?: string, diff?: readonly string[]): TaskOutcome => {
    const outcome: TaskOutcome = {
      task: task.name,
      status,
      milliseconds: performance.now() - began,
      ...(note !== undefined && { note }),
      ...(bytes !== undefined && { bytes }),
      ...(diff !== undefined && { diff }),
    };
    emit({ type: 'task-end', host, ...outcome });
    return outcome;
  };
  try {
    signal.throwIfAborted();
    const inspection = await task.inspect(context, reporter);
    if ('skip' in inspection) return { outcome: end('skipped', inspection.skip) };
    if ('unchanged' in inspection) return { outcome: end('ok', inspection.unchanged) };
    if (task.kind === 'work' && check) return { outcome: end('skipped', 'not in check mode') };
    if (task.kind === 'change' && check) {
      return { outcome: end('changed', `would ${inspection.summary}`, inspection.diff) };
    }
    const note = await task.apply(context, reporter, inspection);
    const status = task.kind === 'change' ? 'changed' : 'ok';
    return { outcome: end(status, note ?? inspection.summary, inspection.diff) };
  } catch (thrown) {
    const failure = asStateError(thrown, `The step "${task.name}" failed`).onHost(host);
    return {
      outcome: end(failure.kind === 'unreachable' ? 'unreachable' : 'failed', failure.message),
      failure,
    };
  }
}

function recapOf(outcomes: readonly TaskOutcome[]): Recap {
  const recap = { ok: 0, changed: 0, skipped: 0, failed: 0, unreachable: 0 };
  for (const { status } of outcomes) recap[status]++;
  return recap;
}
