// node archive.mjs INVENTORY FOLDER KEY: a folder of a host becomes an encrypted archive in S3, as it streams past.
import { pipeline } from 'node:stream/promises';
import { encryptionStream } from '../../dist/archive/age-stream.js';
import { compressionStream } from '../../dist/archive/compression.js';
import { recipientsFrom } from '../../dist/archive/recipient-sources.js';
import { openRepository } from '../../dist/repository/open.js';
import { command } from '../../dist/ssh/command.js';
import { connect } from '../../dist/ssh/connection.js';
import { ended, hostOf, signal } from './parts.mjs';

const [inventory, folder, key] = process.argv.slice(2);
const host = await hostOf(inventory);
const [connection, repository] = await Promise.all([
  connect(host.endpoint, { signal }),
  openRepository(host.repositories[0]),
]);
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
