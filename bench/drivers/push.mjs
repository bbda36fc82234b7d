// node push.mjs INVENTORY LOCAL REMOTE: a file goes to a host.
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { built, connected, ended, hostOf, signal } from './parts.mjs';

const [inventory, local, remote] = process.argv.slice(2);
const { script } = await built('ssh/command.js');
const connection = await connected(await hostOf(inventory));
try {
  const process = await connection.open(script('exec cat >"$1"', remote), { signal });
  process.stdout.resume();
  await Promise.all([
    pipeline(createReadStream(local, { highWaterMark: 256 * 1024 }), process.stdin),
    ended(process),
  ]);
} finally {
  await connection.close();
}
