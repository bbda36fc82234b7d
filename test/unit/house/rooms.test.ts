import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SOURCE = resolve(import.meta.dirname, '../../../src');

/** For each room the rooms it may import from. `core` is the ground that all stand on. */
const BELOW: Record<string, readonly string[]> = {
  core: [],
  ssh: ['core'],
  state: ['core'],
  archive: ['core'],
  repository: ['core'],
  inventory: ['core'],
  postgres: ['core'],
  notify: ['core'],
  engine: ['core'],
  coolify: ['core', 'notify', 'engine', 'ssh', 'state', 'archive', 'repository', 'postgres', 'inventory'],
  operations: [
    'core',
    'notify',
    'engine',
    'coolify',
    'inventory',
    'ssh',
    'state',
    'archive',
    'repository',
    'postgres',
  ],
  fleet: ['core', 'engine', 'coolify', 'repository', 'operations'],
  cli: [
    'core',
    'engine',
    'coolify',
    'inventory',
    'ssh',
    'state',
    'archive',
    'repository',
    'operations',
    'fleet',
  ],
};
/** Files at the top of src/, which any room above the bottom may use. */
const SHARED_BY_UPPER_ROOMS = ['tool.ts'];

describe('the house', () => {
  const imports = sourceFiles(SOURCE).flatMap((file) => importsOf(file).map((target) => ({ file, target })));

  it('has a rule for every room', () => {
    const rooms = readdirSync(SOURCE, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(rooms.map(({ name }) => name).sort()).toEqual(Object.keys(BELOW).sort());
  });

  it('imports only from rooms below', () => {
    const upward = imports.filter(({ file, target }) => !isAllowed(roomOf(file), roomOf(target), target));
    expect(
      upward.map(({ file, target }) => `${relative(SOURCE, file)} -> ${relative(SOURCE, target)}`),
    ).toEqual([]);
    expect(imports.length).toBeGreaterThan(200);
  });

  it('prints nowhere but in the cli', () => {
    const printing = sourceFiles(SOURCE)
      .filter((file) => roomOf(file) !== 'cli')
      .filter((file) => /console\.|process\.std(out|err)\.write/.test(readFileSync(file, 'utf8')));
    expect(printing).toEqual([]);
  });
});

function isAllowed(from: string, to: string, target: string): boolean {
  if (from === '' || from === to) return true;
  if (to === '')
    return (
      SHARED_BY_UPPER_ROOMS.includes(relative(SOURCE, target)) &&
      ['operations', 'fleet', 'cli'].includes(from)
    );
  return BELOW[from]?.includes(to) ?? false;
}

function roomOf(file: string): string {
  const path = relative(SOURCE, file);
  return path.includes('/') ? (path.split('/')[0] ?? '') : '';
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, path = '']) =>
    join(dirname(file), path.replace(/\.js$/, '.ts')),
  );
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}
