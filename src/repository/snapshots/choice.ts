import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { ListedSnapshot } from './listing.js';
import { basicTime } from './names.js';

/**
 * The one that a person means, of a host's snapshots (newest first): `latest`, an id or its beginning (four digits at
 * least), a time as in the name (`20261124T101112Z`), or the object's file name. Throws `repository.no-snapshot` or
 * `repository.ambiguous-snapshot`.
 */
export function chosenSnapshot(
  all: readonly ListedSnapshot[],
  wanted: string,
  host: string,
  location: string,
): ListedSnapshot {
  const found = wanted === 'latest' ? all.slice(0, 1) : all.filter((snapshot) => isMeant(snapshot, wanted));
  const [snapshot, another] = found;
  if (another !== undefined) throw ambiguous(found, wanted, host);
  if (snapshot === undefined) throw none(all, wanted, host, location);
  return snapshot;
}

function isMeant({ id, key, createdAt }: ListedSnapshot, wanted: string): boolean {
  return (
    (/^[0-9a-f]{4,8}$/.test(wanted) && id.startsWith(wanted)) ||
    basicTime(createdAt) === wanted ||
    fileNameOf(key) === wanted
  );
}

function none(all: readonly ListedSnapshot[], wanted: string, host: string, location: string): StateError {
  const newest = all[0];
  const which = wanted === 'latest' ? 'no snapshot' : `no snapshot "${quotable(wanted)}"`;
  return new StateError({
    kind: 'failed',
    code: 'repository.no-snapshot',
    what: `There is ${which} of ${printable(host)} in ${location}`,
    ...(newest !== undefined && {
      next: `The newest of ${all.length} is ${newest.id}; "coolify-state snapshots" lists them`,
    }),
  });
}

function ambiguous(found: readonly ListedSnapshot[], wanted: string, host: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'repository.ambiguous-snapshot',
    what: `"${quotable(wanted)}" stands for several snapshots of ${printable(host)}`,
    why: found
      .slice(0, 5)
      .map(({ id, key }) => `${id} (${fileNameOf(key)})`)
      .join(', '),
    next: 'Give more digits, or the file name',
  });
}

function fileNameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

function quotable(text: string): string {
  return printable(text.slice(0, 200));
}
