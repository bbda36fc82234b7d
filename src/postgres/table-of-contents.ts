import { createHash } from 'node:crypto';
import type { ArchiveHead } from './archive-header.js';
import type { ArchiveNumbers } from './archive-numbers.js';
import { dumpFailure } from './dump-failures.js';
import type { DumpLimits } from './dump-limits.js';

/** An entry of the table of contents, as `pg_restore --list` shows it. Texts come from the dump. */
export interface DumpEntry {
  readonly id: number;
  /** The object's name, in words of pg_dump: `users`, `users id`, `FUNCTION f(integer)`. */
  readonly tag: string;
  /** The kind: `TABLE`, `TABLE DATA`, `SEQUENCE SET`, `INDEX`, ... */
  readonly desc: string;
  /** Empty where none was dumped. */
  readonly owner: string;
  /** The schema; empty for what stands in none. */
  readonly namespace: string;
  /** SHA-256, in hexadecimal, over the SQL that makes the object. */
  readonly definitionSha256: string;
}

/** What the reader needs besides. */
export interface ContentsEntry extends DumpEntry {
  /** The archive holds a block of data for the entry. */
  readonly hasData: boolean;
  /** Where the block begins, if pg_dump could go back to note it: it wrote to a file, not to a pipe. */
  readonly dataAt: number | undefined;
  /** The statement that loads a table: `COPY public.users (id, name) FROM stdin;` */
  readonly copyStatement: string | undefined;
  /** The SQL of the entries whose SQL is data: `SEQUENCE SET`, `ENCODING`. Empty for all others. */
  readonly definition: string;
}

const POSITION_UNKNOWN = 1;
const POSITION_KNOWN = 2;
const NO_DATA = 3;

/** Since this minor version an entry carries the kind of its relation. */
const HAS_RELATION_KIND = 16;
const KEPT_DEFINITIONS = new Set(['SEQUENCE SET', 'ENCODING']);

/** Reads the table of contents (ReadToc of pg_backup_archiver.c, _ReadExtraToc of pg_backup_custom.c). */
export async function readContents(head: ArchiveHead, limits: DumpLimits): Promise<ContentsEntry[]> {
  const { numbers } = head;
  const at = numbers.position;
  const count = await numbers.int();
  if (count < 0 || count > limits.entries) {
    throw dumpFailure('malformed', `its table of contents claims ${count} entries`, { byte: at });
  }
  const entries: ContentsEntry[] = [];
  const seen = new Set<number>();
  let kept = 0;
  for (let index = 0; index < count; index++) {
    const start = numbers.position;
    const entry = await readEntry(head, limits);
    if (seen.has(entry.id)) {
      throw dumpFailure('malformed', `two entries of its table of contents have the number ${entry.id}`, {
        byte: start,
      });
    }
    seen.add(entry.id);
    kept += sizeOf(entry);
    if (kept > limits.contentsBytes) {
      throw dumpFailure('malformed', 'its table of contents is larger than any database needs', {
        byte: start,
      });
    }
    entries.push(entry);
  }
  return entries;
}

async function readEntry({ numbers, minor }: ArchiveHead, limits: DumpLimits): Promise<ContentsEntry> {
  const at = numbers.position;
  const id = await numbers.int();
  if (id <= 0) throw dumpFailure('malformed', `an entry has the number ${id}`, { byte: at });
  const dumper = await numbers.int();
  await numbers.skipText('the catalogue of an entry');
  await numbers.skipText('the catalogue number of an entry');
  const tag = (await numbers.text('the name of an entry', limits.nameBytes)) ?? '';
  const desc = (await numbers.text('the kind of an entry', limits.nameBytes)) ?? '';
  const section = await numbers.int();
  if ((dumper !== 0 && dumper !== 1) || section < 1 || section > 4) {
    throw dumpFailure('malformed', `entry ${id} is of no known section or state`, { byte: at });
  }
  const definitions = await readDefinition(numbers, desc, limits);
  await numbers.skipText('a DROP statement');
  const copyStatement = await numbers.text('a COPY statement', limits.statementBytes);
  const namespace = (await numbers.text('the schema of an entry', limits.nameBytes)) ?? '';
  await numbers.skipText('the tablespace of an entry');
  await numbers.skipText('the access method of an entry');
  if (minor >= HAS_RELATION_KIND) await numbers.int();
  const owner = (await numbers.text('the owner of an entry', limits.nameBytes)) ?? '';
  await numbers.skipText('whether a table has OIDs');
  while ((await numbers.text('the number of an entry', 20)) !== undefined);
  const data = await readDataPlace(numbers, id, dumper === 1);
  return { id, tag, desc, owner, namespace, copyStatement, ...definitions, ...data };
}

async function readDefinition(
  numbers: ArchiveNumbers,
  desc: string,
  limits: DumpLimits,
): Promise<Pick<ContentsEntry, 'definition' | 'definitionSha256'>> {
  if (!KEPT_DEFINITIONS.has(desc)) {
    return { definition: '', definitionSha256: await numbers.hashOfText('a definition') };
  }
  const definition = (await numbers.text(`a definition of ${desc}`, limits.nameBytes)) ?? '';
  return { definition, definitionSha256: createHash('sha256').update(definition).digest('hex') };
}

async function readDataPlace(
  numbers: ArchiveNumbers,
  id: number,
  hasDumper: boolean,
): Promise<{ hasData: boolean; dataAt: number | undefined }> {
  const at = numbers.position;
  const { flag, position } = await numbers.offset();
  const known = flag === POSITION_UNKNOWN || flag === POSITION_KNOWN || flag === NO_DATA;
  if (!known || hasDumper !== (flag !== NO_DATA)) {
    throw dumpFailure('malformed', `entry ${id} does not say clearly whether it has data`, { byte: at });
  }
  return { hasData: hasDumper, dataAt: flag === POSITION_KNOWN ? position : undefined };
}

/** About what an entry costs in memory, in bytes. */
function sizeOf(entry: ContentsEntry): number {
  const texts = [entry.tag, entry.desc, entry.owner, entry.namespace, entry.copyStatement, entry.definition];
  return 300 + texts.reduce((sum, text) => sum + 2 * (text?.length ?? 0), 0);
}
