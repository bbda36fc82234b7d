import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SOURCE = resolve(import.meta.dirname, '../../../src');
const LOADER = 'fleet/redis/packages.ts';

describe('the packages of a fleet', () => {
  const files = readdirSync(SOURCE, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(SOURCE, path), text: readFileSync(path, 'utf8') }));
  const naming = files.filter(({ text }) => /['"](?:bullmq|ioredis)['"]/.test(text));

  it('are imported as types alone, so that they need not be installed', () => {
    expect(naming.length).toBeGreaterThan(3);
    const statically = naming.filter(({ text }) =>
      /^import (?!type )[^;]*? from '(?:bullmq|ioredis)'/m.test(text),
    );
    expect(statically.map(({ path }) => path)).toEqual([]);
  });

  it('are loaded in one place, when a fleet is worked with', () => {
    const loading = naming.filter(({ text }) => /await import\('(?:bullmq|ioredis)'\)/.test(text));
    expect(loading.map(({ path }) => path)).toEqual([LOADER]);
  });

  it('are named in no type of the library', () => {
    const reached = new Set<string>();
    const follow = (path: string): void => {
      if (reached.has(path)) return;
      reached.add(path);
      const text = readFileSync(join(SOURCE, path), 'utf8');
      for (const [, target = ''] of text.matchAll(/from '(\.[^']+)\.js'/g))
        follow(relative(SOURCE, resolve(SOURCE, path, '..', `${target}.ts`)));
    };
    follow('index.ts');
    expect(reached.size).toBeGreaterThan(50);
    expect([...reached].filter((path) => path.startsWith('fleet/'))).toEqual([]);
  });
});
