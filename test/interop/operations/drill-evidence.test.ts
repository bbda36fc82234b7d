import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Evidence, encodeEvidence } from '../../../src/operations/drill/evidence.js';
import { signEvidence, storeEvidence } from '../../../src/operations/drill/store.js';
import { openRepository } from '../../../src/repository/open.js';
import { type GoodSnapshot, SnapshotRepository } from '../../../src/repository/snapshots/snapshots.js';
import { command } from '../archive/programs.js';
import { HOST, openPlace, type Place } from './place.js';
import { type Outcome, runProgram } from './program.js';

/** Evidence beside snapshots: where it is put, and what of it is believed. */
let place: Place;
let snapshot: GoodSnapshot;
let newer: GoodSnapshot;
const repositories = () =>
  (['first', 'second', 'third'] as const).map(
    (name) => ({ kind: 'directory', path: place.at(name) }) as const,
  );

beforeAll(async () => {
  place = await openPlace();
  await command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'drills', '-f', place.at('evidence'));
  await command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'others', '-f', place.at('stranger'));
  const [first] = repositories();
  if (first === undefined) throw new Error('no repository');
  for (const day of [1, 2])
    await place.publish(await place.generation(new Date(Date.UTC(2026, 0, day))), first);
  await command('cp', '-a', place.at('first'), place.at('second'));
  const repository = await openRepository(first);
  [newer, snapshot] = await goodOnes(new SnapshotRepository(repository));
  await repository.close();
  await place.inventory({
    coolify_evidence_signers_path: place.at('evidence.pub'),
    coolify_repository: repositories().map(({ path }) => `file:${path}`),
  });
  await store(new Date('2026-02-01T10:00:00Z'));
});
afterAll(() => place.remove());

async function goodOnes(snapshots: SnapshotRepository): Promise<[GoodSnapshot, GoodSnapshot]> {
  const [one, other] = await Promise.all([
    snapshots.find(HOST, 'latest'),
    snapshots.find(HOST, '20260101T000000Z'),
  ]);
  return [one, other];
}

/** Stores the evidence of a drill as a drill does. @returns where, and what was warned of */
async function store(
  at: Date,
  changes: Partial<Evidence> = {},
  signer: 'evidence' | 'stranger' | 'nobody' = 'evidence',
): Promise<{ stored: string[]; warnings: string[] }> {
  const { id, host, sidecar } = snapshot;
  const evidence: Evidence = {
    type: 'coolify-state.drill',
    format: 1,
    tool: '0.1.0',
    drill: '01234567',
    startedAt: at.toISOString(),
    finishedAt: new Date(at.getTime() + 60_000).toISOString(),
    outcome: 'passed',
    snapshot: {
      ...{ id, host, object: sidecar.object, sha256: sidecar.sha256, read: true, size: sidecar.size },
      createdAt: sidecar.createdAt.toISOString(),
      recipients: [],
    },
    target: { kind: 'container', name: 'one', began: 'prepared' },
    isolation: { guaranteed: true, before: [], after: [] },
    proofs: { snapshot: [], restored: [] },
    dataAge: { seconds: 1, ok: true },
    apart: {},
    steps: [],
    ...changes,
  };
  const key = signer === 'nobody' ? undefined : place.at(signer);
  const warnings: string[] = [];
  const reporter = {
    signal: new AbortController().signal,
    moved: () => undefined,
    line: () => undefined,
    warn: (message: string) => void warnings.push(message),
  };
  const signed = await signEvidence(encodeEvidence(evidence), key, undefined);
  const subject = { snapshot, place: { kind: 'directory', path: place.at('first') }, location: '' } as const;
  return { stored: await storeEvidence(signed, repositories(), subject, at, reporter), warnings };
}

const run = (...args: readonly string[]): Promise<Outcome> => runProgram([...args, ...place.options]);

const record = (name: string, at: string): string =>
  join(place.at(name), HOST, `${snapshot.sidecar.object}.drill-${at}.json`);

