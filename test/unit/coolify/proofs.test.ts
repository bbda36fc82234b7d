import { createCipheriv, createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AppKey, KeyRing } from '../../../src/coolify/app-key.js';
import { databaseDifferences } from '../../../src/coolify/database/compare.js';
import type { DumpEvidence } from '../../../src/coolify/database/dump-evidence.js';
import { publicHalf } from '../../../src/coolify/managed-keys.js';
import { type EvidenceSet, judge } from '../../../src/coolify/proofs.js';
import { Secret } from '../../../src/core/secret.js';

const KEY = randomBytes(32);
const RING = new KeyRing(AppKey.parse(new Secret(`base64:${KEY.toString('base64')}`), 'a test'), []);

function encrypt(plain: string): string {
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', KEY, iv);
  const value = Buffer.concat([cipher.update(plain), cipher.final()]).toString('base64');
  const mac = createHmac('sha256', KEY)
    .update(iv.toString('base64') + value)
    .digest('hex');
  return Buffer.from(JSON.stringify({ iv: iv.toString('base64'), value, mac, tag: '' })).toString('base64');
}

const privateKey = generateKeyPairSync('ed25519')
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();
const half = publicHalf(Buffer.from(privateKey));
if (half === undefined) throw new Error('the test made a key that cannot be read');

const table = (name: string, rows: number, sha256 = 'a') => ({
  schema: 'public',
  name,
  columns: [],
  rows,
  bytes: 0,
  sha256,
  withheldRows: 0,
});

function summary(...tables: ReturnType<typeof table>[]): DumpEvidence['summary'] {
  return {
    header: {
      archiveVersion: '1.14-0',
      compression: 'none',
      createdAt: '',
      database: 'coolify',
      serverVersion: '15',
      dumpVersion: '15',
    },
    encoding: 'UTF8',
    tables,
    sequences: [{ schema: 'public', name: 'teams_id_seq', lastValue: '7', isCalled: true }],
    largeObjects: { count: 0, bytes: 0, sha256: '' },
    entries: [],
    bytes: 1,
  };
}

function evidence(
  changes: Partial<Omit<EvidenceSet, 'dump'>> & { readonly dump?: Partial<DumpEvidence> } = {},
): EvidenceSet {
  const { dump, ...rest } = changes;
  return {
    ring: RING,
    rowCounts: new Map([['public.private_keys', 1]]),
    keyFiles: [{ name: 'ssh_key@uuid', fingerprint: half?.fingerprint }],
    authorizedKeys: `${half?.publicLine} coolify\n`,
    ...rest,
    dump: {
      summary: summary(table('private_keys', 1)),
      payloads: [{ table: 'private_keys', column: 'private_key', opened: 1, byPreviousKey: 0, failed: 0 }],
      keyRows: [
        { id: '0', uuid: 'uuid', name: "localhost's key", team: '0', privateKey: encrypt(privateKey) },
      ],
      localKeyIds: ['0'],
      tokenHashes: new Set(),
      ...dump,
    },
  };
}

const failing = (set: EvidenceSet): string[] =>
  judge(set)
    .proofs.filter(({ ok }) => !ok)
    .map(({ name }) => name);

