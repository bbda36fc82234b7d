import type { ChannelProcess } from './remote-process.js';

/** Why nothing can be done any more, told for one command and as far as it came. */
export type EndReason = (command?: string, process?: ChannelProcess) => unknown;

/** Whatever runs or waits on a connection ends with it, at once and with a reason. */
export class ConnectionLife {
  #reason: EndReason | undefined;
  readonly #waiting = new Set<() => void>();
  readonly #running = new Set<ChannelProcess>();

  get isOver(): boolean {
    return this.#reason !== undefined;
  }

  /** @throws the reason when it is over */
  require(what: string): void {
    if (this.#reason) throw this.#reason(what);
  }

  /** Waits for an operation, but not longer than the connection lives or the signal allows. */
  async guard<T>(what: string, operation: Promise<T>, signal?: AbortSignal): Promise<T> {
    operation.catch(() => undefined);
    let refuse = (): void => undefined;
    let onAbort = (): void => undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        this.require(what);
        signal?.throwIfAborted();
        refuse = () => reject(this.#reason?.(what));
        onAbort = () => reject(signal?.reason);
        this.#waiting.add(refuse);
        signal?.addEventListener('abort', onAbort, { once: true });
        operation.then(resolve, (error: unknown) => reject(this.#reason?.(what) ?? error));
      });
    } finally {
      this.#waiting.delete(refuse);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Ends a process with the connection, or when its signal fires. */
  watch(process: ChannelProcess, signal: AbortSignal | undefined): void {
    const onAbort = (): void => process.fail(signal?.reason);
    const forget = (): void => {
      this.#running.delete(process);
      signal?.removeEventListener('abort', onAbort);
    };
    this.#running.add(process);
    signal?.addEventListener('abort', onAbort, { once: true });
    process.done.then(forget, forget);
  }

  /** Only the first reason counts. Returns whether this was it. */
  end(reason: EndReason): boolean {
    if (this.#reason) return false;
    this.#reason = reason;
    for (const refuse of this.#waiting) refuse();
    for (const process of this.#running) process.fail(reason(process.command, process));
    return true;
  }
}
