import { StateError } from '../../core/errors.js';
import type { Cancellable, Repository } from '../repository.js';
import { hostPrefix } from '../snapshots/names.js';
import { type LeaseRecord, LONGEST_TERM, parseLease, RECORD_LIMIT } from './record.js';

/** The newest link of a chain. */
export interface LeaseLink {
  readonly number: number;
  /** When the store stamped it, by the store's clock. */
  readonly stamped: Date;
}

const DIGITS = 12;

/**
 * The lease objects of one host in a repository: `<host>/.lease/<number>`, each written once. Only the one with the
 * highest number counts, and that is never removed, so numbers only grow: who wants the lease, or to go on holding it,
 * has to be the one who creates the next number.
 */
export class LeaseChain {
  readonly #repository: Repository;
  readonly #prefix: string;

  constructor(repository: Repository, host: string) {
    this.#repository = repository;
    this.#prefix = leasePrefix(host);
  }

  /** The link that counts; `undefined` where nobody ever asked for a lease. */
  async newest({ signal }: Cancellable = {}): Promise<LeaseLink | undefined> {
    let newest: LeaseLink | undefined;
    for await (const { key, modified } of this.#repository.list(this.#prefix, { signal })) {
      const number = this.#numberOf(key);
      if (number === undefined || number <= (newest?.number ?? 0)) continue;
      newest = { number, stamped: modified };
    }
    return newest;
  }

  /** What a link says: its record, `gone` when it was removed meanwhile, `unreadable` when it is not one of ours. */
  async read(number: number, { signal }: Cancellable = {}): Promise<LeaseRecord | 'gone' | 'unreadable'> {
    try {
      const content = await this.#repository.getSmall(this.#keyOf(number), RECORD_LIMIT, { signal });
      return parseLease(content) ?? 'unreadable';
    } catch (error) {
      if (error instanceof StateError && error.code === 'repository.not-found') return 'gone';
      throw error;
    }
  }

  /** Creates a link. False when that number is taken. */
  async add(number: number, content: Buffer, { signal }: Cancellable = {}): Promise<boolean> {
    try {
      await this.#repository.putSmall(this.#keyOf(number), content, { signal, shortLived: true });
      return true;
    } catch (error) {
      if (error instanceof StateError && error.code === 'repository.exists') return false;
      throw error;
    }
  }

  /** Whether the store itself makes sure that a number is given once. `number` has to be a link of the caller's own. */
  async decidesRaces(number: number, content: Buffer, options?: Cancellable): Promise<boolean> {
    return this.#repository.decidesRaces(this.#keyOf(number), content, options);
  }

  /** Removes one link that does not count. It may stay where it cannot be removed: numbers tell what counts. */
  async drop(number: number, options?: Cancellable): Promise<void> {
    await this.#repository.remove(this.#keyOf(number), options).catch(() => {});
  }

  /** Removes the links below `number`, as far as the store lets us. */
  async dropBelow(number: number, { signal }: Cancellable = {}): Promise<void> {
    try {
      for await (const { key } of this.#repository.list(this.#prefix, { signal })) {
        const old = this.#numberOf(key);
        if (old !== undefined && old < number) await this.#repository.remove(key, { signal });
      }
    } catch {
      // Without the right to remove, or under an object lock of the bucket, they stay and mean nothing.
    }
  }

  #keyOf(number: number): string {
    return `${this.#prefix}${String(number).padStart(DIGITS, '0')}`;
  }

  #numberOf(key: string): number | undefined {
    const name = key.slice(this.#prefix.length);
    return key.startsWith(this.#prefix) && /^\d{12}$/.test(name) ? Number(name) : undefined;
  }
}

/** Where the lease objects of a host lie. No snapshot's key begins so. */
export function leasePrefix(host: string): string {
  return `${hostPrefix(host)}.lease/`;
}

/** When a link ends, by the store's clock. One that cannot be read is believed for the longest time there is. */
export function endOf({ stamped }: LeaseLink, record: LeaseRecord | 'unreadable'): Date {
  const term = record === 'unreadable' ? LONGEST_TERM : record.termSeconds * 1000;
  return new Date(stamped.getTime() + term);
}
