import type { EngineEvent, Recap, TaskOutcome } from '../../engine/events.js';
import { RunningTask } from './running-task.js';

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

/** The hosts of a run as its events tell of them. Knows nothing of terminals. */
export class LiveHosts {
  readonly #hosts = new Map<string, LiveHost>();
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
        return { ...host, running: new RunningTask(event.task, now) };
      case 'task-progress':
        host.running?.take(event, now);
        return host;
      case 'task-end':
        return { ...host, done: [...host.done, event], running: undefined };
      case 'warning':
        return { ...host, warnings: [...host.warnings, event.message] };
    }
  }
}
