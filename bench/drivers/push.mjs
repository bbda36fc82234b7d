// node push.mjs INVENTORY LOCAL REMOTE: a file goes to a host.
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { script } from '../../dist/ssh/command.js';
import { connect } from '../../dist/ssh/connection.js';
import { ended, hostOf, signal } from './parts.mjs';

const [inventory, local, remote] = process.argv.slice(2);
const { endpoint } = await hostOf(inventory);
const connection = await connect(endpoint, { signal });
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
