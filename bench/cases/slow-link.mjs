// Where to compress a dump: on the controller by pg_dump, or only here. On a fast link the second spares the host; on a slow
// one fewer bytes go over the wire. Measured through a line that lets so many megabits a second pass.
import { rm } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROGRAM } from '../harness/as-published.mjs';
import { enlargeDatabase, shrinkDatabase } from '../harness/data.mjs';
import { HOSTS, writeInventory } from '../harness/lab.mjs';

const LEVELS = [0, 1, 6];
const MEGABITS = [20, 100, 1000];

/** A dump of this size, of rows like logs; a backup at 20 Mbit/s must not take all day. */
const DUMP_MIB = 32;

export function slowLinkCases({ folder }) {
  const [{ name, port }] = HOSTS;
  const knownHosts = join(folder, 'slow-known-hosts');
  return MEGABITS.flatMap((megabits) =>
    LEVELS.map((level) => {
      let line;
      return {
        name: `dump-${megabits}-${level}`,
        title: `backup at ${megabits} Mbit/s, \`coolify_dump_compression: ${level}\``,
        mebibytes: DUMP_MIB,
        prepare: () => enlargeDatabase(name, DUMP_MIB),
        restore: () => shrinkDatabase(name),
        ours: {
          command: async (index) => {
            await rm(knownHosts, { force: true });
            line = await thinLine(port, (megabits * 1e6) / 8);
            const inventory = await writeInventory(join(folder, 'slow.yml'), [{ name, port: line.port }], {
              coolify_s3_enabled: false,
              coolify_dump_compression: level,
              coolify_known_hosts_file: knownHosts,
              ssh_host_key_checking: 'accept-new',
            });
            return {
              argv: [
                ...[process.execPath, PROGRAM, 'backup', '-i', inventory, '--no-live'],
                ...['--state-dir', join(folder, `slow-${index}`)],
              ],
            };
          },
          after: async () => {
            const megabytes = Math.round(line.received() / 1e5) / 10;
            await line.close();
            return { wireMB: megabytes };
          },
        },
      };
    }),
  );
}

/** A line to a port of this machine on which what comes back passes at so many bytes a second. */
async function thinLine(to, bytesPerSecond) {
  const open = new Set();
  let received = 0;
  const trickle = () => {
    let free = performance.now();
    return new Transform({
      highWaterMark: 64 * 1024,
      transform(chunk, _encoding, callback) {
        received += chunk.length;
        free = Math.max(free, performance.now()) + (chunk.length / bytesPerSecond) * 1000;
        sleep(Math.max(0, free - performance.now())).then(() => callback(null, chunk), callback);
      },
    });
  };
  const server = createServer((client) => {
    const upstream = createConnection({ host: '127.0.0.1', port: to });
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      socket.on('error', () => undefined);
    }
    // Either side may leave at any time; the other one is then closed by its pipeline.
    pipeline(client, upstream).catch(() => undefined);
    pipeline(upstream, trickle(), client).catch(() => undefined);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    received: () => received,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
