import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newKeyPair } from '../../../src/archive/new-key-pair.js';
import { findingLines } from '../../../src/cli/findings.js';
import { StateError } from '../../../src/core/errors.js';
import { Secret } from '../../../src/core/secret.js';
import { judged } from '../../../src/operations/doctor/check-clocks.js';
import { freeBytes } from '../../../src/operations/doctor/check-database.js';
import { checkKeys } from '../../../src/operations/doctor/check-keys.js';
import { checkMachine } from '../../../src/operations/doctor/check-machine.js';
import { checkRepository, missingCredentials } from '../../../src/operations/doctor/check-repository.js';
import { checkSnapshots } from '../../../src/operations/doctor/check-snapshots.js';
import { checkHostState, checkStateFolder } from '../../../src/operations/doctor/check-state.js';
import {
  bad,
  type Finding,
  findingsStatus,
  fine,
  looking,
  warning,
} from '../../../src/operations/hosts/finding.js';
import { makeKeyPair } from '../../../src/operations/init/keys.js';
import { DirectoryRepository } from '../../../src/repository/directory/directory.js';
import { SnapshotRepository } from '../../../src/repository/snapshots/snapshots.js';
import { openStateFolder } from '../../../src/state/state-folder.js';

const { signal } = new AbortController();
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checks-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** `check: verdict` of each. */
function verdicts(findings: readonly Finding[]): Record<string, string> {
  return Object.fromEntries(findings.map(({ check, verdict }) => [check, verdict]));
}

describe('findings', () => {
  const error = (kind: 'usage' | 'proof'): StateError => new StateError({ kind, code: 'x.y', what: 'no' });

  test('warnings alone are status 0, what is bad has the status of its kind, the highest wins', () => {
    expect(findingsStatus([fine('a', 'x'), warning('b', 'x', 'y')])).toBe(0);
    expect(findingsStatus([bad('a', error('usage'))])).toBe(2);
    expect(findingsStatus([bad('a', error('proof')), bad('b', error('usage'))])).toBe(4);
  });

  test('whatever a look throws is a finding; only an interruption goes on', async () => {
    const found = await looking('a.b', signal, () => Promise.reject(new Error('disk on fire')));
    expect(found).toMatchObject([{ check: 'a.b', verdict: 'bad', code: 'unexpected' }]);
    expect(found[0]?.what).toContain('disk on fire');
    const stopped = AbortSignal.abort(new Error('enough'));
    await expect(looking('a.b', stopped, async () => [])).rejects.toThrow('enough');
  });

  test('everything bad and every warning tells a fix', () => {
    expect(bad('a', error('usage')).fix).not.toBe('');
    expect(findingLines([bad('a', error('usage'))])).toContain('fix: ');
  });

  test('text of a host cannot write to the terminal, nor break a line', () => {
    const lines = findingLines([warning('a.b', 'one\n two\u001b[2J', 'three')]).split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('one two\\x1b[2J');
  });
});

describe('this machine', () => {
  test.each([
    ['18.20.0', 'bad'],
    ['20.18.9', 'bad'],
    ['20.19.0', 'ok'],
    ['22.0.0', 'ok'],
  ])('Node %s is %s', (node, verdict) => {
    expect(verdicts(checkMachine(node))['machine.node']).toBe(verdict);
  });

  test('ciphers that were not compiled are worth a warning', () => {
    expect(verdicts(checkMachine('22.0.0', { nativeCrypto: false, zstd: false }))).toEqual({
      'machine.node': 'ok',
      'machine.ssh-ciphers': 'warning',
      'machine.zstd': 'skipped',
    });
  });
});

