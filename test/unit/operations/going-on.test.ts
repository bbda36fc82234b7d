import { describe, expect, it } from 'vitest';
import type { RestoreNotes } from '../../../src/coolify/restore/notes.js';
import { notesGoingOn } from '../../../src/operations/restore/going-on.js';

const FRESH = {
  snapshot: 'b',
  kind: 'installed' as const,
  version: '4.3.11',
  startedAt: '2026-02-01T00:00:00Z',
  authorizedKeys: 'now',
};
const EARLIER: RestoreNotes = {
  snapshot: 'a',
  kind: 'installed',
  version: '4.3.10',
  startedAt: '2026-01-01T00:00:00Z',
  restore: 'restore-1',
  safety: 'safety-1',
  authorizedKeys: 'before',
  formerLocalKeys: ['SHA256:x'],
  begun: ['host-keys', 'containers'],
  parts: ['env', 'database'],
};
const all = (): boolean => true;
const only =
  (...names: string[]) =>
  (name: string): boolean =>
    names.includes(name);

describe('the notes of a restore', () => {
  it('begin anew where there are none, with the artifacts that are wanted', () => {
    expect(notesGoingOn(undefined, FRESH, only('database', 'env'))).toEqual({
      ...FRESH,
      formerLocalKeys: [],
      begun: [],
      parts: ['env', 'database'],
    });
  });

  it('go on where the same snapshot was being restored', () => {
    const notes = notesGoingOn({ ...EARLIER, snapshot: 'b' }, FRESH, only('host-keys'));
    expect(notes).toEqual({ ...EARLIER, snapshot: 'b', parts: ['env', 'host-keys', 'database'] });
  });

  it('of another snapshot keep what is begun on the host, and the former state', () => {
    const notes = notesGoingOn(EARLIER, FRESH, all);
    expect(notes).toMatchObject({ ...FRESH, authorizedKeys: 'before\nnow', formerLocalKeys: ['SHA256:x'] });
    expect(notes).toMatchObject({ begun: EARLIER.begun, restore: 'restore-1', safety: 'safety-1' });
  });

  it('of a part of another snapshot still name what is not complete', () => {
    expect(notesGoingOn(EARLIER, FRESH, only('host-keys')).parts).toEqual(['env', 'host-keys', 'database']);
  });

  it('of an older version, which name no artifacts, speak of all', () => {
    const { parts: _, ...older } = EARLIER;
    expect(notesGoingOn(older, FRESH, only('host-keys')).parts).toContain('managed-keys');
  });

  it('of a bare host that is left half filled are no way back', () => {
    expect(notesGoingOn({ ...EARLIER, kind: 'bare' }, FRESH, all)).not.toHaveProperty('restore');
  });
});
