import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StateError } from '../../core/errors.js';
import { isSurelyDead, thisProcess } from '../../core/process-identity.js';
import { abortFailure, throwIfAborted } from '../failures.js';
import type { Repository } from '../repository.js';
import { endOf, LeaseChain, type LeaseLink } from './chain.js';
import { type LeasePlace, leaseContended, leaseFailure, leaseHeld } from './failures.js';
import { HeldLease } from './held-lease.js';
import { encodeLease, type LeaseHolder } from './record.js';
import { DEFAULT_TERM, type LeaseTerm } from './term.js';

/** The right to work on the snapshots of one host in one repository, held until `withLease` ends. */
export interface Lease {
  /** Grows with every renewal and with every holder: of two holders the one with the higher number is the later one. */
  readonly fence: number;
  /** Aborts when the caller's signal does, and when the lease is lost, with the reason. Work with this one. */
  readonly signal: AbortSignal;
  /**
   * Asks the store whether the lease is still held, by renewing it. To be called right before what must not be done by
   * two. Throws `repository.lease-lost` (kind `locked`) or `repository.lease-expired`.
   */
  confirm(): Promise<void>;
}

export interface LeaseOptions {
  /** How long to wait for another holder, milliseconds; 0, the default, throws at once. */
  readonly wait?: number | undefined;
  /** Told once when waiting begins, with who holds it. */
  readonly onWait?: ((held: StateError) => void) | undefined;
  /** For tests, which have no time. */
  readonly term?: LeaseTerm | undefined;
}

const ATTEMPTS = 8;
const LONGEST_PAUSE = 10_000;

/**
 * Works on the snapshots of a host in a repository while no other run does, on whatever machine.
 *
 * The lease is an object that is good for some minutes, renewed while the work goes on. A holder that crashed has lost it
 * when that time is over; one that crashed on this machine has lost it at once. Nobody ever has to unlock anything.
 * How long a lease has been there is told by the store's clock alone, so it does not matter when machines disagree.
 *
 * @throws StateError `repository.locked` (kind `locked`) with who holds it; `repository.lease-denied` when the credentials
 * do not allow a lease; `repository.lease-lost` and `repository.lease-expired` when it is gone before the work has ended
 */
export async function withLease<Result>(
  repository: Repository,
  host: string,
  purpose: string,
  signal: AbortSignal,
  work: (lease: Lease) => Promise<Result>,
  options: LeaseOptions = {},
): Promise<Result> {
  const { term = DEFAULT_TERM } = options;
  const place = { host, location: repository.location };
  const chain = new LeaseChain(repository, host);
  const holder: LeaseHolder = {
    ...(await thisProcess()),
    holder: randomBytes(16).toString('hex'),
    purpose,
    since: new Date(),
    termSeconds: term.duration / 1000,
  };
  const request = { repository, chain, place, holder, term, signal };
  const taken = await explained(place, signal, () => take(request, options));
  const lease = new HeldLease({ chain, place, holder, term, signal, ...taken });
  try {
    return await work(lease);
  } catch (error) {
    // What fails after the lease was lost fails because of it.
    throw lease.signal.aborted ? abortFailure(lease.signal) : error;
  } finally {
    await lease.release();
  }
}

interface Request {
  readonly repository: Repository;
  readonly chain: LeaseChain;
  readonly place: LeasePlace;
  readonly holder: LeaseHolder;
  readonly term: LeaseTerm;
  readonly signal: AbortSignal;
}

/** What was taken: the number of our link, and when it was asked for by this machine's clock. */
interface Taken {
  readonly number: number;
  readonly askedAt: number;
  readonly decidesRaces: boolean;
}

async function take(request: Request, { wait = 0, onWait }: LeaseOptions): Promise<Taken> {
  const deadline = performance.now() + wait;
  for (let pause = 500, isTold = false; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      return await takeNow(request);
    } catch (error) {
      const left = deadline - performance.now();
      if (!(error instanceof StateError) || error.kind !== 'locked' || left <= 0) throw error;
      if (!isTold) onWait?.(error);
      isTold = true;
      await sleep(Math.min(pause, left), undefined, { signal: request.signal });
    }
  }
}

async function takeNow(request: Request): Promise<Taken> {
  const { chain, holder, signal } = request;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    throwIfAborted(signal);
    const newest = await chain.newest({ signal });
    if (newest !== undefined && !(await isFree(request, newest))) continue;
    const number = (newest?.number ?? 0) + 1;
    const content = encodeLease('held', holder);
    const askedAt = performance.now();
    // Who creates the number has it. All others look again, and find who that was.
    if (!(await chain.add(number, content, { signal }))) continue;
    const decidesRaces = await settled(request, number, content);
    if (decidesRaces === undefined) continue;
    return { number, askedAt, decidesRaces };
  }
  throw leaseContended(request.place);
}

/**
 * Whether a link that was just created counts: `undefined` when it does not, otherwise whether the store decides races.
 * The number may have been free only because it was given and removed again meanwhile; then a higher one is there. On a
 * store that lets both of two writers win, the later one's link stands, and a moment later both see whose it is.
 */
async function settled(
  { chain, holder, term, signal }: Request,
  number: number,
  content: Buffer,
): Promise<boolean | undefined> {
  const [decidesRaces, early] = await Promise.all([
    chain.decidesRaces(number, content, { signal }),
    chain.newest({ signal }),
  ]);
  if (!decidesRaces) {
    await sleep(term.settle, undefined, { signal });
    const record = await chain.read(number, { signal });
    if (record === 'gone' || record === 'unreadable' || record.holder !== holder.holder) return undefined;
  }
  const newest = decidesRaces ? early : await chain.newest({ signal });
  if (newest === undefined || newest.number <= number) return decidesRaces;
  await chain.drop(number, { signal });
  return undefined;
}

/** Whether a link does not keep us out. False when it vanished while it was looked at; throws when another holds it. */
async function isFree(
  { repository, chain, place, term, signal }: Request,
  newest: LeaseLink,
): Promise<boolean> {
  const record = await chain.read(newest.number, { signal });
  if (record === 'gone') return false;
  if (record !== 'unreadable' && (record.state === 'released' || (await isSurelyDead(record)))) return true;
  const end = endOf(newest, record);
  const now = await repository.now({ signal });
  if (now.getTime() > end.getTime() + term.margin) return true;
  throw leaseHeld(place, record, end);
}

async function explained<Result>(
  place: LeasePlace,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throwIfAborted(signal);
    if (error instanceof StateError && error.kind !== 'locked' && error.kind !== 'interrupted') {
      throw leaseFailure(error, place);
    }
    throw error;
  }
}
