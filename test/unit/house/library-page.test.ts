import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as library from '../../../src/index.js';

describe('docs/library.md', () => {
  it('names all that the library has', () => {
    const page = readFileSync(join(resolve(import.meta.dirname, '../../..'), 'docs/library.md'), 'utf8');
    const unnamed = Object.keys(library).filter((name) => !page.includes(`\`${name}\``));
    expect(unnamed).toEqual([]);
  });
});