describe('the state folder', () => {
  test('that is not there is not made', async () => {
    const { state, findings } = await checkStateFolder(join(folder, 'a/state'), signal);
    expect(state).toBeUndefined();
    expect(verdicts(findings)).toEqual({ 'state.folder': 'ok', 'state.space': 'ok' });
    expect(await readdir(folder)).toEqual([]);
  });

  test('that others can read is bad', async () => {
    await mkdir(join(folder, 'state/web1'), { recursive: true });
    await chmod(join(folder, 'state'), 0o755);
    const { findings } = await checkStateFolder(join(folder, 'state'), signal);
    expect(findings[0]).toMatchObject({ verdict: 'bad', code: 'state.readable-by-others', kind: 'usage' });
    expect(findings[0]?.fix).toContain('chmod');
  });

  test('tells who works on a host, and what dead runs left', async () => {
    const state = await openStateFolder(join(folder, 'state'));
    expect(verdicts(await checkHostState(state, 'web1', signal))).toEqual({ 'state.generations': 'warning' });
    await mkdir(join(state.root, '.generations/web1/staging-0123'), { recursive: true });
    const left = await checkHostState(state, 'web1', signal);
    expect(verdicts(left)['state.leftovers']).toBe('warning');
    const lock = await state.lock('web1', 'backup');
    try {
      const held = await checkHostState(state, 'web1', signal);
      expect(held.find(({ check }) => check === 'state.lock')?.what).toContain(`process ${process.pid}`);
      // What is there now may belong to that run.
      expect(verdicts(held)['state.leftovers']).toBeUndefined();
    } finally {
      await lock.release();
    }
    expect(verdicts(await checkHostState(state, 'web1', signal))['state.lock']).toBeUndefined();
  });
});

describe('keys', () => {
  const file = (path: string) => ({ files: [path], keys: [], keysName: 'coolify_backup_recipients' });

  test('a pair that fits is well', async () => {
    const path = join(folder, 'key');
    await makeKeyPair(path, 'me');
    expect(verdicts(await checkKeys({ recipients: file(`${path}.pub`), identityPath: path }))).toEqual({
      'keys.recipients': 'ok',
      'keys.identity': 'ok',
    });
  });

  test('a private half that is elsewhere is a warning, another one is bad', async () => {
    const [mine, other] = [join(folder, 'mine'), join(folder, 'other')];
    await makeKeyPair(mine, 'me');
    await makeKeyPair(other, 'me');
    const away = await checkKeys({ recipients: file(`${mine}.pub`), identityPath: join(folder, 'away') });
    expect(verdicts(away)['keys.identity']).toBe('warning');
    const wrong = await checkKeys({ recipients: file(`${mine}.pub`), identityPath: other });
    expect(wrong[1]).toMatchObject({ verdict: 'bad', kind: 'usage', code: 'keys.identity-other' });
  });

  test('no key at all, and a public half where the private one should be, are bad', async () => {
    const none = await checkKeys({
      recipients: file(join(folder, 'x.pub')),
      identityPath: join(folder, 'x'),
    });
    expect(none[0]).toMatchObject({ verdict: 'bad', code: 'key-file.missing' });
    const path = join(folder, 'key.pub');
    await writeFile(path, newKeyPair('me').publicLine);
    const half = await checkKeys({ recipients: file(path), identityPath: path });
    expect(half[1]).toMatchObject({ verdict: 'bad', code: 'identity.public-key' });
  });
});

