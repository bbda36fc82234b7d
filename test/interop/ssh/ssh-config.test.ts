import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CASES, type ConfigCase } from './ssh-config-cases.js';
import { askSsh, askUs, chainOfOurs, chainOfSsh } from './ssh-oracle.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ssh-config-'));
  process.env['USER_OF_TEST'] = 'someone';
});
afterAll(async () => {
  delete process.env['USER_OF_TEST'];
  await rm(folder, { recursive: true, force: true });
});

describe('a configuration means to us what it means to ssh -G:', () => {
  test.each(CASES)('$name', async ({ hosts, ...given }) => {
    const args = await written(given);
    for (const host of hosts) {
      const theirs = askSsh(args, host);
      const ours = askUs(args, host);
      if (typeof theirs === 'string') expect(ours, theirs).toMatch(/^refused: StateError/);
      else expect(ours, host).toEqual(theirs);
      if (typeof theirs !== 'string' && theirs['proxyjump'] !== undefined) {
        expect(chainOfOurs(args, host), host).toEqual(chainOfSsh(args, host));
      }
    }
  });
});

test('any configuration means to us what it means to ssh, or both refuse it', async () => {
  const word = fc.constantFrom(
    'a',
    'b',
    'a.example',
    '*',
    '!a',
    '?',
    '*.example',
    'b,!a',
    '"a b"',
    'none',
    '',
    '"',
  );
  const condition = fc.oneof(
    fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => `Host ${words.join(' ')}`),
    fc
      .array(fc.tuple(fc.constantFrom('host', 'originalhost', 'user', '!host', '!user'), word), {
        minLength: 1,
        maxLength: 2,
      })
      .map((criteria) => `Match ${criteria.flat().join(' ')}`),
    fc.constantFrom('Match all', 'Match final', 'Match !final', 'Match final all', 'Match', 'Host *'),
  );
  const option = fc.tuple(
    fc.constantFrom(
      'User',
      'Port',
      'HostName',
      'IdentityFile',
      'HostKeyAlias',
      'ConnectTimeout',
      'IdentitiesOnly',
    ),
    fc.constantFrom(' ', '=', ' = ', '\t'),
    fc.constantFrom(
      'a',
      'b',
      '7',
      '22',
      'yes',
      '%h.example',
      '"a b"',
      'x # y',
      '',
      '"x',
      "'it'",
      '1m',
      'none',
    ),
  );
  const line = fc.oneof(
    { arbitrary: condition, weight: 1 },
    { arbitrary: option.filter(isSettled).map((parts) => parts.join('')), weight: 3 },
  );
  const indented = fc.tuple(fc.constantFrom('', '  ', '\t'), line).map((parts) => parts.join(''));
  const sample = fc.sample(fc.array(indented, { minLength: 1, maxLength: 8 }), { numRuns: 150, seed: SEED });
  let accepted = 0;
  for (const lines of sample) {
    const config = `${lines.join('\n')}\n`;
    const args = await written({ config });
    const theirs = askSsh(args, 'a');
    const ours = askUs(args, 'a');
    if (typeof theirs === 'string') expect(ours, `${config}${theirs}`).toMatch(/^refused: StateError/);
    else {
      accepted++;
      expect(ours, config).toEqual(theirs);
    }
  }
  expect(accepted).toBeGreaterThan(20);
});

/** Versions of ssh differ in whether a user may have tokens. */
function isSettled([keyword, , value]: readonly string[]): boolean {
  return !(keyword === 'User' && value?.includes('%') === true);
}

/** The same every time, so that a failure can be seen again. */
const SEED = 3;

/** Writes the files of a case; returns the arguments that name them. */
async function written({
  config,
  files = {},
  args = [],
}: Omit<ConfigCase, 'hosts' | 'name'>): Promise<string[]> {
  const at = await mkdtemp(join(folder, 'case-'));
  for (const [name, text] of Object.entries({ ...files, config })) {
    await mkdir(dirname(join(at, name)), { recursive: true });
    await writeFile(join(at, name), text.replaceAll('@/', `${at}/`), { mode: 0o600 });
  }
  return ['-F', join(at, 'config'), ...args.map((arg) => arg.replaceAll('@/', `${at}/`))];
}
