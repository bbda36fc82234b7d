import { createCipheriv, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppKey, keyRingOf, unserialised } from '../../../src/coolify/app-key.js';
import { EnvFile } from '../../../src/coolify/env-file.js';
import { StateError } from '../../../src/core/errors.js';
import { Secret } from '../../../src/core/secret.js';
import { damaged, FUZZ_TIMEOUT, fuzz } from '../fuzz.js';

const KEY = Buffer.alloc(32, 7);
const PLAIN = Buffer.from('s:26:"the password of a database";');
const env = `# Coolify\nAPP_ID=abc\nAPP_KEY=base64:${KEY.toString('base64')}\nDB_PASSWORD="a b=c#d"\n\nROOT_USERNAME=\nAPP_PREVIOUS_KEYS=\n`;

/** As Laravel writes it. */
function payload(): Buffer {
  const iv = Buffer.alloc(16, 9).toString('base64');
  const cipher = createCipheriv('aes-256-cbc', KEY, Buffer.alloc(16, 9));
  const value = Buffer.concat([cipher.update(PLAIN), cipher.final()]).toString('base64');
  const mac = createHmac('sha256', KEY)
    .update(iv + value)
    .digest('hex');
  return Buffer.from(JSON.stringify({ iv, value, mac, tag: '' }));
}

const key = AppKey.parse(new Secret(`base64:${KEY.toString('base64')}`), 'a test');

describe('a payload of Laravel that came to harm', () => {
  it('never opens to anything else than what was put in', { timeout: FUZZ_TIMEOUT }, async () => {
    const json = damaged(payload()).map((bent) => bent.toString('base64'));
    const encoded = damaged(Buffer.from(payload().toString('base64'))).map((bent) => bent.toString('latin1'));
    await fuzz(
      fc.property(fc.oneof(json, encoded), (bent) => {
        const opened = key.open(bent);
        if (opened.ok) expect(opened.plain.equals(PLAIN)).toBe(true);
        else expect(opened.fault).toMatch(/^(payload|mac)-invalid$/);
      }),
    );
  });

  it('may be any JSON', { timeout: FUZZ_TIMEOUT }, async () => {
    const field = fc.constantFrom('iv', 'value', 'mac', 'tag', '__proto__');
    await fuzz(
      fc.property(field, fc.jsonValue(), fc.json(), (name, value, any) => {
        const bent = { ...JSON.parse(payload().toString()), [name]: value };
        for (const text of [JSON.stringify(bent), any]) {
          const opened = key.open(Buffer.from(text).toString('base64'));
          if (opened.ok) expect(opened.plain.equals(PLAIN)).toBe(true);
        }
      }),
    );
  });

  it('holds PHP text that is taken out whole, or left as it is', { timeout: FUZZ_TIMEOUT }, async () => {
    await fuzz(
      fc.property(damaged(PLAIN), (bent) => {
        const text = unserialised(bent);
        expect(bent.includes(text)).toBe(true);
        if (!text.equals(bent))
          expect(bent.toString('latin1')).toBe(`s:${text.length}:"${text.toString('latin1')}";`);
      }),
    );
  });
});

describe('a .env that came to harm', () => {
  it('keeps every byte, and gives a key ring or says what is wrong', { timeout: FUZZ_TIMEOUT }, async () => {
    await fuzz(
      fc.property(damaged(Buffer.from(env)), (bent) => {
        const text = bent.toString('latin1');
        const file = EnvFile.parse(text);
        expect(file.toString()).toBe(text);
        try {
          keyRingOf(file, 'a test', (value) => new Secret(value));
        } catch (error) {
          expect(error).toBeInstanceOf(StateError);
          expect(error).toMatchObject({ code: 'app-key.invalid' });
          expect(String(error)).not.toContain(KEY.toString('base64').slice(0, 20));
        }
      }),
    );
  });

  it('has a changed line where it was, and all others as they were', { timeout: FUZZ_TIMEOUT }, async () => {
    const line = fc.string({
      unit: fc.constantFrom('A', 'B', '=', ' ', '"', "'", '#', '\r', 'export ', '\t'),
    });
    await fuzz(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        const before = EnvFile.parse(lines.join('\n'));
        const after = before.withLine('A', 'A=new');
        expect(after.get('A')).toBe('new');
        for (const name of before.keys()) if (name !== 'A') expect(after.line(name)).toBe(before.line(name));
      }),
    );
  });
});
