import type { EngineEvent } from '../../engine/events.js';
import { Rate } from './rate.js';

type Progress = Extract<EngineEvent, { type: 'task-progress' }>;

/** After so long without a byte nothing is said of speed and of the time that is left. */
const STILL_MS = 5000;

/** A task that is under way, as its events tell of it. Times are milliseconds on the clock of the view. */
export class RunningTask {
  readonly #bytesRate = new Rate(3000, 200);
  readonly #progressRate = new Rate(10_000, 1000);
  #bytes: number | undefined;
  #speed: number | undefined;
  #left: number | undefined;
  #movedAt = Number.NEGATIVE_INFINITY;
  #line: string | undefined;

  constructor(
    readonly name: string,
    readonly since: number,
  ) {}

  /** How much it has moved. */
  get bytes(): number | undefined {
    return this.#bytes;
  }

  /** The last thing that was said. Untrusted text. */
  get line(): string | undefined {
    return this.#line;
  }

  take({ bytes, progress, line }: Progress, now: number): void {
    if (line !== undefined) this.#line = line;
    if (bytes !== undefined) {
      this.#bytes = bytes;
      this.#speed = this.#bytesRate.take(bytes, now);
      this.#movedAt = now;
    }
    if (progress !== undefined) {
      const rate = this.#progressRate.take(progress.done, now);
      const left = progress.total - progress.done;
      // More than was expected: then nobody knows how much is still to come.
      this.#left = rate !== undefined && rate > 0 && left >= 0 ? (left * 1000) / rate : undefined;
      this.#movedAt = now;
    }
  }

  /** Bytes a second over the last moments; undefined while there is nothing to tell. */
  speed(now: number): number | undefined {
    return now - this.#movedAt > STILL_MS ? undefined : this.#speed;
  }

  /** Milliseconds that it will still take, as well as that can be told. */
  left(now: number): number | undefined {
    return now - this.#movedAt > STILL_MS ? undefined : this.#left;
  }
}
