import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import { nearestNames } from '../inventory/nearest.js';
import { ARTIFACTS } from './artifacts.js';

/**
 * Which artifacts an operation works on.
 * @throws StateError `artifact.unknown` (kind `usage`) for a name that is none.
 */
export function artifactFilter(
  only: readonly string[] | undefined,
  skip: readonly string[] | undefined,
): (name: string) => boolean {
  const names = ARTIFACTS.map(({ name }) => name);
  const wanted = split(only);
  const unwanted = split(skip);
  for (const name of [...wanted, ...unwanted]) {
    if (names.includes(name)) continue;
    const [near] = nearestNames(name, names);
    throw new StateError({
      kind: 'usage',
      code: 'artifact.unknown',
      what: `There is no artifact "${printable(name)}"`,
      ...(near !== undefined && { why: `did you mean "${near}"?` }),
      next: `the artifacts are ${names.join(', ')}`,
    });
  }
  return (name) => (wanted.length === 0 || wanted.includes(name)) && !unwanted.includes(name);
}

/** @throws StateError `artifact.nothing-to-restore` when nothing that is wanted can be put back by itself. */
export function requireRestorable(wants: (name: string) => boolean): void {
  const restorable = ARTIFACTS.filter(({ restore }) => restore !== undefined).map(({ name }) => name);
  if (restorable.some(wants)) return;
  throw new StateError({
    kind: 'usage',
    code: 'artifact.nothing-to-restore',
    what: 'Nothing is left to put back',
    why: 'what was asked for comes back only with what it was derived from',
    next: `name some of ${restorable.join(', ')}`,
  });
}

function split(values: readonly string[] | undefined): string[] {
  return (values ?? []).flatMap((value) => value.split(',')).filter((value) => value !== '');
}
