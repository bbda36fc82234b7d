import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  isLegacyArchive,
  legacyDecryptionStream,
  legacyPassword,
} from '../../../src/archive/legacy-openssl.js';
import { Secret } from '../../../src/core/secret.js';
import { noise, pieces, run } from '../../unit/archive/streams.js';
import { command } from './programs.js';

let folder: string;
let archive: Buffer;
const plain = gzipSync(noise(200_000));
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'legacy-openssl-'));
  await command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', at('key'));
  archive = await encrypted('key', plain);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('an archive of the replaced role, made by openssl enc', () => {
  it('is read with the key file, however it is cut', async () => {
    expect(isLegacyArchive(archive)).toBe(true);
    for (const cut of [1, 4096, archive.length]) {
      const { output, error } = await run(
        legacyDecryptionStream(await legacyPassword(at('key'))),
        pieces(archive, cut),
      );
      expect(error).toBeUndefined();
      expect(output.equals(plain)).toBe(true);
    }
  });

  it('is read by anybody, because the password is the first line of every OpenSSH key', async () => {
    const words = new Secret('-----BEGIN OPENSSH PRIVATE KEY-----');
    expect((await run(legacyDecryptionStream(words), [archive])).output.equals(plain)).toBe(true);
  });

  it('does not open with another password, whatever its padding looks like', async () => {
    for (let attempt = 0; attempt < 30; attempt++) {
      const { code, output } = await run(legacyDecryptionStream(new Secret(`wrong ${attempt}`)), [
        archive.subarray(0, 48),
      ]);
      expect(code).toBe('archive.wrong-password');
      expect(output).toHaveLength(0);
    }
  });

  it('is incomplete when it was cut', async () => {
    const password = await legacyPassword(at('key'));
    for (const end of [archive.length - 1, archive.length - 16, 12]) {
      const { code } = await run(legacyDecryptionStream(password), [archive.subarray(0, end)]);
      expect(code).toBe('archive.truncated');
    }
  });

  it('is not mistaken for something else', async () => {
    const { code } = await run(legacyDecryptionStream(new Secret('x')), [plain]);
    expect(code).toBe('archive.not-legacy');
  });
});

async function encrypted(key: string, content: Buffer): Promise<Buffer> {
  await writeFile(at('plain'), content);
  const files = ['-in', at('plain'), '-out', at('sealed'), '-pass', `file:${at(key)}`];
  await command('openssl', 'enc', '-aes-256-cbc', '-salt', '-pbkdf2', ...files);
  return readFile(at('sealed'));
}
