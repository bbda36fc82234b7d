// node archive.mjs INVENTORY FOLDER KEY: a folder of a host becomes an encrypted archive in S3, as it streams past.
import { pipeline } from 'node:stream/promises';
import { built, connected, ended, hostOf, repositoryOf, signal } from './parts.mjs';

const [inventory, folder, key] = process.argv.slice(2);
const host = await hostOf(inventory);
const { command } = await built('ssh/command.js');
const { compressionStream } = await built('archive/compression.js');
const { encryptionStream } = await built('archive/age-stream.js');
const { recipientsFrom } = await built('archive/recipient-sources.js');
const [connection, repository] = await Promise.all([connected(host), repositoryOf(host)]);
try {
  const recipients = await recipientsFrom(host.recipients);
  const process = await connection.open(command('tar', '-C', folder, '-cf', '-', '.'), { signal });
  process.stdin.end();
  const encrypted = await encryptionStream(recipients.map(({ recipient }) => recipient));
  await Promise.all([
    pipeline(process.stdout, compressionStream(host.compression), encrypted),
    repository.put(key, encrypted, { signal }),
  ]);
  await ended(process);
} finally {
  await repository.close();
  await connection.close();
}
