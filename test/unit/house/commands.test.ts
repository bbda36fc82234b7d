import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fullDefinition } from '../../../src/cli/commands.js';
import { PURPOSE } from '../../../src/cli/overview.js';
import { commandsPage } from '../../../src/cli/reference/commands-page.js';
import { manPage } from '../../../src/cli/reference/man-page.js';
import { recordedCommands } from '../../../src/cli/reference/recorded-commands.js';

const PROJECT = resolve(import.meta.dirname, '../../..');
const commands = recordedCommands(await fullDefinition());

function held(path: string, wanted: string): void {
  const file = join(PROJECT, path);
  if (process.env['UPDATE_DOCS'] !== undefined) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, wanted);
  }
  expect(readFileSync(file, 'utf8')).toBe(wanted);
}

describe('the reference', () => {
  it('is written from the definitions of the commands', () => {
    expect(commands.length).toBeGreaterThan(15);
    held('docs/commands.md', commandsPage(commands));
  });

  it('is a manual page too', () => {
    held('docs/man/coolify-state.1', manPage(PURPOSE, commands));
  });

  it('is told of in the README, command by command', () => {
    const readme = readFileSync(join(PROJECT, 'README.md'), 'utf8');
    expect(
      commands.map(({ name }) => name).filter((name) => !new RegExp(`^\\|.*\`${name}\\b`, 'm').test(readme)),
    ).toEqual([]);
  });

  it('says of every option and of every word what it is for', () => {
    const silent = commands.flatMap(({ name, options, positionals }) =>
      [...options, ...positionals]
        .filter(({ describe: said }) => said === '')
        .map((one) => `${name} ${one.name}`),
    );
    expect(silent).toEqual([]);
  });
});
