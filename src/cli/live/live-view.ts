import type { WriteStream } from 'node:tty';
import stringWidth from 'string-width';
import type { EngineEvent } from '../../engine/events.js';
import type { Output } from '../progress.js';
import { endedLines, frameOf } from './frame.js';
import { LiveHosts } from './live-hosts.js';
import { type Style, styleOf } from './style.js';

/** Often enough to look alive, seldom enough for a slow line. */
const REDRAW_MS = 120;

let active: LiveView | undefined;

/** Does something that needs the terminal for itself, such as asking a question, while no live view is drawn. */
export async function withoutLiveView<Result>(work: () => Promise<Result>): Promise<Result> {
  const view = active;
  view?.pause();
  try {
    return await work();
  } finally {
    view?.resume();
  }
}

/**
 * The hosts at work, drawn at the bottom of the terminal. What has ended, and whatever else is said meanwhile, scrolls
 * by above it and stays. The cursor is never hidden and no other screen is used: a run that is killed leaves a terminal
 * that works.
 */
export class LiveView {
  readonly #hosts = new LiveHosts();
  readonly #style: Style;
  /** Widths of the lines that stand on the screen now: after a resize they may take more rows. */
  #drawn: number[] = [];
  #timer: NodeJS.Timeout | undefined;
  #paused = false;

  constructor(
    readonly stream: WriteStream,
    readonly showDiff: boolean,
    env: NodeJS.ProcessEnv,
  ) {
    this.#style = styleOf(env);
    this.stream.on('resize', this.#redraw);
    active = this;
  }

  /** Standard output and error that leave the drawn lines at the bottom. */
  output(direct: Output): Output {
    const above = (write: () => void): void => {
      this.#erase();
      write();
      this.#draw();
    };
    return {
      out: (text) => above(() => direct.out(text)),
      err: (text) => above(() => direct.err(text)),
    };
  }

  readonly emit = (event: EngineEvent): void => {
    const ended = this.#hosts.take(event, performance.now());
    if (ended !== undefined) {
      const lines = endedLines(ended, this.showDiff, this.#style);
      this.#erase();
      this.stream.write(`${lines.join('\n')}\n`);
      this.#draw();
    }
    this.#timer ??= setInterval(this.#redraw, REDRAW_MS).unref();
  };

  pause(): void {
    this.#erase();
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#draw();
  }

  /** Takes the drawn lines away for good. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.stream.off('resize', this.#redraw);
    this.#erase();
    this.#paused = true;
    if (active === this) active = undefined;
  }

  readonly #redraw = (): void => {
    if (this.#paused) return;
    const before = this.#erasing();
    this.stream.write(before + this.#frame());
  };

  #draw(): void {
    if (!this.#paused) this.stream.write(this.#frame());
  }

  #erase(): void {
    this.stream.write(this.#erasing());
  }

  /**
   * Back to where the first drawn line begins, with all drawn lines emptied. One by one: tmux keeps a screen that is cleared
   * from its top in its history, and each frame would be found there again.
   */
  #erasing(): string {
    const { columns, rows: height } = this.#size();
    const drawn = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    // What a window that has become smaller has pushed out is out of reach.
    const rows = Math.min(drawn, height - 1);
    this.#drawn = [];
    return rows === 0 ? '' : `\u001b[${rows}A\r${'\u001b[2K\n'.repeat(rows)}\u001b[${rows}A`;
  }

  #frame(): string {
    if (this.#hosts.atWork.length === 0) return '';
    const { columns, rows } = this.#size();
    // The last column stays free: some terminals wrap as soon as it is written.
    const lines = frameOf(this.#hosts, { columns: columns - 1, rows }, performance.now(), this.#style);
    this.#drawn = lines.map((line) => stringWidth(line));
    return `${lines.join('\n')}\n`;
  }

  #size(): { columns: number; rows: number } {
    return { columns: Math.max(2, this.stream.columns || 80), rows: Math.max(2, this.stream.rows || 24) };
  }
}
