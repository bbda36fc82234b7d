import { gatherFacts, type HostFacts } from '../../coolify/facts.js';
import { readTask, type Task } from '../../engine/task.js';
import { type Connection, connect, type Traffic } from '../../ssh/connection.js';
import { connectionNews, protocolNews } from '../../ssh/connection-news.js';
import type { ConnectionEvent, Endpoint } from '../../ssh/endpoint.js';
import type { Generations } from '../../state/generations.js';
import type { Lock } from '../../state/lock.js';
import type { StateFolder } from '../../state/state-folder.js';
import type { HostConfig } from './host-config.js';

/**
 * What every operation on a host begins with: the lock on its state, one connection, its facts. Whatever was opened
 * is closed by `close`, however the operation ends.
 */
export class HostSession {
  readonly generations: Generations;
  #connection: Connection | undefined;
  #facts: HostFacts | undefined;
  #lock: Lock | undefined;

  constructor(
    readonly config: HostConfig,
    readonly state: StateFolder,
    readonly command: string,
  ) {
    this.generations = state.generations(config.name);
  }

  get connection(): Connection {
    return needed(this.#connection, 'connection');
  }

  /** Bytes that the connection has moved, where that can be told. */
  get traffic(): Traffic | undefined {
    return this.#connection?.traffic?.();
  }

  get facts(): HostFacts {
    return needed(this.#facts, 'facts');
  }

  /** Takes the lock and clears what a dead run left behind. */
  async lock(): Promise<void> {
    this.#lock = await this.state.lock(this.config.name, this.command);
    await this.generations.recover();
  }

  /**
   * `tell` hears what a person should know although it is no failure: a key that was accepted, another attempt. `trace` hears
   * what the protocol comes to.
   */
  async connect(
    signal: AbortSignal,
    tell: (message: string) => void,
    trace?: (message: string) => void,
  ): Promise<void> {
    const onEvent = (event: ConnectionEvent): void => {
      const message = connectionNews(event);
      if (message !== undefined) tell(message);
      const detail = protocolNews(event);
      if (detail !== undefined) trace?.(detail);
    };
    this.#connection = await connect(this.config.endpoint, { signal, onEvent });
  }

  /** Closes the connection and opens another, for example to see which host keys sshd presents now. */
  async reconnect(signal: AbortSignal, endpoint: Endpoint): Promise<Connection> {
    await this.#connection?.close();
    this.#connection = undefined;
    this.#connection = await connect(endpoint, { signal });
    return this.#connection;
  }

  async gatherFacts(signal: AbortSignal): Promise<HostFacts> {
    this.#facts = await gatherFacts(this.connection, this.config.layout, signal);
    return this.#facts;
  }

  async close(): Promise<void> {
    try {
      await this.#connection?.close();
    } finally {
      await this.#lock?.release();
    }
  }
}

/** The first steps of every operation. */
export function openingTasks<Context extends { readonly session: HostSession }>(): Task<Context>[] {
  return [
    readTask('lock the state', async ({ session }) => {
      await session.lock();
      return undefined;
    }),
    readTask('connect', async ({ session }, { signal, warn, trace }) => {
      await session.connect(signal, warn, trace);
      const { address, port, hostKey } = session.connection;
      return `${address} port ${port}, host key ${hostKey.fingerprint}`;
    }),
    readTask('gather facts', async ({ session }, { signal }) => {
      const facts = await session.gatherFacts(signal);
      return `${facts.system}, ${facts.architecture}, Docker ${facts.docker ?? 'is missing'}`;
    }),
  ];
}

function needed<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new Error(`the ${what} was used before it was there`);
  return value;
}
