import { ARTIFACTS } from '../../coolify/artifacts.js';
import type { RestoreNotes } from '../../coolify/restore/notes.js';
import { partsOf } from './parts.js';

/** What a restore would note if nothing had been begun on the target before. */
type FreshNotes = Pick<RestoreNotes, 'snapshot' | 'kind' | 'version' | 'startedAt' | 'authorizedKeys'>;

/**
 * The notes of a run, after those that a run that broke off has left. Of the same snapshot they go on. Of another one
 * begins anew, but what was begun on the host is not finished by that: sshd or containers may still run with what was before, and
 * what stood here before the first of them is the former state, whatever that one has made of it.
 */
export function notesGoingOn(
  earlier: RestoreNotes | undefined,
  fresh: FreshNotes,
  wants: (artifact: string) => boolean,
): RestoreNotes {
  const begunParts = earlier === undefined ? [] : partsOf(earlier);
  const parts = ARTIFACTS.map(({ name }) => name).filter((name) => wants(name) || begunParts.includes(name));
  if (earlier?.snapshot === fresh.snapshot) return { ...earlier, parts };
  return {
    ...fresh,
    // Lines that are the target's own: those of now, and those that the other run had noted.
    ...(earlier !== undefined && { authorizedKeys: `${earlier.authorizedKeys}\n${fresh.authorizedKeys}` }),
    formerLocalKeys: earlier?.formerLocalKeys ?? [],
    begun: earlier?.begun ?? [],
    parts,
    ...(earlier?.kind === 'installed' && {
      ...(earlier.restore !== undefined && { restore: earlier.restore }),
      ...(earlier.safety !== undefined && { safety: earlier.safety }),
    }),
  };
}
