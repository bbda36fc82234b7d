import type { WrittenArchive, WrittenEntry } from './archive-writer.js';

/** How pg_dump ends the data of a table. */
export const END_MARKER = '\\.\n\n\n';

/** A table with rows that were already put into the text form of COPY. */
export function table(id: number, name: string, columns: string, rows: readonly string[]): WrittenEntry {
  return {
    id,
    tag: name,
    desc: 'TABLE DATA',
    namespace: 'public',
    section: 3,
    copy: `COPY public.${name} (${columns}) FROM stdin;\n`,
    dependencies: [1],
    data: [...rows.map((row) => `${row}\n`), END_MARKER],
  };
}

/** Something of everything: the settings, a table, a sequence, rows, large objects. */
export const EVERYTHING: readonly WrittenEntry[] = [
  {
    id: 1,
    tag: 'ENCODING',
    desc: 'ENCODING',
    definition: "SET client_encoding = 'UTF8';\n",
    namespace: null,
  },
  {
    id: 2,
    tag: 'users',
    desc: 'TABLE',
    namespace: 'public',
    definition: 'CREATE TABLE public.users (...);\n',
  },
  table(5, 'users', 'id, name, "Note, of"', ['1\tAda\t\\N', '2\tGrëtê\tone\\ttwo', '3\t\\\\N\t']),
  table(6, 'empty', 'id', []),
  {
    id: 7,
    tag: 'users_id_seq',
    desc: 'SEQUENCE SET',
    namespace: 'public',
    section: 3,
    definition: "SELECT pg_catalog.setval('public.users_id_seq', 9223372036854775807, true);\n",
  },
  {
    id: 8,
    tag: 'BLOBS',
    desc: 'BLOBS',
    section: 3,
    objects: [
      { oid: 16401, data: ['first', ' object'] },
      { oid: 4000000000, data: ['second'] },
    ],
  },
];

export function everything(form: Omit<WrittenArchive, 'entries'> = {}): WrittenArchive {
  return { ...form, entries: EVERYTHING };
}
