// What is moved: text like that of dumps, bytes that do not shrink, and a real dump of PostgreSQL.
import { randomFillSync } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { copyToHost, onHost } from './lab.mjs';

const MIB = 1024 * 1024;
export const KINDS = ['text', 'random', 'dump'];
/** Each kind is one file in a folder of its own on the host. */
export const folderOnHost = (kind) => `/srv/bench/${kind}`;

/** Makes a file of each kind on a host, and keeps the one named `kept` here as well. */
export async function makeData(host, mebibytes, folder, kept) {
  const files = {};
  for (const kind of ['text', 'random']) {
    const file = join(folder, `data-${kind}`);
    await pipeline(
      Readable.from(kind === 'text' ? text(mebibytes) : random(mebibytes)),
      createWriteStream(file),
    );
    await onHost(host, 'mkdir -p "$1"', folderOnHost(kind));
    await copyToHost(host, file, `${folderOnHost(kind)}/data`);
    if (kind === kept) files[kind] = file;
    else await rm(file);
  }
  await makeDump(host, mebibytes);
  return files;
}

/** Rows as COPY writes them: numbers, words, times, some hexadecimal. zlib makes a third to a fourth of it. */
function* text(mebibytes) {
  const words = 'server deploy container finished failed queued started image volume network proxy key'.split(
    ' ',
  );
  let row = 0;
  for (let left = mebibytes * MIB; left > 0; ) {
    const lines = [];
    for (let line = 0; line < 2000; line++, row++) {
      const mixed = Math.imul(row ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
      const said = Array.from({ length: 9 }, (_, at) => words[(mixed >>> (at * 3)) % words.length]).join(' ');
      lines.push(
        `${row}\t${mixed.toString(16)}\t2026-11-2${row % 10} 0${mixed % 10}:1${mixed % 7}:${row % 60}+00\t${said}\t\\N\n`,
      );
    }
    const chunk = Buffer.from(lines.join('')).subarray(0, left);
    left -= chunk.length;
    yield chunk;
  }
}

function* random(mebibytes) {
  for (let left = mebibytes; left > 0; left--) yield randomFillSync(Buffer.allocUnsafe(MIB));
}

/** A database of its own beside Coolify's, dumped as this program does: without compression. */
async function makeDump(host, mebibytes) {
  await onHost(
    host,
    `psql="docker exec -i coolify-db psql -q -v ON_ERROR_STOP=1 -U coolify"
     $psql -d coolify -c 'DROP DATABASE IF EXISTS bench' -c 'CREATE DATABASE bench'
     $psql -d bench -c "$1"
     mkdir -p "$2" && docker exec coolify-db pg_dump -U coolify -d bench -Fc -Z0 >"$2/data"
     $psql -d coolify -c 'DROP DATABASE bench'`,
    tableOfLogs(mebibytes),
    folderOnHost('dump'),
  );
}

/** A further table of Coolify's own database, as large as that. */
export async function enlargeDatabase(host, mebibytes) {
  await shrinkDatabase(host);
  await onHost(
    host,
    `docker exec coolify-db psql -q -v ON_ERROR_STOP=1 -U coolify -d coolify -c "$1"`,
    tableOfLogs(mebibytes),
  );
}

export async function shrinkDatabase(host) {
  await onHost(
    host,
    `docker exec coolify-db psql -q -U coolify -d coolify -c 'DROP TABLE IF EXISTS bench_logs'`,
  );
}

/** Rows of about 32 KiB, half of it hexadecimal. */
function tableOfLogs(mebibytes) {
  return `
    CREATE TABLE bench_logs AS SELECT n AS id, now() - n * interval '1 second' AS at, 'deployment ' || n % 97 AS title,
      (SELECT string_agg(md5((n * 640 + i)::text) || ' container ' || i || ' is up', E'\\n') FROM generate_series(1, 640) i) AS log
    FROM generate_series(1, ${mebibytes * 30}) n;`;
}