describe('repositories', () => {
  test('a folder that is not there yet is not made', async () => {
    const path = join(folder, 'snapshots');
    const findings = await checkRepository({ kind: 'directory', path }, signal);
    expect(verdicts(findings)).toEqual({ 'repository.reach': 'ok' });
    expect(await readdir(folder)).toEqual([]);
  });

  test('nothing of the try is left', async () => {
    const findings = await checkRepository({ kind: 'directory', path: folder }, signal);
    expect(verdicts(findings)).toEqual({
      'repository.reach': 'ok',
      'repository.write': 'ok',
      'repository.overwrite': 'ok',
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test('a file in its place is bad', async () => {
    const path = join(folder, 'file');
    await writeFile(path, '');
    const [first] = await checkRepository({ kind: 'directory', path }, signal);
    expect(first).toMatchObject({ verdict: 'bad', code: 'repository.not-a-directory' });
  });

  test('S3 needs both halves of its credentials, or a place where the AWS SDK finds them', () => {
    const s3 = { kind: 's3', bucket: 'my-bucket', endpoint: 'https://s3.example.com' } as const;
    const code = 'repository.no-credentials';
    const half = new Secret('x');
    expect(missingCredentials({ ...s3, accessKeyId: half }, {})).toMatchObject({ code, kind: 'usage' });
    expect(missingCredentials({ ...s3, accessKeyId: half, secretAccessKey: half }, {})).toBeUndefined();
    expect(missingCredentials(s3, { AWS_PROFILE: 'me' })).toBeUndefined();
    expect(missingCredentials({ ...s3, endpoint: undefined }, {})).toBeUndefined();
  });
});

describe('snapshots', () => {
  const repository = (): DirectoryRepository => new DirectoryRepository(folder);
  const publish = (createdAt: Date, ok = true) =>
    new SnapshotRepository(repository()).publish(
      'web1',
      createdAt,
      Readable.from([Buffer.from('x')]),
      () => ({
        finishedAt: createdAt,
        plainSize: 1,
        files: 1,
        recipients: ['SHA256:x'],
        tool: '0',
        coolify: '4',
        postgres: '15',
        proofs: [{ name: 'dump', ok, detail: '' }],
      }),
    );
  const taken = new Date('2026-11-20T10:00:00Z');
  const look = (hours: number) =>
    checkSnapshots(repository(), 'web1', signal, new Date(taken.getTime() + hours * 3_600_000));

  test('none at all is a warning', async () => {
    expect(verdicts(await look(0))).toEqual({ 'repository.snapshots': 'warning' });
  });

  test('a fresh one is well, an old one is a warning that says how old', async () => {
    await publish(taken);
    expect(verdicts(await look(30))).toEqual({ 'repository.snapshots': 'ok' });
    const [old] = await look(72);
    expect(old).toMatchObject({ verdict: 'warning', what: expect.stringContaining('72 h old') });
  });

  test('a newest one that was not proven, or lost its object, is bad', async () => {
    const { key } = await publish(taken, false);
    expect(await look(1)).toMatchObject([
      { verdict: 'bad', kind: 'proof', code: 'doctor.unproven-snapshot' },
    ]);
    await rm(join(folder, key));
    expect(await look(1)).toMatchObject([
      { verdict: 'bad', kind: 'proof', code: 'repository.object-missing' },
    ]);
  });

  test('broken uploads and archives that anybody can open are told', async () => {
    const { key } = await publish(taken);
    const beside = join(folder, 'web1');
    await writeFile(join(beside, 'coolify-state-web1-20251229T101112.tar.gz.enc'), 'x');
    await writeFile(join(folder, key.replace('T100000Z', 'T110000Z')), 'no sidecar');
    // The file is young, so the time is that of a look in some days.
    const findings = await checkSnapshots(
      repository(),
      'web1',
      signal,
      new Date(Date.now() + 48 * 3_600_000),
    );
    expect(verdicts(findings)).toMatchObject({
      'repository.leftovers': 'warning',
      'repository.legacy': 'warning',
    });
  });
});

test('clocks that are a minute off are told, and which way', () => {
  expect(judged('c', "the host's clock", 30_000, 0).verdict).toBe('ok');
  expect(judged('c', "the host's clock", 3_600_000, 0).what).toContain('3600 s ahead of');
  expect(judged('c', "the host's clock", 0, 3_600_000).what).toContain('3600 s behind');
});

test('free space is read from the last line of df -Pk', () => {
  expect(
    freeBytes('Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 40 60 40% /\n'),
  ).toBe(60 * 1024);
  expect(freeBytes('df: /nowhere: No such file or directory\n')).toBeUndefined();
});
