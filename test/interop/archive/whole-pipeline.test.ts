import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decryptionStream, encryptionStream } from '../../../src/archive/age-stream.js';
import { decompressionStream, gzipStream } from '../../../src/archive/gzip.js';
import { identitiesFromFile } from '../../../src/archive/identities.js';
import { recipientsFromFile } from '../../../src/archive/recipients.js';
import { extractFiles, packFiles } from '../../../src/archive/tar.js';
import { noise, sha256 } from '../../unit/archive/streams.js';
import { command } from './programs.js';

const FILES: readonly (readonly [string, Buffer])[] = [
  ['RESTORE.md', Buffer.from('# How to restore\n')],
  [
    'backups/coolify/coolify_db.dump',
    Buffer.concat([noise(2_000_000), Buffer.from('row\n'.repeat(500_000))]),
  ],
  ['.ssh/ssh_host_ed25519_key', noise(411)],
];

let folder: string;
const at = (name: string): string => join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'whole-pipeline-'));
  await Promise.all([mkdir(at('in')), mkdir(at('out'))]);
  await command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', at('key'));
  await seal(at('snapshot.tar.gz.age'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('tar, gzip and age together', () => {
  it('make a file that age, gzip and tar open without this program', async () => {
    const line = 'age -d -i "$1" "$2" | tar -xzf - -C "$3"';
    await command('bash', '-o', 'pipefail', '-c', line, '-', at('key'), at('snapshot.tar.gz.age'), at('out'));
    for (const [path, content] of FILES)
      expect((await readFile(join(at('out'), path))).equals(content)).toBe(true);
  });

  it('open a file that was made by tar, gzip and age', async () => {
    const line = 'tar -czf - -C "$1" . | age -R "$2" > "$3"';
    await command('bash', '-o', 'pipefail', '-c', line, '-', at('in'), at('key.pub'), at('theirs'));
    const extracted = await open(at('theirs'));
    expect(new Map(extracted.map((file) => [file.path, file.sha256]))).toEqual(
      new Map(FILES.map(([path, content]) => [path, sha256(content)])),
    );
  });

  it('fail with the first cause when the file was cut, wherever that is', async () => {
    const { size } = await stat(at('snapshot.tar.gz.age'));
    for (const end of [size - 1, Math.floor(size / 2), 300, 0]) {
      await truncate(at('snapshot.tar.gz.age'), end);
      await expect(open(at('snapshot.tar.gz.age'))).rejects.toMatchObject({
        code: expect.stringMatching(/^archive\.(corrupt|truncated|empty)$/),
        kind: 'proof',
      });
      await rm(at('out'), { recursive: true });
      await mkdir(at('out'));
    }
  });

  it('write nothing at all with the wrong key', async () => {
    await command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', at('other'));
    await expect(open(at('snapshot.tar.gz.age'), 'other')).rejects.toMatchObject({
      code: 'archive.no-identity',
    });
    expect(await readdir(at('out'))).toEqual([]);
  });
});

async function seal(path: string): Promise<void> {
  const files = [];
  for (const [name, content] of FILES) {
    await mkdir(join(at('in'), name, '..'), { recursive: true });
    await writeFile(join(at('in'), name), content);
    files.push({ path: name, size: content.length, mode: 0o600, mtime: new Date(0) });
  }
  const recipients = (await recipientsFromFile(at('key.pub'))).map(({ recipient }) => recipient);
  const encryption = await encryptionStream(recipients);
  await pipeline(packFiles(at('in'), files), gzipStream(), encryption, createWriteStream(path));
}

async function open(path: string, key = 'key'): ReturnType<typeof extractFiles> {
  const plain = decompressionStream();
  const decryption = decryptionStream(await identitiesFromFile(at(key)));
  const [streamed, extracted] = await Promise.allSettled([
    pipeline(createReadStream(path), decryption, plain),
    extractFiles(plain, at('out')),
  ]);
  if (streamed.status === 'rejected') throw streamed.reason;
  if (extracted.status === 'rejected') throw extracted.reason;
  return extracted.value;
}
