import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authorizedBlob, publicHalf, publicKeyFileNames } from '../../../src/coolify/managed-keys.js';
import { mergeAuthorizedKeys } from '../../../src/coolify/restore/authorized-keys.js';

const row = (id: string, uuid: string, name: string) => ({ id, uuid, name, team: '0' });

describe('publicKeyFileNames', () => {
  it('keeps names that are safe and makes the others so', () => {
    const names = publicKeyFileNames([
      row('0', 'u0', "localhost's key"),
      row('1', 'u1', 'Schlüssel für web.1'),
      row('2', 'u2', '../../etc/passwd'),
      row('3', 'u3', '.hidden'),
      row('4', 'u4', ''),
    ]);
    expect([...names.values()]).toEqual([
      'localhost_s key.pub',
      'Schlüssel für web.1.pub',
      '___.._etc_passwd.pub',
      '_hidden.pub',
      'key~u4.pub',
    ]);
  });

  it('gives names that become the same one to the oldest key, in any order of rows', () => {
    const rows = [row('10', 'c', 'A/B'), row('2', 'b', 'a b'), row('1', 'a', 'a_b')];
    const names = publicKeyFileNames(rows);
    expect(names).toEqual(publicKeyFileNames([...rows].reverse()));
    expect(names.get('a')).toBe('a_b.pub');
    expect(names.get('b')).toBe('a b.pub');
    expect(names.get('c')).toBe('A_B~c.pub');
  });

  it('makes unique, harmless file names of any text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 30 }), (texts) => {
        const names = [
          ...publicKeyFileNames(
            texts.map((text, index) => row(String(index), `uuid${index}`, text)),
          ).values(),
        ];
        expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(texts.length);
        for (const name of names) {
          expect(name).toMatch(/^[^\p{C}/\\.\s-][^\p{C}/\\]*\.pub$/u);
          expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
        }
      }),
    );
  });
});

describe('publicHalf', () => {
  it('reads keys in the forms that users paste', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pkcs1 = publicHalf(Buffer.from(rsa.privateKey.export({ type: 'pkcs1', format: 'pem' })));
    const pkcs8 = publicHalf(Buffer.from(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' })));
    expect(pkcs1?.publicLine).toMatch(/^ssh-rsa AAAA/);
    expect(pkcs8).toEqual(pkcs1);
    const ed = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    expect(publicHalf(Buffer.from(ed))?.publicLine).toMatch(/^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI/);
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const sec1 = publicHalf(Buffer.from(ec.export({ type: 'sec1', format: 'pem' })));
    expect(sec1?.publicLine).toMatch(/^ecdsa-sha2-nistp256 AAAA/);
    expect(publicHalf(Buffer.from(ec.export({ type: 'pkcs8', format: 'pem' })))).toEqual(sec1);
  });

  it('knows what is no private key', () => {
    expect(publicHalf(Buffer.from('Error loading private key'))).toBeUndefined();
    expect(publicHalf(Buffer.alloc(0))).toBeUndefined();
  });
});

describe('mergeAuthorizedKeys', () => {
  const line = (tag: string, comment: string): string => `ssh-ed25519 AAAA${tag} ${comment}`;

  it("keeps the snapshot's bytes when the target has nothing of its own", () => {
    const snapshot = `# admins\n${line('one', 'admin')}\n\n${line('two', 'coolify')}`;
    expect(
      mergeAuthorizedKeys(snapshot, line('one', 'same key, other comment'), line('new', 'coolify')),
    ).toBe(snapshot);
  });

  it("adds the admin's own lines, options included, but not those the installer wrote", () => {
    const own = `from="10.0.0.1",no-pty ${line('own', 'me@coolify-host')}`;
    const merged = mergeAuthorizedKeys(
      `${line('two', 'coolify')}`,
      `${own}\n`,
      `${line('new', 'coolify')}\n${own}`,
    );
    expect(merged).toBe(`${line('two', 'coolify')}\n${own}\n`);
    expect(mergeAuthorizedKeys(`${line('two', 'coolify')}`, merged, merged)).toBe(merged);
  });

  it('sees no key in comments', () => {
    expect(authorizedBlob(`# ${line('x', 'y')}`)).toBeUndefined();
    expect(authorizedBlob(`command="echo ssh-rsa" ${line('x', 'y')}`)).toBe('AAAAx');
  });
});
