import { expect, it } from 'vitest';
import { consistencyOf } from '../../../src/operations/restore/parts.js';

it('says nothing of a whole restore', () => {
  expect(consistencyOf(() => true)).toEqual([]);
});

it('names what stays, and what a part means for it', () => {
  const said = consistencyOf((name) => name === 'database' || name === 'env').join('\n');
  expect(said).toMatch(/^left as they are: .*managed-keys/);
  expect(said).toContain('writes them anew from the restored database');
  expect(said).toContain('the host keeps its own host keys');
  expect(said).not.toContain('belong together by APP_KEY');
});

it('warns of half of the pair that APP_KEY binds', () => {
  for (const half of ['env', 'database'])
    expect(consistencyOf((name) => name === half).join('\n')).toContain('belong together by APP_KEY');
});

it('warns that key files alone do not last', () => {
  expect(consistencyOf((name) => name === 'managed-keys').join('\n')).toContain(
    "Coolify's next start writes the files",
  );
});
