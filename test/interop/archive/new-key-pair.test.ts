import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { makeKeyPair } from '../../../src/operations/init/keys.js';
import { command, filter } from './programs.js';

test('a key that was made is one to ssh-keygen and to age', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'new-key-'));
  try {
    // Comments of every length pad the private half differently.
    for (let length = 0; length < 9; length++) {
      const path = join(folder, `key-${length}`);
      const fingerprint = await makeKeyPair(path, 'c'.repeat(length));
      const line = (await readFile(`${path}.pub`, 'utf8')).trim();
      expect((await command('ssh-keygen', '-y', '-f', path)).trim()).toBe(line);
      expect(await command('ssh-keygen', '-lf', path)).toContain(fingerprint);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      const sealed = await filter('age', ['-R', `${path}.pub`], Readable.from([Buffer.from('hello')]));
      expect((await filter('age', ['-d', '-i', path], Readable.from([sealed]))).toString()).toBe('hello');
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
