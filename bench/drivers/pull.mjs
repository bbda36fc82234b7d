// node pull.mjs INVENTORY REMOTE LOCAL: a file of a host comes here.
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { command } from '../../dist/ssh/command.js';
import { connect } from '../../dist/ssh/connection.js';
import { ended, hostOf, signal } from './parts.mjs';

const [inventory, remote, local] = process.argv.slice(2);
const { endpoint } = await hostOf(inventory);
const connection = await connect(endpoint, { signal });
try {
  const process = await connection.open(command('cat', remote), { signal });
  process.stdin.end();
  await pipeline(process.stdout, createWriteStream(local, { highWaterMark: 1024 * 1024 }));
  await ended(process);
} finally {
  await connection.close();
}
