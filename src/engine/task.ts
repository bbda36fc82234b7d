/**
 * A task is asked what it would change, and then does just that: plan and run are one code path, so a plan
 * cannot promise what the run does not do.
 */

/** What a task would change (or, for a task that only reads, what it is about to do). */
export interface Change {
  /** One clause: `put 200 keys in place`. */
  readonly summary: string;
  /** Lines of a difference, secrets already redacted. */
  readonly diff?: readonly string[];
}

/** Outcome of looking: a change, nothing to do, or a reason why the task does not apply. */
export type Inspection = Change | { readonly unchanged: string } | { readonly skip: string };

/** What a task may tell while it works. */
export interface TaskReporter {
  readonly signal: AbortSignal;
  /** Adds to the number of bytes this task has moved. */
  moved(bytes: number): void;
  /** How far this task is, where that is known: so much is done of about so much in all. What time is left follows from it. */
  progress?(done: number, total: number): void;
  /** The last thing that was said, for whoever watches. */
  line(text: string): void;
  warn(message: string): void;
  /** What only someone wants to know who looks for a fault in a connection. */
  trace?(text: string): void;
}

/** A named step of a run on one host. `Context` is what the steps of an operation share. */
export interface Task<Context> {
  readonly name: string;
  /** One clause for a plan: why the step is there, or stands where it does. */
  readonly why?: string;
  /**
   * - `read`: only looks; runs in check mode too, and counts as `ok`;
   * - `work`: leaves the host and the last good state as they are, but is not worth doing in check mode (pulls,
   *   proofs of what is to come); counts as `ok`;
   * - `change`: changes the host, the state or a repository; check mode only tells what it would do.
   */
  readonly kind: 'read' | 'work' | 'change';
  /** Its failure is the host's, but the steps after it do not depend on it and still run. */
  readonly independent?: boolean;
  /** Must not change anything. */
  inspect(context: Context, reporter: TaskReporter): Promise<Inspection>;
  /** Does what `inspect` announced. Returns a note for the recap, or nothing to keep the announced summary. */
  apply(context: Context, reporter: TaskReporter, change: Change): Promise<string | undefined>;
}

/** A step without anything to inspect that never counts as a change. */
export function workTask<Context>(
  name: string,
  apply: (context: Context, reporter: TaskReporter) => Promise<string | undefined>,
): Task<Context> {
  return { ...readTask(name, apply), kind: 'work' };
}

/** A step that only looks. */
export function readTask<Context>(
  name: string,
  apply: (context: Context, reporter: TaskReporter) => Promise<string | undefined>,
): Task<Context> {
  return { name, kind: 'read', inspect: () => Promise.resolve({ summary: name }), apply };
}

/** A reporter of work that moves about so many bytes in all: what is moved is progress too. */
export function outOf(total: number, reporter: TaskReporter): TaskReporter {
  if (total <= 0) return reporter;
  let done = 0;
  return {
    ...reporter,
    moved: (bytes) => {
      done += bytes;
      reporter.moved(bytes);
      reporter.progress?.(done, total);
    },
  };
}
