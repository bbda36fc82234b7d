import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import {
  closeRecord,
  noteFenced,
  type RestoreRecord,
  readRecord,
  writeRecord,
} from '../../../src/operations/restore/record.js';
import { rollbackCommand, withWayBack } from '../../../src/operations/restore/way-back.js';
import { RestoreFolders } from '../../../src/state/restore-folders.js';

let root: string;
let folders: RestoreFolders;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'coolify-state-record-'));
  folders = new RestoreFolders(root, 'web1');
});

afterEach(() => rm(root, { recursive: true, force: true }));

function record(minute: number): RestoreRecord {
  const at = new Date(Date.UTC(2026, 0, 1, 0, minute));
  return {
    format: 1,
    id: RestoreFolders.newId(at),
    host: 'web1',
    startedAt: at.toISOString(),
    kind: 'installed',
    snapshot: { id: 's', host: 'web1', origin: 'there', coolify: '4.3.11' },
    former: { files: [{ path: '/etc/absent' }], containers: [], volumes: [], networks: [] },
    outcome: 'under-way',
    proofs: [],
  };
}

it('the newest record is the one that is taken back', async () => {
  const [older, newer] = [record(1), record(2)];
  await writeRecord(folders, newer);
  await writeRecord(folders, older);
  expect(await readRecord(folders)).toEqual(newer);
  expect(await readRecord(folders, older.id)).toEqual(older);
});

it('a record says how its restore ended, with the proofs, and which original was stopped for it', async () => {
  const first = record(1);
  await writeRecord(folders, first);
  await noteFenced(folders, first.id, 'old.example port 22');
  await closeRecord(folders, first.id, 'complete', [{ name: 'rows', ok: true, detail: 'all' }]);
  expect(await readRecord(folders)).toMatchObject({
    fenced: 'old.example port 22',
    outcome: 'complete',
    proofs: [{ name: 'rows', ok: true }],
  });
});

it('the end of a restore that another machine began is not written down here', async () => {
  await closeRecord(folders, 'restore-elsewhere', 'complete', []);
  expect(await folders.ids()).toEqual([]);
});

it('a record that cannot be read is none', async () => {
  const first = record(1);
  await folders.write(first.id, '{"format":1,');
  expect(await readRecord(folders)).toBeUndefined();
});

const report = {
  host: 'web1',
  recap: { ok: 0, changed: 1, skipped: 0, failed: 1, unreachable: 0 },
  tasks: [],
  milliseconds: 1,
  error: new StateError({ kind: 'failed', code: 'x', what: 'It broke', next: 'mend it' }),
};

it('a failed restore prints the command that takes it back, with the options of its own command line', () => {
  const repeat = ['-i', 'prod/', '--state-dir', '/srv/state'];
  const command = 'coolify-state restore --rollback web1 -i prod/ --state-dir /srv/state';
  expect(rollbackCommand('web1', { repeat })).toBe(command);
  expect(withWayBack(report, { repeat }, false).error?.next).toBe(
    `mend it; or take it back with: ${command}`,
  );
});

it('a failed rollback says that it is run again', () => {
  expect(withWayBack(report, {}, true).error?.next).toMatch(
    /run the rollback again.*: coolify-state restore --rollback web1$/,
  );
});

it('a restore that did not fail says nothing', () => {
  const { error: _error, ...good } = report;
  expect(withWayBack(good, {}, false)).toBe(good);
});
