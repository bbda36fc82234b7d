// One of several processes that publish a snapshot of the same host: `node lease-child.mjs PROGRAM HOLD`, settings on stdin.
// Tells on stdout what became of it. PROGRAM is the folder of the built program; with HOLD the archive never ends.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const [folder, hold] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(`${folder}/${file}`).href);
const { openRepository } = await load('repository/open.js');
const { withLease } = await load('repository/lease/lease.js');
const { SnapshotRepository } = await load('repository/snapshots/snapshots.js');
const { Secret } = await load('core/secret.js');

process.stdout.write('ready\n');
const lines = createInterface({ input: process.stdin });
const [line] = await once(lines, 'line');
lines.close();
process.stdin.destroy();
const { host, settings, credentials } = JSON.parse(line);
const repository = await openRepository({
  ...settings,
  ...Object.fromEntries(Object.entries(credentials).map(([name, value]) => [name, new Secret(value)])),
});

async function* archive() {
  yield Buffer.alloc(300_000, process.pid % 251);
  process.stdout.write('storing\n');
  if (hold === 'hold') await sleep(600_000);
  await sleep(3000);
  yield Buffer.alloc(300_000, process.pid % 241);
}

try {
  const publish = (lease) =>
    new SnapshotRepository(repository).publish(
      host,
      new Date(),
      Readable.from(archive(), { objectMode: false }),
      () => ({ finishedAt: new Date(), files: 1, recipients: [], tool: '0', proofs: [] }),
      { signal: lease.signal, beforeListed: () => lease.confirm() },
    );
  const { id } = await withLease(repository, host, 'backup', new AbortController().signal, publish);
  process.stdout.write(`published ${id}\n`);
} catch (error) {
  process.stdout.write(`${error.code ?? error.message}\n`);
} finally {
  await repository.close();
}
