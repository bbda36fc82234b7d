import type { EngineEvent, Recap, TaskOutcome } from '../../engine/events.js';

/** A task that is under way. */
export interface RunningTask {
  readonly name: string;
  /** Milliseconds on the clock of the view. */
  readonly since: number;
  readonly bytes: number | undefined;
  /** Bytes a second over the last moments; undefined until there is something to tell. */
  readonly speed: number | undefined;
  /** The last thing that was said. Untrusted text. */
  readonly line: string | undefined;
}

/** What a host has done so far. */
export interface LiveHost {
  readonly host: string;
  readonly since: number;
  readonly done: readonly TaskOutcome[];
  readonly warnings: readonly string[];
  readonly running: RunningTask | undefined;
}

/** A host that has ended. */
export interface EndedHost extends LiveHost {
  readonly until: number;
  readonly recap: Recap;
}

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

/** Speed is told over this window, in milliseconds: shorter ones flicker, longer ones lag. */
const WINDOW = 3000;

/** The hosts of a run as its events tell of them. Knows nothing of terminals. */
export class LiveHosts {
  readonly #hosts = new Map<string, LiveHost>();
  readonly #samples = new Map<string, Sample[]>();
  /** How many hosts have ended, and how many of them badly. */
  ended = 0;
  failed = 0;

  /** Hosts at work, in the order in which they began. */
  get atWork(): readonly LiveHost[] {
    return [...this.#hosts.values()];
  }

  /** Takes an event in. Returns the host that has ended with it, if one has. */
  take(event: EngineEvent, now: number): EndedHost | undefined {
    if (event.type === 'host-start') {
      this.#hosts.set(event.host, {
        host: event.host,
        since: now,
        done: [],
        warnings: [],
        running: undefined,
      });
      return undefined;
    }
    const host = this.#hosts.get(event.host);
    if (host === undefined) return undefined;
    if (event.type === 'host-end') {
      this.#hosts.delete(event.host);
      this.ended += 1;
      if (event.recap.failed + event.recap.unreachable > 0) this.failed += 1;
      return { ...host, running: undefined, until: now, recap: event.recap };
    }
    this.#hosts.set(event.host, this.#after(host, event, now));
    return undefined;
  }

  #after(
    host: LiveHost,
    event: Exclude<EngineEvent, { type: 'host-start' | 'host-end' }>,
    now: number,
  ): LiveHost {
    switch (event.type) {
      case 'task-start':
        this.#samples.set(host.host, []);
        return {
          ...host,
          running: { name: event.task, since: now, bytes: undefined, speed: undefined, line: undefined },
        };
      case 'task-progress': {
        const { running } = host;
        if (running === undefined) return host;
        const { bytes = running.bytes, line = running.line } = event;
        const speed = event.bytes === undefined ? running.speed : this.#speed(host.host, event.bytes, now);
        return { ...host, running: { ...running, bytes, line, speed } };
      }
      case 'task-end':
        return { ...host, done: [...host.done, event], running: undefined };
      case 'warning':
        return { ...host, warnings: [...host.warnings, event.message] };
    }
  }

  #speed(host: string, bytes: number, now: number): number | undefined {
    const samples = this.#samples.get(host) ?? [];
    const last = samples.at(-1);
    // Events come for every piece of a stream; a sample for each tenth of a second is enough.
    if (last === undefined || now - last.at >= 100) samples.push({ at: now, bytes });
    while (samples.length > 2 && now - (samples[0]?.at ?? now) > WINDOW) samples.shift();
    this.#samples.set(host, samples);
    const first = samples[0];
    if (first === undefined || now - first.at < 200) return undefined;
    return ((bytes - first.bytes) * 1000) / (now - first.at);
  }
}
