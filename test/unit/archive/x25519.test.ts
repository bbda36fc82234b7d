import { x25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scalarMult, scalarMultBase } from '../../../src/archive/x25519.js';

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('X25519', () => {
  it('multiplies as another implementation does, whatever the bytes', () => {
    fc.assert(
      fc.property(bytes, bytes, (scalar, other) => {
        const point = x25519.getPublicKey(other);
        expect([...scalarMultBase(scalar)]).toEqual([...x25519.getPublicKey(scalar)]);
        expect([...scalarMult(scalar, point)]).toEqual([...x25519.scalarMult(scalar, point)]);
      }),
    );
  });

  it('takes points that no key has, and the bit that does not count', () => {
    fc.assert(
      fc.property(bytes, bytes, (scalar, point) => {
        const expected = x25519.scalarMult(scalar, point);
        expect([...scalarMult(scalar, point)]).toEqual([...expected]);
        const marked = Uint8Array.from(point, (byte, at) => (at === 31 ? byte ^ 0x80 : byte));
        expect([...scalarMult(scalar, marked)]).toEqual([...expected]);
      }),
    );
  });

  it('gives the vector of RFC 7748', () => {
    const scalar = Buffer.from('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4', 'hex');
    const point = Buffer.from('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c', 'hex');
    const product = 'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552';
    expect(scalarMult(scalar, point).toString('hex')).toBe(product);
  });

  it.each([
    ['zero', '00'.repeat(32)],
    ['one', `01${'00'.repeat(31)}`],
    ['order 8', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
  ])('refuses a point of low order: %s', (_name, point) => {
    expect(() => scalarMult(Buffer.alloc(32, 7), Buffer.from(point, 'hex'))).toThrow();
  });
});
