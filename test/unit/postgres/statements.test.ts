import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copiedColumns } from '../../../src/postgres/copy-statement.js';
import { sequenceOf } from '../../../src/postgres/sequence-statement.js';

describe('the columns of a COPY statement', () => {
  it.each([
    ['COPY public.users (id, name) FROM stdin;\n', ['id', 'name']],
    ['COPY public.users (id) FROM stdin;', ['id']],
    ['COPY public.nothing  FROM stdin;\n', []],
    ['COPY public.nothing () FROM stdin;\n', []],
    ['COPY users (id) FROM stdin;\n', ['id']],
    [
      'COPY "My Schema"."a.""b"" (c)" ("Q x", "q,""(y)", "select", größe) FROM stdin;\n',
      ['Q x', 'q,"(y)', 'select', 'größe'],
    ],
    ['COPY public."t (a) FROM stdin;" (b) FROM stdin;\n', ['b']],
  ])('are read from %j', (statement, columns) => {
    expect(copiedColumns(statement)).toEqual(columns);
  });

  it('come back whatever they are called', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1 });
    const quoted = (each: string): string => `"${each.replaceAll('"', '""')}"`;
    fc.assert(
      fc.property(name, name, fc.array(name, { minLength: 1 }), (schema, table, columns) => {
        const statement = `COPY ${quoted(schema)}.${quoted(table)} (${columns.map(quoted).join(', ')}) FROM stdin;\n`;
        expect(copiedColumns(statement)).toEqual(columns);
      }),
    );
  });

  it.each([
    '',
    'COPY',
    'COPY t (a FROM stdin;',
    'COPY t (a,) FROM stdin;',
    'COPY t (a, ) FROM stdin;',
    'COPY t (a b) FROM stdin;',
    'COPY t ("a) FROM stdin;',
    'COPY t (a) FROM stdin; DROP TABLE t;',
    'COPY t (a) TO stdout;',
    'INSERT INTO t (a) FROM stdin;',
  ])('are not read from %j', (statement) => {
    expect(copiedColumns(statement)).toBeUndefined();
  });

  it('take no time that grows faster than the statement', () => {
    expect(copiedColumns(`COPY ${'a'.repeat(200_000)}`)).toBeUndefined();
    expect(copiedColumns(`COPY t (${'"a""'.repeat(200_000)}`)).toBeUndefined();
    expect(copiedColumns(`COPY t (${'a, '.repeat(100_000)}`)).toBeUndefined();
  });
});

describe('the state of a sequence', () => {
  const entry = (definition: string) => ({
    id: 1,
    tag: 'S',
    desc: 'SEQUENCE SET',
    owner: '',
    namespace: 'public',
    hasData: false,
    dataAt: undefined,
    copyStatement: undefined,
    definition,
    definitionSha256: '',
  });

  it.each([
    ["SELECT pg_catalog.setval('public.s', 1, false);\n", '1', false],
    [
      "SELECT pg_catalog.setval('public.\"S''s\"', -9223372036854775808, true);\n",
      '-9223372036854775808',
      true,
    ],
    ['SELECT pg_catalog.setval(E\'public."a\\\\\\\\b"\', 7, true);\n', '7', true],
    ['SELECT pg_catalog.setval(\'public."a\\b"\', 7, true);\n', '7', true],
  ])('is read from %j', (definition, lastValue, isCalled) => {
    expect(sequenceOf(entry(definition))).toEqual({ schema: 'public', name: 'S', lastValue, isCalled });
  });

  it.each(['', 'SELECT 1;', "SELECT pg_catalog.setval('s', 1, true); DROP TABLE t;"])(
    'is not read from %j',
    (definition) => {
      expect(sequenceOf(entry(definition))).toBeUndefined();
    },
  );
});
