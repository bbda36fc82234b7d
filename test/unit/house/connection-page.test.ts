import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const PROJECT = resolve(import.meta.dirname, '../../..');
const PAGE = readFileSync(join(PROJECT, 'docs/connection.md'), 'utf8');

describe('docs/connection.md', () => {
  it('says of every code that a connection can fail with what it means', () => {
    const room = join(PROJECT, 'src/ssh');
    const sources = readdirSync(room).filter((name) => name.endsWith('.ts'));
    const codes = sources.flatMap(
      (name) => readFileSync(join(room, name), 'utf8').match(/(?<=')ssh\.[a-z-]+(?=')/g) ?? [],
    );
    expect(codes.length).toBeGreaterThan(50);
    expect([...new Set(codes)].filter((code) => !PAGE.includes(`\`${code}\``)).sort()).toEqual([]);
  });

  it('names no code that there is not', () => {
    const named = PAGE.match(/(?<=`)ssh\.[a-z-]+(?=`)/g) ?? [];
    const sources = readdirSync(join(PROJECT, 'src/ssh'))
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(PROJECT, 'src/ssh', name), 'utf8'))
      .join('\n');
    expect(named.filter((code) => !sources.includes(`'${code}'`))).toEqual([]);
  });
});
