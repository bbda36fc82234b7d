import { printable } from '../core/terminal-text.js';
import type { EventSink } from '../engine/events.js';
import { bytes, duration, timeLeft } from './figures.js';
import { LiveHosts } from './live/live-hosts.js';
import type { RunningTask } from './live/running-task.js';

/** Seldom enough for a log, often enough to tell a long step from one that hangs. */
const EVERY_MS = 30_000;

/** A step that takes long says from time to time how far it is, where nothing is drawn that would show it. */
export class Heartbeat {
  readonly #hosts = new LiveHosts();
  readonly #timer: NodeJS.Timeout;

  constructor(
    readonly next: EventSink,
    readonly tell: (text: string) => void,
  ) {
    this.#timer = setInterval(() => this.#beat(performance.now()), EVERY_MS).unref();
  }

  readonly emit: EventSink = (event) => {
    this.#hosts.take(event, performance.now());
    this.next(event);
  };

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(now: number): void {
    for (const { host, running } of this.#hosts.atWork) {
      if (running !== undefined && now - running.since >= EVERY_MS)
        this.tell(`${printable(host)}  ...      ${howFar(running, now)}`);
    }
  }
}

function howFar(running: RunningTask, now: number): string {
  const { name, since, bytes: moved, line } = running;
  const speed = running.speed(now);
  const left = running.left(now);
  return [
    `${name}: ${duration(now - since)} so far`,
    ...(moved === undefined ? [] : [bytes(moved)]),
    ...(speed === undefined ? [] : [`${bytes(Math.max(0, Math.round(speed)))}/s`]),
    ...(left === undefined ? [] : [timeLeft(left)]),
    ...(line === undefined ? [] : [printable(line)]),
  ].join(', ');
}