describe('the evidence of a drill', () => {
  it('stands beside the snapshot in every repository that holds these bytes, and in no other', async () => {
    for (const name of ['first', 'second'])
      expect(await readdir(join(place.at(name), HOST))).toEqual(
        expect.arrayContaining([
          `${snapshot.sidecar.object}.drill-20260201T100000Z.json`,
          `${snapshot.sidecar.object}.drill-20260201T100000Z.json.sig`,
        ]),
      );
    await expect(readdir(join(place.at('third'), HOST))).rejects.toThrow();
  });

  it('is genuine for ssh-keygen and for verify --evidence, which needs no key', async () => {
    await writeFile(place.at('allowed'), `drills ${await readFile(place.at('evidence.pub'), 'utf8')}`);
    const path = record('first', '20260201T100000Z');
    const said = await command(
      'sh',
      '-c',
      'ssh-keygen -Y verify -f "$1" -I drills -n evidence@coolify-state -s "$2.sig" < "$2"',
      ...['sh', place.at('allowed'), path],
    );
    expect(said).toContain('Good "evidence@coolify-state" signature for drills');
    const { status, stdout } = await run('verify', '--evidence', '--json');
    expect(status).toBe(0);
    expect(stdout.match(/"ok":true/g)).toHaveLength(2);
  });

  it('is shown by snapshots, for the snapshot it is about and no other', async () => {
    const { stdout } = await run('snapshots');
    const rows = stdout.split('\n').filter((line) => line.includes('2026-01-0'));
    expect(rows.find((row) => row.includes(snapshot.id))).toContain('2026-02-01 passed');
    expect(rows.find((row) => row.includes(newer.id))).not.toContain('2026-02-01');
  });

  it.each([
    ['one byte of it was changed', 'signature.wrong', (text: string) => text.replace('"passed"', '"failed"')],
    ['it is no evidence', 'evidence.invalid', () => '{}'],
  ])('does not count when %s', async (_what, code, change) => {
    const path = record('second', '20260201T100000Z');
    const genuine = await readFile(path, 'utf8');
    await chmod(path, 0o600);
    await writeFile(path, change(genuine));
    try {
      const { status, stdout } = await run('verify', '--evidence', '--json');
      expect(status).toBe(4);
      expect(stdout).toContain(`"code":"${code}"`);
      expect(stdout).toContain('"ok":true');
    } finally {
      await writeFile(path, genuine);
    }
  });

  it.each<[string, string, string, Partial<Evidence>, 'evidence' | 'stranger' | 'nobody']>([
    ['nobody has signed it', 'evidence.unsigned', '2026-03-01T00:00:00Z', {}, 'nobody'],
    ['a stranger has signed it', 'evidence.not-believed', '2026-03-02T00:00:00Z', {}, 'stranger'],
    [
      'it is about another drill',
      'evidence.other-snapshot',
      '2026-03-03T00:00:00Z',
      { startedAt: '2026-02-01T10:00:00Z' },
      'evidence',
    ],
  ])('does not count when %s', async (_what, code, at, changes, signer) => {
    const { stored } = await store(new Date(at), changes, signer);
    try {
      const { status, stdout } = await run('verify', '--evidence', '--json');
      expect(status).toBe(4);
      expect(stdout).toContain(`"code":"${code}"`);
    } finally {
      await remove(stored);
    }
  });

  it('does not count beside another snapshot than the one that was restored', async () => {
    const path = record('first', '20260201T100000Z');
    const moved = path.replace(snapshot.sidecar.object, newer.sidecar.object);
    for (const suffix of ['', '.sig']) await command('cp', `${path}${suffix}`, `${moved}${suffix}`);
    try {
      const { status, stdout } = await run('verify', '--evidence', '--json');
      expect(status).toBe(4);
      expect(stdout).toContain('"code":"evidence.other-snapshot"');
    } finally {
      for (const suffix of ['', '.sig']) await rm(`${moved}${suffix}`);
    }
  });

  it('that says it went badly is as genuine, and is shown as such', async () => {
    const { stored } = await store(new Date('2026-04-01T00:00:00Z'), { outcome: 'failed' });
    try {
      const verified = await run('verify', '--evidence');
      expect(verified.status).toBe(0);
      expect(verified.stdout).toMatch(/FAILED +genuine, signed by drills/);
      expect((await run('snapshots')).stdout).toContain('2026-04-01 FAILED');
    } finally {
      await remove(stored);
    }
  });

  it('that a repository does not take is told of, and stored in the others', async () => {
    await rm(place.at('third'), { recursive: true, force: true });
    await writeFile(place.at('third'), 'where a repository should be');
    const { stored, warnings } = await store(new Date('2026-07-01T00:00:00Z'));
    expect(stored).toHaveLength(2);
    expect(warnings).toEqual([expect.stringContaining('the evidence could not be stored in file:')]);
    await rm(place.at('third'));
    await remove(stored);
  });

  it('of two drills in one second both are kept', async () => {
    const at = new Date('2026-05-01T00:00:00Z');
    const both = [...(await store(at)).stored, ...(await store(at)).stored];
    expect(new Set(both).size).toBe(4);
    expect((await run('verify', '--evidence')).status).toBe(0);
    await remove(both);
  });

  it('goes with its snapshot when that is removed', async () => {
    const { stored } = await store(new Date('2026-06-01T00:00:00Z'));
    expect(stored).toHaveLength(2);
    const repository = await openRepository({ kind: 'directory', path: place.at('second') });
    await new SnapshotRepository(repository).remove(snapshot);
    await repository.close();
    const left = await readdir(join(place.at('second'), HOST));
    expect(left.filter((name) => name.includes(snapshot.sidecar.object))).toEqual([]);
  });
});

describe('verify --evidence', () => {
  it('wants to know whose signatures count', async () => {
    await place.inventory({ coolify_repository: `file:${place.at('first')}` });
    const { status, stdout } = await run('verify', '--evidence', '--json');
    expect(status).toBe(2);
    expect(stdout).toContain('"code":"evidence.no-signers"');
  });

  it('is no success where there is no evidence', async () => {
    await place.inventory({
      coolify_repository: `file:${place.at('first')}`,
      coolify_evidence_signers_path: place.at('evidence.pub'),
    });
    const { status, stdout } = await run('verify', HOST, newer.id, '--evidence', '--json');
    expect(status).toBe(1);
    expect(stdout).toContain('"code":"evidence.none"');
  });
});

/** Takes away what a test has stored. */
async function remove(stored: readonly string[]): Promise<void> {
  for (const where of stored) {
    const path = where.replace(/^file:/, '');
    await rm(path);
    await rm(`${path}.sig`, { force: true });
  }
}
