import type { StateError } from '../../core/errors.js';
import { RUN_ID } from '../../core/run-id.js';
import { printable } from '../../core/terminal-text.js';
import type { EngineEvent, EventSink } from '../../engine/events.js';
import type { HostReport } from '../../engine/run-host.js';
import type { Proof } from '../../state/manifest.js';
import type { LogLine } from '../json/log-line.js';
import { errorFacts } from '../render-error.js';

type Said = Omit<LogLine, 'time' | 'run'>;
type Level = LogLine['level'];

/** A log for programs: one JSON object a line, one fact each. */
export class JsonLog {
  constructor(
    readonly write: (line: string) => void,
    readonly options: { readonly verbose: number; readonly diff: boolean },
    readonly now: () => Date = () => new Date(),
  ) {}

  readonly emit: EventSink = (event) => {
    const said = this.#saidOf(event);
    if (said !== undefined) this.#say(said);
  };

  /** The command begins. */
  start(words: readonly string[]): void {
    this.#say({ level: 'info', event: 'start', message: words.join(' ') });
  }

  /** What is said outside of the steps. */
  message(text: string, about: { readonly host?: string; readonly task?: string } = {}): void {
    const [, warned] = /^warning +([\s\S]*)$/.exec(text) ?? [];
    if (warned !== undefined) this.#say({ level: 'warning', event: 'warning', message: warned, ...about });
    else if (text.trim() !== '')
      this.#say({ level: 'info', event: 'message', message: text.trim(), ...about });
  }

  /** What became of a host: its proofs, what the command has to add, why it failed. */
  report({ host, error }: HostReport, proofs: readonly Proof[], results: readonly string[]): void {
    for (const { name, ok, detail } of proofs)
      this.#say({ level: ok ? 'info' : 'error', event: 'proof', message: detail, host, proof: name, ok });
    for (const line of results)
      this.#say({ level: 'info', event: 'result', message: line.replace(/\s+/g, ' ').trim(), host });
    if (error !== undefined) this.failure(error);
  }

  failure(error: StateError): void {
    const { host } = error;
    this.#say({
      level: 'error',
      event: 'error',
      message: error.message,
      ...(host !== undefined && { host }),
      error: errorFacts(error),
    });
  }

  /** The last line. */
  end(exitStatus: number, milliseconds: number): void {
    const level: Level = exitStatus === 0 ? 'info' : 'error';
    const message = exitStatus === 0 ? 'done' : `ended with status ${exitStatus}`;
    this.#say({ level, event: 'end', message, exitStatus, milliseconds });
  }

  #saidOf(event: EngineEvent): Said | undefined {
    const { verbose, diff } = this.options;
    switch (event.type) {
      case 'host-start':
        return { level: 'info', event: 'host-start', message: 'begun', host: event.host };
      case 'task-start': {
        const { host, task } = event;
        return verbose > 0 ? { level: 'debug', event: 'task-start', message: task, host, task } : undefined;
      }
      case 'task-progress': {
        const { host, task, line, trace } = event;
        const message = verbose > 0 ? (line ?? (verbose > 1 ? trace : undefined)) : undefined;
        return message === undefined
          ? undefined
          : { level: 'debug', event: 'task-progress', message, host, task };
      }
      case 'task-end': {
        const { type, diff: lines, note, ...facts } = event;
        const isBad = event.status === 'failed' || event.status === 'unreachable';
        return {
          level: isBad ? 'error' : 'info',
          event: type,
          message: note ?? event.task,
          ...facts,
          ...(diff && lines !== undefined && { diff: lines.map((line) => printable(line)) }),
        };
      }
      case 'warning':
        return { level: 'warning', event: 'warning', message: event.message, host: event.host };
      case 'host-end': {
        const { host, recap } = event;
        const message = Object.entries(recap)
          .map(([status, count]) => `${status}=${count}`)
          .join(' ');
        const level = recap.failed + recap.unreachable > 0 ? 'error' : 'info';
        return { level, event: 'host-end', message, host, recap };
      }
    }
  }

  #say({ level, event, message, ...facts }: Said): void {
    const line: LogLine = {
      time: this.now().toISOString(),
      level,
      run: RUN_ID,
      event,
      message: printable(message, { multiline: true }),
      ...facts,
    };
    this.write(JSON.stringify(line));
  }
}
