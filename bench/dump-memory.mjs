// How much memory the reader of dumps takes at its highest, whatever the dump's size: a dump in pg_dump's custom format
// is made on the fly, as it is with -Z0 and with -Z1, and read to its end. Prints a line for each, and fails when the
// limit is exceeded.
//   node bench/dump-memory.mjs [MiB]
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createDeflate } from 'node:zlib';
import { BUILD } from './harness/as-published.mjs';

const LIMIT_MIB = 150;
const MIB = 1024 * 1024;
const [size = '1024', only] = process.argv.slice(2);

if (only !== undefined) await measure(only, Number(size));
else {
  // Each in a process of its own: a process keeps the memory that it once had.
  for (const compression of ['none', 'gzip']) {
    const { stdout } = await promisify(execFile)(process.execPath, [import.meta.filename, size, compression]);
    const { seconds, peakMiB, rows, bytes } = JSON.parse(stdout);
    console.log(
      `${size} MiB of rows, ${compression}: ${rows} rows in a dump of ${Math.round(bytes / MIB)} MiB, ${seconds} s, ` +
        `highest RSS ${peakMiB} MiB of ${LIMIT_MIB}`,
    );
    if (peakMiB > LIMIT_MIB) process.exitCode = 1;
  }
}

async function measure(compression, mebibytes) {
  const { DumpReader } = await import(join(BUILD, 'postgres/dump-reader.js'));
  const reader = new DumpReader({ payloadPrefix: Buffer.from('eyJpdiI6'), onMatch: () => undefined });
  const began = performance.now();
  await pipeline(Readable.from(dump(compression, mebibytes), { objectMode: false }), reader);
  const { tables, bytes } = reader.summary();
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(JSON.stringify({ seconds, peakMiB, rows: tables[0].rows, bytes }));
}

async function* dump(compression, mebibytes) {
  yield head(compression);
  yield Buffer.concat([Buffer.from([1]), int(7)]);
  const chunks = compression === 'gzip' ? rows(mebibytes).pipe(createDeflate({ level: 1 })) : rows(mebibytes);
  for await (const chunk of chunks) {
    yield int(chunk.length);
    yield chunk;
  }
  yield int(0);
}

/** Rows of different lengths that do not shrink to nothing. */
function rows(mebibytes) {
  const lines = Array.from({ length: 4000 }, (_, index) => {
    const noise = Buffer.from(
      Array.from({ length: 150 }, (__, at) => (index * 31 + at * at * 7) % 251),
    ).toString('hex');
    return `${index}\t${noise.slice(0, 60 + (index % 200))}\t\\N\n`;
  });
  const block = Buffer.from(lines.join(''));
  return Readable.from(
    (function* () {
      for (let left = mebibytes * MIB; left > 0; left -= block.length) yield block;
      yield Buffer.from('\\.\n\n\n');
    })(),
    { objectMode: false },
  );
}

/** The head of an archive of version 1.15 with a single table. */
function head(compression) {
  return Buffer.concat([
    Buffer.from('PGDMP'),
    Buffer.from([1, 15, 0, 4, 8, 1, compression === 'gzip' ? 1 : 0]),
    ...[59, 58, 23, 31, 0, 126, 0].map(int),
    ...['bench', '16.4', '16.4'].map(text),
    int(1),
    ...[int(7), int(1)],
    ...['1259', '16407', 'logs', 'TABLE DATA'].map(text),
    int(3),
    ...['', '', 'COPY public.logs (id, line, note) FROM stdin;\n', 'public', '', ''].map(text),
    ...['postgres', 'false'].map(text),
    int(-1),
    Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0]),
  ]);
}

function int(value) {
  const bytes = Buffer.alloc(5);
  bytes[0] = value < 0 ? 1 : 0;
  bytes.writeUInt32LE(Math.abs(value), 1);
  return bytes;
}

function text(value) {
  return Buffer.concat([int(Buffer.byteLength(value)), Buffer.from(value)]);
}
