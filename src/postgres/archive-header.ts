import { ArchiveNumbers } from './archive-numbers.js';
import type { ByteCursor } from './byte-cursor.js';
import { dumpFailure } from './dump-failures.js';
import type { DumpLimits } from './dump-limits.js';

/** What the head of a dump says of it. Texts are as they came from the dump: make them `printable` to show them. */
export interface DumpHeader {
  /** Version of the archive format, as `pg_restore --list` prints it: `1.14-0`. */
  readonly archiveVersion: string;
  readonly compression: 'none' | 'gzip';
  /** When pg_dump began, on the clock and in the zone of its host: `2026-01-31T23:59:59`. */
  readonly createdAt: string;
  readonly database: string;
  /** The server's version, as it names itself. */
  readonly serverVersion: string;
  /** The version of pg_dump. */
  readonly dumpVersion: string;
}

export interface ArchiveHead {
  readonly header: DumpHeader;
  readonly numbers: ArchiveNumbers;
  /** Minor number of the archive format 1.x. */
  readonly minor: number;
}

const MAGIC = 'PGDMP';
const CUSTOM_FORMAT = 1;
const OLDEST_MINOR = 14;
const NEWEST_MINOR = 16;
/** Since this minor version the algorithm is named; before, a level of zlib stood there. */
const NAMES_ALGORITHM = 15;
const ALGORITHMS = ['none', 'gzip', 'lz4', 'zstd'];

/** Reads the head (ReadHead of pg_backup_archiver.c) of archives 1.14 to 1.16: PostgreSQL 12 to 18. */
export async function readHead(cursor: ByteCursor, limits: DumpLimits): Promise<ArchiveHead> {
  await expectMagic(cursor);
  const [major, minor, revision] = [await cursor.byte(), await cursor.byte(), await cursor.byte()];
  const archiveVersion = `${major}.${minor}-${revision}`;
  if (major !== 1 || minor < OLDEST_MINOR || minor > NEWEST_MINOR) {
    throw dumpFailure('unsupported', `its archive version is ${archiveVersion}, known are 1.14 to 1.16`);
  }
  const [intSize, offsetSize, format] = [await cursor.byte(), await cursor.byte(), await cursor.byte()];
  if (![4, 8].includes(intSize) || ![4, 8].includes(offsetSize)) {
    throw dumpFailure('malformed', `integers of ${intSize} and offsets of ${offsetSize} bytes`, { byte: 8 });
  }
  if (format !== CUSTOM_FORMAT) {
    throw dumpFailure('unsupported', `its format is number ${format}, not the custom format`, { byte: 10 });
  }
  const numbers = new ArchiveNumbers(cursor, intSize, offsetSize);
  const compression = await readCompression(cursor, numbers, minor);
  const createdAt = await readMoment(numbers);
  const database = (await numbers.text('the name of the database', limits.nameBytes)) ?? '';
  const serverVersion = (await numbers.text('the version of the server', limits.nameBytes)) ?? '';
  const dumpVersion = (await numbers.text('the version of pg_dump', limits.nameBytes)) ?? '';
  const header = { archiveVersion, compression, createdAt, database, serverVersion, dumpVersion };
  return { header, numbers, minor };
}

async function expectMagic(cursor: ByteCursor): Promise<void> {
  for (let index = 0; index < MAGIC.length; index++) {
    if (!(await cursor.fill())) {
      if (index === 0) throw dumpFailure('truncated', 'it is empty', { byte: 0 });
      throw dumpFailure('truncated', 'it ends within its first bytes', { byte: index });
    }
    if ((await cursor.byte()) !== MAGIC.charCodeAt(index)) {
      throw dumpFailure('not-a-dump', `it does not begin with ${MAGIC}`);
    }
  }
}

async function readCompression(
  cursor: ByteCursor,
  numbers: ArchiveNumbers,
  minor: number,
): Promise<'none' | 'gzip'> {
  if (minor < NAMES_ALGORITHM) {
    const at = cursor.position;
    const level = await numbers.int();
    if (level < -1 || level > 9) {
      throw dumpFailure('malformed', `its compression level is ${level}`, { byte: at });
    }
    return level === 0 ? 'none' : 'gzip';
  }
  const number = await cursor.byte();
  const algorithm = ALGORITHMS[number];
  if (algorithm === 'none' || algorithm === 'gzip') return algorithm;
  throw dumpFailure(
    'unsupported',
    `its data is compressed with ${algorithm ?? `algorithm number ${number}`}`,
  );
}

/** A `struct tm`: seconds, minutes, hours, day of the month, month from 0, years since 1900, daylight saving. */
async function readMoment(numbers: ArchiveNumbers): Promise<string> {
  const at = numbers.position;
  const parts: number[] = [];
  for (let index = 0; index < 7; index++) parts.push(await numbers.int());
  const [second = -1, minute = -1, hour = -1, day = -1, month = -1, year = -1] = parts;
  const within = (value: number, low: number, high: number): boolean => value >= low && value <= high;
  const plausible =
    within(second, 0, 60) &&
    within(minute, 0, 59) &&
    within(hour, 0, 23) &&
    within(day, 1, 31) &&
    within(month, 0, 11) &&
    within(year, 0, 8099);
  if (!plausible) throw dumpFailure('malformed', 'it was made at no possible time', { byte: at });
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${1900 + year}-${two(month + 1)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}`;
}
