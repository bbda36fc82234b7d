import { createCipheriv, createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppKey, KeyRing, keyRingOf, unserialised } from '../../../src/coolify/app-key.js';
import { EnvFile } from '../../../src/coolify/env-file.js';
import { StateError } from '../../../src/core/errors.js';
import { Secret } from '../../../src/core/secret.js';

const keyOf = (bytes: Buffer): AppKey =>
  AppKey.parse(new Secret(`base64:${bytes.toString('base64')}`), 'a test');

/** Laravel's Encrypter, written down a second time from its description. */
function encrypt(key: Buffer, plain: Buffer): string {
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const value = Buffer.concat([cipher.update(plain), cipher.final()]).toString('base64');
  const mac = createHmac('sha256', key)
    .update(iv.toString('base64') + value)
    .digest('hex');
  return Buffer.from(JSON.stringify({ iv: iv.toString('base64'), value, mac, tag: '' })).toString('base64');
}

describe('AppKey', () => {
  it('opens the payload of a known key, iv and text', () => {
    const key = keyOf(Buffer.alloc(32, 7));
    const payload = {
      iv: Buffer.alloc(16, 9).toString('base64'),
      value: 'DSOYykhsTFkQqSKrT32+hw==',
      mac: 'dd6170f18933a19c4ce3a29b3088e0c1b0297c032594c03920ab23def6a0a587',
      tag: '',
    };
    expect(key.open(Buffer.from(JSON.stringify(payload)).toString('base64'))).toEqual({
      ok: true,
      plain: Buffer.from('hello'),
    });
  });

  it('opens what its key encrypted and nothing that another did', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ maxLength: 300 }),
        (bytes, text) => {
          const key = Buffer.from(bytes);
          const payload = encrypt(key, Buffer.from(text));
          expect(keyOf(key).open(payload)).toEqual({ ok: true, plain: Buffer.from(text) });
          const other = Buffer.from(key.map((byte) => byte ^ 1));
          expect(keyOf(other).open(payload)).toEqual({ ok: false, fault: 'mac-invalid' });
        },
      ),
    );
  });

  it('takes any text for a payload and never throws', () => {
    const key = keyOf(Buffer.alloc(32, 1));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String(),
          fc.json().map((json) => Buffer.from(json).toString('base64')),
        ),
        (text) => {
          expect(key.open(text)).toEqual({ ok: false, fault: 'payload-invalid' });
        },
      ),
    );
  });

  it.each([
    '',
    'base64:',
    'base64:AAAA',
    `base64:${'A'.repeat(60)}`,
    Buffer.alloc(32).toString('base64'),
    'base64:!!!',
  ])('refuses %j as a key', (text) => {
    expect(() => AppKey.parse(new Secret(text), 'a test')).toThrow(StateError);
  });
});

describe('KeyRing', () => {
  it('falls back to previous keys and tells which key it was', () => {
    const [now, before] = [randomBytes(32), randomBytes(32)];
    const ring = new KeyRing(keyOf(now), [keyOf(before)]);
    expect(ring.open(encrypt(now, Buffer.from('a')))).toMatchObject({ ok: true, key: 0 });
    expect(ring.open(encrypt(before, Buffer.from('b')))).toMatchObject({ ok: true, key: 1 });
    expect(ring.open(encrypt(randomBytes(32), Buffer.from('c')))).toEqual({
      ok: false,
      fault: 'mac-invalid',
    });
  });

  it('reads its keys from an environment file', () => {
    const lines = [
      `APP_KEY=base64:${Buffer.alloc(32, 1).toString('base64')}`,
      `APP_PREVIOUS_KEYS=base64:${Buffer.alloc(32, 2).toString('base64')},`,
    ];
    const ring = keyRingOf(EnvFile.parse(lines.join('\n')), '.env', (text) => new Secret(text));
    expect(ring.open(encrypt(Buffer.alloc(32, 2), Buffer.from('x')))).toMatchObject({ ok: true, key: 1 });
  });
});

describe('unserialised', () => {
  it("takes the text out of PHP's form of a string, counted in bytes", () => {
    expect(unserialised(Buffer.from('s:6:"müde";')).toString()).toBe('s:6:"müde";');
    expect(unserialised(Buffer.from('s:5:"müde";')).toString()).toBe('müde');
    expect(unserialised(Buffer.from('plain')).toString()).toBe('plain');
  });
});
