import { setTimeout as sleep } from 'node:timers/promises';
import type { StateError } from '../../core/errors.js';
import { throwIfAborted } from '../failures.js';
import type { LeaseChain } from './chain.js';
import { type LeasePlace, leaseExpired, leaseLost } from './failures.js';
import type { Lease } from './lease.js';
import { encodeLease, type LeaseHolder } from './record.js';
import type { LeaseTerm } from './term.js';

/** Milliseconds that giving a lease back may take: the user may be waiting for Ctrl-C. */
const RELEASE_TIMEOUT = 15_000;

export interface HeldLeaseFacts {
  readonly chain: LeaseChain;
  readonly place: LeasePlace;
  readonly holder: LeaseHolder;
  readonly term: LeaseTerm;
  readonly signal: AbortSignal;
  /** Of our newest link. */
  readonly number: number;
  /** When it was asked for, by `performance.now()`: the store stamped it later, so by this the lease ends no later. */
  readonly askedAt: number;
  /** Whether the store itself makes sure that a number is given once. */
  readonly decidesRaces: boolean;
}

/**
 * A lease that was taken, renewed in the background until it is released. Renewing is creating the next number: whoever
 * has created it instead is the holder now. A machine that slept learns that at its next renewal, whatever its clock says.
 */
export class HeldLease implements Lease {
  readonly signal: AbortSignal;
  readonly #facts: HeldLeaseFacts;
  readonly #lost = new AbortController();
  readonly #end = new AbortController();
  readonly #renewing: Promise<void>;
  #number: number;
  #askedAt: number;
  /** The number that was last asked for, and when for the first time: it may have been given although no answer came. */
  #asked: { readonly number: number; readonly at: number } | undefined;
  #expiry: NodeJS.Timeout;
  #lastTrouble: unknown;
  /** Removing links that do not count keeps nobody waiting but the end. */
  #dropping: Promise<void> = Promise.resolve();
  /** Renewals go one after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(facts: HeldLeaseFacts) {
    this.#facts = facts;
    this.#number = facts.number;
    this.#askedAt = facts.askedAt;
    this.signal = AbortSignal.any([facts.signal, this.#lost.signal]);
    this.#expiry = this.#expireLater();
    this.#renewing = this.#renewAgainAndAgain();
    // What former holders left, too; after that each link of ours takes the place of one that we know.
    this.#dropLater((chain) => chain.dropBelow(facts.number, { signal: facts.signal }));
  }

  get fence(): number {
    return this.#number;
  }

  async confirm(): Promise<void> {
    throwIfAborted(this.signal);
    try {
      await this.#renew(this.signal);
    } catch (error) {
      throwIfAborted(this.signal);
      throw error;
    }
  }

  /** Gives the lease back, as far as the store can be reached; otherwise it runs out. Never throws. */
  async release(): Promise<void> {
    this.#end.abort();
    await this.#renewing;
    await this.#dropping;
    clearTimeout(this.#expiry);
    if (this.#lost.signal.aborted) return;
    const { chain, holder } = this.#facts;
    const signal = AbortSignal.timeout(RELEASE_TIMEOUT);
    const content = encodeLease('released', holder);
    try {
      // One more than the next, because a renewal that was broken off may have come through.
      for (const number of [this.#number + 1, this.#number + 2]) {
        if (await chain.add(number, content, { signal })) return await this.#dropOwn(number, signal);
        const record = await chain.read(number, { signal });
        if (typeof record !== 'object' || record.holder !== holder.holder) return;
      }
    } catch {
      // It runs out by itself.
    }
  }

  /** Our links below `number`. */
  async #dropOwn(number: number, signal: AbortSignal): Promise<void> {
    const own = Array.from({ length: number - this.#number }, (_, index) => this.#number + index);
    await Promise.all(own.map((link) => this.#facts.chain.drop(link, { signal })));
  }

  async #renewAgainAndAgain(): Promise<void> {
    const { term } = this.#facts;
    const ending = AbortSignal.any([this.signal, this.#end.signal]);
    let due = this.#askedAt + term.renewal;
    for (;;) {
      try {
        await sleep(Math.max(0, due - performance.now()), undefined, { signal: ending });
        await this.#renew(ending);
        due = this.#askedAt + term.renewal;
      } catch (error) {
        if (ending.aborted) return;
        this.#lastTrouble = error;
        due = performance.now() + term.retry;
      }
    }
  }

  /** Creates the next link. Throws what the store said; a lease that is another's now is given up. */
  #renew(signal: AbortSignal): Promise<void> {
    const turn = this.#turn.then(() => this.#renewNow(signal));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #renewNow(signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const { chain, holder, term, place, decidesRaces } = this.#facts;
    const number = this.#number + 1;
    const askedAt = this.#asked?.number === number ? this.#asked.at : performance.now();
    this.#asked = { number, at: askedAt };
    const isAdded = await chain.add(number, encodeLease('held', holder), { signal });
    // Where a store lets two writers win, the one whose object stands in the end is the holder.
    if (isAdded && !decidesRaces) await sleep(term.settle, undefined, { signal });
    if (!isAdded || !decidesRaces) {
      const record = await chain.read(number, { signal });
      const isOurs = typeof record === 'object' && record.holder === holder.holder;
      if (!isOurs) throw this.#giveUp(leaseLost(place, record));
    }
    const newest = await chain.newest({ signal });
    if (newest !== undefined && newest.number > number) {
      const record = await chain.read(newest.number, { signal });
      await chain.drop(number, { signal });
      throw this.#giveUp(leaseLost(place, record));
    }
    const former = this.#number;
    this.#number = number;
    this.#askedAt = askedAt;
    clearTimeout(this.#expiry);
    this.#expiry = this.#expireLater();
    this.#dropLater(() => chain.drop(former, { signal }));
  }

  #dropLater(drop: (chain: LeaseChain) => Promise<void>): void {
    this.#dropping = this.#dropping.then(() => drop(this.#facts.chain));
  }

  #giveUp(reason: StateError): StateError {
    this.#lost.abort(reason);
    return reason;
  }

  #expireLater(): NodeJS.Timeout {
    const { term, place } = this.#facts;
    const left = this.#askedAt + term.duration - performance.now();
    return setTimeout(() => this.#giveUp(leaseExpired(place, this.#lastTrouble)), Math.max(0, left));
  }
}
