import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { commandLine } from '../../../src/cli/command-line.js';
import { COMMANDS } from '../../../src/cli/commands.js';
import { asksForOverview, overview } from '../../../src/cli/overview.js';

const CLI = resolve(import.meta.dirname, '../../../src/cli');

describe('the help of the program', () => {
  it.each([60, 72, 80, 110])('is laid out as yargs does it, at a width of %i', async (width) => {
    const log = vi.spyOn(console, 'log').mockReturnValue(undefined);
    try {
      await (await commandLine(['--help'])).wrap(width).parseAsync();
      expect(log.mock.calls).toEqual([[overview(width)]]);
    } finally {
      log.mockRestore();
    }
  });

  it('is that of a command where one is named', () => {
    expect(asksForOverview(['-h'])).toBe(true);
    expect(asksForOverview(['backup', '--help'])).toBe(false);
  });

  it('loads no package and few modules', () => {
    const { packages, modules } = loadedBy(join(CLI, 'main.ts'));
    expect([...packages]).toEqual([]);
    expect(modules.size).toBeLessThan(12);
  });
});

describe('a command', () => {
  it.each(COMMANDS.map(({ name }) => name))('%s loads no large package before its work begins', (name) => {
    const file = name === '__complete' ? 'completion' : name;
    const { packages, modules } = loadedBy(join(CLI, `${file}.ts`));
    expect(modules.size).toBeGreaterThan(1);
    expect(
      [...packages].filter((one) => /^(@aws-sdk|@smithy|zod|ssh2|nodemailer|yaml|age|tar-)/.test(one)),
    ).toEqual([]);
  });
});

/** What a module loads at once, by the modules that it loads at once; types are not loaded, and `import()` comes later. */
function loadedBy(file: string, found = { packages: new Set<string>(), modules: new Set<string>() }) {
  if (found.modules.has(file)) return found;
  found.modules.add(file);
  const imports = /^(?:import|export) (?!type )(?:[^';]* from )?'([^']+)';$/gm;
  for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(imports)) {
    if (name.startsWith('.')) loadedBy(join(dirname(file), name.replace(/\.js$/, '.ts')), found);
    else if (!name.startsWith('node:')) found.packages.add(name);
  }
  return found;
}
