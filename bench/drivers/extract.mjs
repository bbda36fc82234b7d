// node extract.mjs INVENTORY KEY FOLDER: an encrypted archive in S3 becomes files in an empty folder, hashed on the way.
import { mkdir } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { decryptionStream } from '../../dist/archive/age-stream.js';
import { decompressionStream } from '../../dist/archive/gzip.js';
import { identitiesFromFile } from '../../dist/archive/identities.js';
import { extractFiles } from '../../dist/archive/tar.js';
import { openRepository } from '../../dist/repository/open.js';
import { hostOf, signal } from './parts.mjs';

const [inventory, key, folder] = process.argv.slice(2);
const host = await hostOf(inventory);
const repository = await openRepository(host.repositories[0]);
try {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const body = await repository.get(key, { signal });
  const plain = decompressionStream();
  await Promise.all([
    pipeline(body, decryptionStream(await identitiesFromFile(host.identityPath)), plain),
    extractFiles(plain, folder, { signal }),
  ]);
} finally {
  await repository.close();
}
