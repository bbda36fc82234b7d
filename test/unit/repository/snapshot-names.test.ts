import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isKey } from '../../../src/repository/keys.js';
import {
  hostPrefix,
  objectOfSidecar,
  parseSnapshotKey,
  sidecarKey,
  snapshotId,
  snapshotKey,
  timePrefix,
} from '../../../src/repository/snapshots/names.js';

const second = (time: Date) => new Date(Math.floor(time.getTime() / 1000) * 1000);
const names = fc.record({
  host: fc.oneof(
    fc
      .string({ unit: 'binary', minLength: 1, maxLength: 14 })
      .filter((host) => Buffer.from(host).toString() === host),
    fc.constantFrom('..', '.', 'a/b', 'fe80::1', 'controller-20261124T101112Z', 'web 1', '%2F', 'ü'),
  ),
  createdAt: fc
    .date({
      min: new Date('2000-01-01T00:00:00Z'),
      max: new Date('2099-12-31T00:00:00Z'),
      noInvalidDate: true,
    })
    .map(second),
  ordinal: fc.integer({ min: 1, max: 9999 }),
  compression: fc.constantFrom('gzip' as const, 'zstd' as const),
});

describe('names of snapshots', () => {
  it('read as documented', () => {
    const createdAt = new Date('2026-11-24T10:11:12.345Z');
    const name = { host: 'controller-1.example', createdAt, ordinal: 1, compression: 'gzip' as const };
    expect(snapshotKey(name)).toBe(
      'controller-1.example/coolify-state-controller-1.example-20261124T101112Z.tar.gz.age',
    );
    expect(snapshotKey({ ...name, ordinal: 2, compression: 'zstd' })).toBe(
      'controller-1.example/coolify-state-controller-1.example-20261124T101112Z-2.tar.zst.age',
    );
    expect(hostPrefix('fe80::1')).toBe('fe80%3A%3A1/');
    expect(hostPrefix('..')).toBe('%2E./');
  });

  it('say what they were made of, for every host and time', () => {
    fc.assert(
      fc.property(names, (name) => {
        const key = snapshotKey(name);
        expect(isKey(key)).toBe(true);
        expect(isKey(sidecarKey(key))).toBe(true);
        expect(parseSnapshotKey(key)).toEqual(name);
        expect(key.startsWith(hostPrefix(name.host))).toBe(true);
        expect(key.startsWith(timePrefix(name.host, name.createdAt))).toBe(true);
        expect(objectOfSidecar(sidecarKey(key))).toBe(key);
        expect(snapshotId(key)).toMatch(/^[0-9a-f]{8}$/);
      }),
    );
  });

  it('are one for each snapshot', () => {
    fc.assert(
      fc.property(names, names, (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b);
        expect(snapshotKey(a) === snapshotKey(b)).toBe(same);
      }),
    );
  });

  it.each([
    'controller/coolify-state-other-20261124T101112Z.tar.gz.age',
    'controller/coolify-state-controller-20261124T101112Z.tar.gz',
    'controller/coolify-state-controller-20261124T101112Z.tar.gz.age.json',
    'controller/coolify-state-controller-20260230T101112Z.tar.gz.age',
    'controller/coolify-state-controller-20261124T251112Z.tar.gz.age',
    'controller/coolify-state-controller-20261124T101112Z-1.tar.gz.age',
    'controller/coolify-state-controller-20261124T101112Z-02.tar.gz.age',
    'controller/deep/coolify-state-controller-20261124T101112Z.tar.gz.age',
    'coolify-state-controller-20261124T101112Z.tar.gz.age',
    '%63ontroller/coolify-state-%63ontroller-20261124T101112Z.tar.gz.age',
    '%zz/coolify-state-%zz-20261124T101112Z.tar.gz.age',
    '',
  ])('are not seen in %j', (key) => {
    expect(parseSnapshotKey(key)).toBeUndefined();
  });

  it('are refused for hosts without a name or with one that is too long', () => {
    for (const host of ['', 'x'.repeat(181), 'ü'.repeat(40), '\ud800']) {
      expect(() => hostPrefix(host)).toThrow(expect.objectContaining({ code: 'repository.bad-host' }));
    }
  });
});
