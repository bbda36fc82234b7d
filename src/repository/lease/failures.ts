import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { LeaseRecord } from './record.js';

/** Where and for whom a lease is. */
export interface LeasePlace {
  readonly host: string;
  /** Of the repository, for people. */
  readonly location: string;
}

/** Another run holds the lease, until `until` at least by the store's clock. */
export function leaseHeld(place: LeasePlace, by: LeaseRecord | 'unreadable', until: Date): StateError {
  const end = until.toISOString();
  return new StateError({
    kind: 'locked',
    code: 'repository.locked',
    what: `Another run works on the snapshots of ${printable(place.host)} in ${place.location}`,
    why:
      by === 'unreadable'
        ? `its lease is written in a way that this version does not know, and is good until ${end}`
        : `"${by.purpose}" holds the lease as process ${by.pid} on ${by.machine} since ${by.since.toISOString()}, at present until ${end}`,
    next: 'wait for it to end (--wait-lock 10min does that); a run that has crashed loses its lease by itself at that time',
    host: place.host,
  });
}

/** Several runs asked at the same time, again and again, and this one never was first. */
export function leaseContended(place: LeasePlace): StateError {
  return new StateError({
    kind: 'locked',
    code: 'repository.locked',
    what: `Another run works on the snapshots of ${printable(place.host)} in ${place.location}`,
    why: 'several runs ask for the lease at the same time',
    next: 'try again, or let it wait with --wait-lock 10min',
    host: place.host,
  });
}

/** The lease was held and is another's now. */
export function leaseLost(place: LeasePlace, by: LeaseRecord | 'unreadable' | 'gone'): StateError {
  const taker =
    by === 'unreadable' || by === 'gone'
      ? 'another run'
      : `"${by.purpose}", process ${by.pid} on ${by.machine},`;
  return new StateError({
    kind: 'locked',
    code: 'repository.lease-lost',
    what: `The lease of the snapshots of ${printable(place.host)} in ${place.location} was lost`,
    why: `it had run out, and ${taker} has taken it over`,
    next: 'nothing was listed by this run; find out what held it up (a machine asleep, a network that was gone), and run it again',
    host: place.host,
  });
}

/** The lease could not be renewed in time: the store did not answer. */
export function leaseExpired(place: LeasePlace, cause: unknown): StateError {
  return new StateError({
    kind: 'failed',
    code: 'repository.lease-expired',
    what: `The lease of the snapshots of ${printable(place.host)} in ${place.location} ran out`,
    why: `it could not be renewed in time${cause instanceof StateError && cause.why !== undefined ? `: ${cause.why}` : ''}`,
    next: 'nothing was listed by this run; look at the store and the way to it, and run it again',
    host: place.host,
    cause,
  });
}

/** What a store said to a request about a lease, told as what it is about. */
export function leaseFailure(error: unknown, place: LeasePlace): unknown {
  if (!(error instanceof StateError)) return error;
  if (error.code === 'repository.access-denied') {
    return new StateError({
      ...error.facts(),
      kind: 'failed',
      code: 'repository.lease-denied',
      what: `Could not take the lease of the snapshots of ${printable(place.host)} in ${place.location}`,
      why: 'these credentials may not list, read and write below <host>/.lease/, and without that two machines could work at the same time',
      next: 'Allow listing, reading and writing there; docs/repositories.md has the smallest policy that does',
      cause: error,
    });
  }
  if (!error.code.startsWith('repository.')) return error;
  const what = `Could not take the lease of the snapshots of ${printable(place.host)} in ${place.location}`;
  return new StateError({ ...error.facts(), what, cause: error });
}
