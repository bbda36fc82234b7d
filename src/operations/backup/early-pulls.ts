import { setMaxListeners } from 'node:events';
import type { TaskReporter } from '../../engine/task.js';

/** What can be pulled from such a source. */
interface Pullable<Source> {
  readonly name: string;
  pull(source: Source, reporter: TaskReporter): Promise<string>;
}

/**
 * Pulls that need nothing of what comes before them, begun together on the one connection instead of each at its turn: a
 * small file costs a round trip and little else. Its step then waits for what is left, and fails as it would have failed.
 */
export class EarlyPulls {
  readonly #end = new AbortController();
  readonly #begun = new Map<string, { readonly note: Promise<string>; readonly told: HeldReports }>();

  begin<Source>(all: readonly Pullable<Source>[], source: Source, reporter: TaskReporter): void {
    const signal = AbortSignal.any([reporter.signal, this.#end.signal]);
    // Every stream and channel of every pull listens to it.
    setMaxListeners(0, signal);
    for (const pullable of all) {
      const told = new HeldReports({ ...reporter, signal });
      const note = pullable.pull(source, told.reporter);
      note.catch(() => undefined); // told at its turn, if that comes
      this.#begun.set(pullable.name, { note, told });
    }
  }

  /** The pull of that name as its step, where it was begun. */
  take(name: string, reporter: TaskReporter): Promise<string> | undefined {
    const begun = this.#begun.get(name);
    begun?.told.passTo(reporter);
    return begun?.note;
  }

  /** Ends those whose turn will not come, and waits until nothing is written any more. */
  async end(): Promise<void> {
    this.#end.abort();
    await Promise.allSettled(Array.from(this.#begun.values(), ({ note }) => note));
  }
}

/** Keeps what is told of work until there is a step that it belongs to. */
class HeldReports {
  readonly reporter: TaskReporter;
  #held: ((to: TaskReporter) => void)[] = [];
  #to: TaskReporter | undefined;

  constructor({ signal }: TaskReporter) {
    this.reporter = {
      signal,
      moved: (bytes) => this.#tell((to) => to.moved(bytes)),
      progress: (done, total) => this.#tell((to) => to.progress?.(done, total)),
      line: (text) => this.#tell((to) => to.line(text)),
      warn: (message) => this.#tell((to) => to.warn(message)),
      trace: (text) => this.#tell((to) => to.trace?.(text)),
    };
  }

  passTo(reporter: TaskReporter): void {
    this.#to = reporter;
    for (const tell of this.#held.splice(0)) tell(reporter);
  }

  #tell(tell: (to: TaskReporter) => void): void {
    if (this.#to === undefined) this.#held.push(tell);
    else tell(this.#to);
  }
}
