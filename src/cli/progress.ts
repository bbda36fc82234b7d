import { printable } from '../core/terminal-text.js';
import type { EngineEvent, EventSink } from '../engine/events.js';
import { bytes, duration, perSecond } from './figures.js';

const MARK = {
  ok: 'ok',
  changed: 'changed',
  skipped: 'skipped',
  failed: 'FAILED',
  unreachable: 'UNREACHABLE',
} as const;

/** Of fewer bytes the speed says nothing: a round trip takes longer. */
const WORTH_A_SPEED = 256 * 1024;

export interface Output {
  /** Results, for whoever asked. */
  out(text: string): void;
  /** Progress and messages, for whoever watches. */
  err(text: string): void;
}

/** Standard output and error. That nobody reads them any more (`| head`) ends no run in the middle. */
export function standardOutput(): Output {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return {
    out: (text) => process.stdout.write(`${text}\n`),
    err: (text) => process.stderr.write(`${text}\n`),
  };
}

/** One plain line for each finished step, on standard error: readable in a terminal, a pipe and a CI log alike. */
export function plainProgress(
  output: Output,
  { verbose, diff }: { readonly verbose: number; readonly diff: boolean },
): EventSink {
  return (event) => {
    switch (event.type) {
      case 'task-end': {
        const size = event.bytes === undefined ? '' : `, ${bytes(event.bytes)}`;
        const time = verbose > 0 || event.milliseconds > 1000 ? `, ${duration(event.milliseconds)}` : '';
        const note =
          event.note === undefined || event.note === event.task ? '' : `: ${printable(event.note)}`;
        const isWorthASpeed = verbose && event.bytes !== undefined && event.bytes >= WORTH_A_SPEED;
        const speed = isWorthASpeed ? `, ${perSecond(event.bytes, event.milliseconds)}` : '';
        output.err(
          `${printable(event.host)}  ${MARK[event.status].padEnd(8)} ${event.task}${note}${size}${time}${speed}`,
        );
        if (diff)
          for (const line of event.diff ?? [])
            output.err(`${printable(event.host)}           ${printable(line)}`);
        break;
      }
      case 'task-progress':
        if (verbose > 0 && event.line !== undefined)
          output.err(`${printable(event.host)}           ${printable(event.line)}`);
        if (verbose > 1 && event.trace !== undefined)
          output.err(`${printable(event.host)}  ssh      ${printable(event.trace)}`);
        break;
      case 'warning':
        output.err(`${printable(event.host)}  warning  ${printable(event.message)}`);
        break;
      default:
        break;
    }
  };
}

/** One JSON object a line on standard output. Progress of single bytes is left out: it is for eyes. */
export function jsonProgress(output: Output): EventSink {
  return (event: EngineEvent) => {
    if (event.type !== 'task-progress') output.out(JSON.stringify(event));
  };
}
