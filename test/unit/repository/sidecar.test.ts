import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { sidecarKey, snapshotKey } from '../../../src/repository/snapshots/names.js';
import { encodeSidecar, parseSidecar, SIDECAR_LIMIT } from '../../../src/repository/snapshots/sidecar.js';

const createdAt = new Date('2026-11-24T10:11:12.345Z');
const key = snapshotKey({ host: 'controller', createdAt, ordinal: 1, compression: 'gzip' });
const subject = { key, createdAt, size: 12345, sha256: 'ab'.repeat(32) };
const facts = {
  finishedAt: new Date('2026-11-24T10:11:15Z'),
  plainSize: 54321,
  files: 210,
  recipients: ['SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU'],
  tool: '0.1.0',
  coolify: '4.0.0-beta.420',
  postgres: '15.8',
  proofs: [
    { name: 'app-key', ok: true },
    { name: 'key-triangle', ok: false, detail: 'one key has no line in authorized_keys' },
  ],
};
const content = encodeSidecar(subject, facts);

/** The sidecar as an object, for tests to bend. */
function written(change: Record<string, unknown> = {}): Buffer {
  return Buffer.from(JSON.stringify({ ...JSON.parse(content.toString()), ...change }));
}

function failureOf(bent: Buffer, under = sidecarKey(key)): StateError | undefined {
  try {
    parseSidecar(under, bent);
    return undefined;
  } catch (error) {
    if (error instanceof StateError) return error;
    throw error;
  }
}

describe('a sidecar', () => {
  it('is read as it was written', () => {
    expect(parseSidecar(sidecarKey(key), content)).toEqual({
      format: 1,
      id: expect.stringMatching(/^[0-9a-f]{8}$/),
      host: 'controller',
      object: 'coolify-state-controller-20261124T101112Z.tar.gz.age',
      createdAt,
      size: 12345,
      sha256: subject.sha256,
      ...facts,
    });
  });

  it('cuts a detail that is too long, instead of losing the snapshot for it', () => {
    const long = encodeSidecar(subject, {
      ...facts,
      proofs: [{ name: 'x', ok: false, detail: 'y'.repeat(9999) }],
    });
    expect(parseSidecar(sidecarKey(key), long).proofs[0]?.detail).toHaveLength(2000);
  });

  it('may have fields that this version does not know', () => {
    expect(failureOf(written({ later: { deep: [1] }, __proto__: null }))).toBeUndefined();
    expect(parseSidecar(sidecarKey(key), written({ later: 1 }))).not.toHaveProperty('later');
  });

  it('of a newer format says so', () => {
    expect(failureOf(written({ format: 2 }))).toMatchObject({
      kind: 'proof',
      code: 'repository.sidecar-format',
      next: expect.stringMatching(/Update/),
    });
  });

  it.each([
    ['host', { host: 'other' }],
    ['object', { object: 'coolify-state-controller-20261124T101113Z.tar.gz.age' }],
    ['id', { id: '00000000' }],
    ['time', { createdAt: '2026-11-24T10:11:13.000Z' }],
  ])('that disagrees with its name about the %s is not trusted', (_, change) => {
    expect(failureOf(written(change))).toMatchObject({ kind: 'proof', code: 'repository.sidecar-disagrees' });
  });

  it('under the name of another snapshot is not trusted', () => {
    const other = snapshotKey({ host: 'other', createdAt, ordinal: 1, compression: 'gzip' });
    expect(failureOf(content, sidecarKey(other))).toMatchObject({ code: 'repository.sidecar-disagrees' });
    expect(failureOf(content, 'foreign.json')).toMatchObject({ code: 'repository.sidecar-disagrees' });
  });

  it.each([
    { size: -1 },
    { size: 1.5 },
    { size: 2 ** 60 },
    { size: '12345' },
    { sha256: 'AB'.repeat(32) },
    { sha256: '' },
    { createdAt: 'yesterday' },
    { createdAt: 0 },
    { recipients: 'all' },
    { recipients: Array.from({ length: 501 }, () => 'x') },
    { proofs: [{ name: 'x' }] },
    { tool: 'x'.repeat(101) },
    { tool: null },
    { files: undefined },
  ])('with %j is refused', (change) => {
    expect(failureOf(written(change))).toMatchObject({ kind: 'proof', code: 'repository.sidecar-invalid' });
  });

  it('that is too large is refused before it is read', () => {
    const large = Buffer.concat([content, Buffer.alloc(SIDECAR_LIMIT, ' ')]);
    expect(failureOf(large)).toMatchObject({
      code: 'repository.sidecar-invalid',
      why: expect.stringMatching(/larger/),
    });
  });

  it('cannot write to the terminal of whoever reads it', () => {
    const hostile = '\u001b]0;pwned\u0007\u202e';
    const sidecar = parseSidecar(
      sidecarKey(key),
      written({
        tool: hostile,
        coolify: hostile,
        recipients: [hostile],
        proofs: [{ name: hostile, ok: true, detail: hostile }],
      }),
    );
    expect(JSON.stringify(sidecar)).not.toMatch(/\\u001b|\\u0007|\u202e/);
    const failure = failureOf(written({ host: hostile }));
    expect(failure?.message).toMatch(/^[\P{C}]*$/u);
  });

  it('says how the object is compressed, as its name does', () => {
    const packed = encodeSidecar(subject, { ...facts, compression: 'gzip' });
    expect(parseSidecar(sidecarKey(key), packed).compression).toBe('gzip');
    expect(parseSidecar(sidecarKey(key), content).compression).toBeUndefined();
    expect(failureOf(written({ compression: 'zstd' }))).toMatchObject({
      code: 'repository.sidecar-disagrees',
      why: 'it says that the object is compressed with zstd',
    });
    expect(failureOf(written({ compression: 'xz' }))?.code).toBe('repository.sidecar-invalid');
  });

  it('of any bytes or any JSON is accepted or refused, nothing else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          expect(failureOf(bytes)?.kind).toBe('proof');
        },
      ),
    );
  });

  it('that was bent in one field stays within its types, or is refused', () => {
    const fields = Object.keys(JSON.parse(content.toString()));
    fc.assert(
      fc.property(fc.constantFrom(...fields), fc.jsonValue(), (field, value) => {
        const bent = written({ [field]: value });
        if (failureOf(bent) !== undefined) return;
        const sidecar = parseSidecar(sidecarKey(key), bent);
        expect(sidecar.host).toBe('controller');
        expect(Number.isSafeInteger(sidecar.size)).toBe(true);
        expect(sidecar.createdAt.getTime()).not.toBeNaN();
        expect(sidecar.finishedAt.getTime()).not.toBeNaN();
        expect(sidecar.sha256).toMatch(/^[0-9a-f]{64}$/);
      }),
    );
  });

  it('with a byte changed anywhere is never trusted for another snapshot', () => {
    fc.assert(
      fc.property(fc.nat(content.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bent = Buffer.from(content);
        bent.writeUInt8(bent.readUInt8(at) ^ mask, at);
        if (failureOf(bent) !== undefined) return;
        const { host, id, object } = parseSidecar(sidecarKey(key), bent);
        expect({ host, id, object }).toEqual({
          host: 'controller',
          id: parseSidecar(sidecarKey(key), content).id,
          object: key.slice(key.lastIndexOf('/') + 1),
        });
      }),
    );
  });
});
