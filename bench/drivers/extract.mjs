// node extract.mjs INVENTORY KEY FOLDER: an encrypted archive in S3 becomes files in an empty folder, hashed on the way.
import { mkdir } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { built, hostOf, repositoryOf, signal } from './parts.mjs';

const [inventory, key, folder] = process.argv.slice(2);
const host = await hostOf(inventory);
const { decryptionStream } = await built('archive/age-stream.js');
const { decompressionStream } = await built('archive/gzip.js');
const { identitiesFromFile } = await built('archive/identities.js');
const { extractFiles } = await built('archive/tar.js');
const repository = await repositoryOf(host);
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
