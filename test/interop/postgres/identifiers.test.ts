import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quoteIdentifier, quoteLiteral } from '../../../src/postgres/identifiers.js';
import { type Cluster, startCluster } from './cluster.js';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
}, 60_000);
afterAll(() => cluster?.stop());

const text = fc.oneof(
  fc.string({
    unit: fc.constantFrom("'", '"', '\\', '\n', '\r', '$', ':', ';', '-', '/', '*', 'E', ' ', 'ä', '😀'),
  }),
  fc.string({ unit: 'grapheme' }),
);
const withoutNul = text.map((each) => each.replaceAll('\0', ''));

describe('text quoted for SQL', () => {
  it.each(['on', 'off'])('is what PostgreSQL reads, with standard_conforming_strings %s', async (setting) => {
    const texts = fc.sample(withoutNul, { numRuns: 500, seed: 4 });
    const queries = texts.map((each) => `SELECT encode(convert_to(${quoteLiteral(each)}, 'UTF8'), 'hex');`);
    const answer = await cluster.psql(
      'postgres',
      `SET escape_string_warning = off; SET standard_conforming_strings = ${setting};\n${queries.join('\n')}`,
    );
    const read = answer
      .slice(0, -1)
      .split('\n')
      .map((hex) => Buffer.from(hex, 'hex').toString());
    expect(read).toEqual(texts);
  });

  it('names what PostgreSQL names', async () => {
    const names = fc
      .sample(withoutNul, { numRuns: 500, seed: 5 })
      .filter((name) => name !== '' && Buffer.byteLength(name) <= 63);
    const queries = names.map(
      (name) => `SELECT row_to_json(t) FROM (SELECT 1 AS ${quoteIdentifier(name)}) AS t;`,
    );
    const answer = await cluster.psql('postgres', queries.join('\n'));
    const read = answer
      .trimEnd()
      .split('\n')
      .map((json) => Object.keys(JSON.parse(json)));
    expect(read).toEqual(names.map((name) => [name]));
  });
});
