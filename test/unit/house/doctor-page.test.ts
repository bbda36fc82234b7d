import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const PROJECT = resolve(import.meta.dirname, '../../..');
const OPERATIONS = join(PROJECT, 'src/operations/doctor');

/** The first argument of every finding that is made. */
const made = new Set(
  readdirSync(OPERATIONS)
    .filter((name) => /^(check-.*|doctor)\.ts$/.test(name))
    .flatMap((name) => [
      ...readFileSync(join(OPERATIONS, name), 'utf8').matchAll(
        /\b(?:fine|warning|bad|skipped|looking|judged)\(\s*'([a-z]+\.[a-z-]+)'/g,
      ),
    ])
    .map(([, check = '']) => check),
);

const page = readFileSync(join(PROJECT, 'docs/doctor.md'), 'utf8');
const listed = new Set([...page.matchAll(/^\| `([a-z]+\.[a-z-]+)` \|/gm)].map(([, check = '']) => check));

describe('docs/doctor.md', () => {
  it('lists every check, and none that is gone', () => {
    expect(made.size).toBeGreaterThan(25);
    expect([...listed].sort()).toEqual([...made].sort());
  });
});