describe('the judgement of a backup', () => {
  it('finds nothing to object to when all agrees', () => {
    const { proofs, warnings, keys } = judge(evidence());
    expect(proofs.every(({ ok }) => ok)).toBe(true);
    expect(warnings).toEqual([]);
    expect(keys.map(({ fingerprint }) => fingerprint)).toEqual([half.fingerprint]);
  });

  it('objects to a dump that lacks rows or tables, or has some that nobody counted', () => {
    expect(failing(evidence({ rowCounts: new Map([['public.private_keys', 2]]) }))).toEqual(['dump']);
    expect(
      failing(
        evidence({
          rowCounts: new Map([
            ['public.private_keys', 1],
            ['public.users', 0],
          ]),
        }),
      ),
    ).toEqual(['dump']);
    expect(failing(evidence({ rowCounts: new Map() }))).toEqual(['dump']);
  });

  it('objects to values that APP_KEY does not open, and names the column', () => {
    const payloads = [{ table: 's3_storages', column: 'secret', opened: 3, byPreviousKey: 0, failed: 1 }];
    const set = evidence({ dump: { payloads } });
    expect(failing(set)).toEqual(['app-key']);
    expect(judge(set).proofs.find(({ name }) => name === 'app-key')?.detail).toContain(
      's3_storages.secret (1 of 4)',
    );
  });

  it('objects to key rows that do not open or hold no key', () => {
    const rows = (privateText: string) => [
      { id: '1', uuid: 'uuid', name: 'k', team: '0', privateKey: privateText },
    ];
    expect(failing(evidence({ keyFiles: [], dump: { keyRows: rows(encrypt('no key')) } }))).toEqual([
      'key-rows',
    ]);
    expect(failing(evidence({ keyFiles: [], dump: { keyRows: rows('eyJpdiI6') } }))).toEqual(['key-rows']);
  });

  it('takes the plain keys of old instances', () => {
    const keyRows = [{ id: '1', uuid: 'uuid', name: 'k', team: '0', privateKey }];
    expect(failing(evidence({ dump: { keyRows, localKeyIds: [] } }))).toEqual([]);
  });

  it("objects to key files that are missing, other keys, or nobody's", () => {
    expect(failing(evidence({ keyFiles: [] }))).toEqual(['key-files']);
    expect(failing(evidence({ keyFiles: [{ name: 'ssh_key@uuid', fingerprint: 'SHA256:other' }] }))).toEqual([
      'key-files',
    ]);
    const stray = { name: 'ssh_key@stray', fingerprint: 'SHA256:stray' };
    expect(failing(evidence({ keyFiles: [...evidence().keyFiles, stray] }))).toEqual(['key-files']);
  });

  it('warns where Coolify cannot reach its own host, and of values under a former key', () => {
    const payloads = [{ table: 't', column: 'c', opened: 2, byPreviousKey: 2, failed: 0 }];
    const { proofs, warnings } = judge(evidence({ authorizedKeys: '# nobody\n', dump: { payloads } }));
    expect(proofs.every(({ ok }) => ok)).toBe(true);
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).toContain("localhost's key");
  });
});

describe('the comparison of databases', () => {
  const recorded = {
    versionNumber: 150000,
    version: '15',
    name: 'coolify',
    user: 'coolify',
    encoding: 'UTF8',
    dataChecksums: false,
    tables: [
      { schema: 'public', name: 'teams', rows: 2, sha256: 'a' },
      { schema: 'public', name: 'users', rows: 1, sha256: 'b' },
    ],
    sequences: [{ schema: 'public', name: 'teams_id_seq', lastValue: '7', isCalled: true }],
  };
  const compare = (...tables: ReturnType<typeof table>[]): string[] =>
    databaseDifferences(recorded, evidence({ dump: { summary: summary(...tables) } }).dump).map(
      ({ text }) => text,
    );

  it('finds none between equal ones', () => {
    expect(compare(table('users', 1, 'b'), table('teams', 2, 'a'))).toEqual([]);
  });

  it('tells tables that are missing, new, longer or of other content', () => {
    expect(compare(table('teams', 3, 'a'), table('stray', 0))).toEqual([
      'teams: 3 rows instead of 2',
      'users is missing',
      'stray is not in the snapshot',
    ]);
    expect(compare(table('teams', 2, 'x'), table('users', 1, 'b'))).toEqual([
      'teams: other content in 2 rows',
    ]);
  });

  it('tells sequences that stand elsewhere', () => {
    const moved = {
      ...recorded,
      sequences: [{ schema: 'public', name: 'teams_id_seq', lastValue: '8', isCalled: true }],
    };
    const { dump } = evidence({ dump: { summary: summary(table('teams', 2, 'a'), table('users', 1, 'b')) } });
    expect(databaseDifferences(moved, dump).map(({ text }) => text)).toEqual([
      'sequence teams_id_seq stands at 7 instead of 8',
    ]);
  });
});
