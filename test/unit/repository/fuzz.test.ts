import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import {
  parseSnapshotKey,
  sidecarKey,
  snapshotId,
  snapshotKey,
} from '../../../src/repository/snapshots/names.js';
import { encodeSidecar, parseSidecar, type Sidecar } from '../../../src/repository/snapshots/sidecar.js';
import { damaged, FUZZ_TIMEOUT, fuzz } from '../fuzz.js';

const createdAt = new Date('2026-11-24T10:11:12.345Z');
const key = snapshotKey({ host: 'controller', createdAt, ordinal: 1, compression: 'gzip' });
const content = encodeSidecar(
  { key, createdAt, size: 12_345, sha256: 'ab'.repeat(32) },
  {
    finishedAt: new Date('2026-11-24T10:11:15Z'),
    plainSize: 54_321,
    files: 210,
    compression: 'gzip',
    recipients: ['SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU'],
    tool: '0.1.0',
    coolify: '4.3.11',
    postgres: '15.8',
    proofs: [{ name: 'rows', ok: true, detail: '59 tables' }],
  },
);

/** What is read, or the error; anything else is a crash. */
function read(bytes: Buffer): Sidecar | StateError {
  try {
    return parseSidecar(sidecarKey(key), bytes);
  } catch (error) {
    if (error instanceof StateError) return error;
    throw error;
  }
}

/** Whatever was read speaks of this snapshot, and is safe to print and to count with. */
function expectSound(outcome: Sidecar | StateError): void {
  if (outcome instanceof StateError) {
    expect(outcome).toMatchObject({ kind: 'proof', code: expect.stringMatching(/^repository\.sidecar-/) });
    return;
  }
  expect(outcome).toMatchObject({ id: snapshotId(key), host: 'controller' });
  expect(Number.isSafeInteger(outcome.size) && outcome.size >= 0).toBe(true);
  expect(outcome.sha256).toMatch(/^[0-9a-f]{64}$/);
  const shown = [...outcome.recipients, outcome.tool, ...outcome.proofs.map(({ detail = '' }) => detail)];
  expect(shown.join('')).not.toMatch(/[\p{Cc}]/u);
}

describe('a sidecar that came to harm', () => {
  it('is refused, or still speaks of its own snapshot', { timeout: FUZZ_TIMEOUT }, async () => {
    await fuzz(fc.property(damaged(content), (bent) => expectSound(read(bent))));
  });

  it('may hold any JSON in any of its fields', { timeout: FUZZ_TIMEOUT }, async () => {
    const fields = Object.keys(JSON.parse(content.toString()));
    const name = fc.oneof(fc.constantFrom(...fields), fc.string());
    await fuzz(
      fc.property(name, fc.jsonValue(), (field, value) => {
        const bent = { ...JSON.parse(content.toString()), [field]: value };
        expectSound(read(Buffer.from(JSON.stringify(bent))));
      }),
    );
  });

  it('may be any JSON at all', { timeout: FUZZ_TIMEOUT }, async () => {
    await fuzz(
      fc.property(fc.json(), (text) => {
        expect(read(Buffer.from(text))).toBeInstanceOf(StateError);
      }),
    );
  });
});

describe('the key of an object', () => {
  it('of any text is that of a snapshot only when it is written the same', {
    timeout: FUZZ_TIMEOUT,
  }, async () => {
    const name = fc.oneof(
      fc.string(),
      damaged(Buffer.from(key)).map((bytes) => bytes.toString()),
    );
    await fuzz(
      fc.property(name, (text) => {
        const parsed = parseSnapshotKey(text);
        if (parsed !== undefined) expect(snapshotKey(parsed)).toBe(text);
      }),
    );
  });
});
