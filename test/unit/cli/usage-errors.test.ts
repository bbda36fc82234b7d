import { describe, expect, it } from 'vitest';
import { commandLine } from '../../../src/cli/command-line.js';
import { explainedUsage, wantsJson } from '../../../src/cli/usage-errors.js';
import { artifactFilter } from '../../../src/coolify/artifact-filter.js';
import { asStateError, type StateError } from '../../../src/core/errors.js';

/** What a command line that cannot be read is answered with. */
async function answerTo(...args: readonly string[]): Promise<StateError> {
  try {
    await (await commandLine(args)).parseAsync();
  } catch (thrown) {
    return await explainedUsage(asStateError(thrown, 'not read'), args);
  }
  throw new Error('it was read');
}

describe('a command line that is wrong', () => {
  it.each([
    [['bakup'], 'There is no command "bakup"', 'Did you mean "backup"?'],
    [['frobnicate'], 'There is no command "frobnicate"', 'coolify-state --help'],
    [[], 'Name a command', 'coolify-state --help'],
    [['backup', '--stat-dir', 'x'], 'backup has no option --stat-dir', 'Did you mean "--state-dir"?'],
    [['backup', '--stat-dir=x'], 'backup has no option --stat-dir', 'Did you mean "--state-dir"?'],
    [['restore', '--no-saftey'], 'restore has no option --no-saftey', 'Did you mean "--no-safety"?'],
    [['backup', '-q'], 'backup has no option -q', 'coolify-state backup --help'],
    [
      ['backup', 'a', 'b', 'c'],
      '"b" "c" is more than backup takes: coolify-state backup [hosts]',
      'coolify-state backup --help',
    ],
    [
      ['completion'],
      'completion needs more words: coolify-state completion <shell>',
      'coolify-state completion --help',
    ],
    [
      ['completion', 'bas'],
      '"bas" is none of the choices for shell: bash, zsh, fish',
      'Did you mean "bash"?',
    ],
    [['backup', '--limit'], '--limit needs a value', 'coolify-state backup --help'],
    [['import', 'file'], 'import needs --host', 'coolify-state import --help'],
    [['backup', '--forks', 'x'], '--forks takes a whole number from 1', 'coolify-state backup --help'],
  ])('%j is answered with what is wrong and what was meant', async (args, what, next) => {
    expect(await answerTo(...args)).toMatchObject({ kind: 'usage', code: 'cli.usage', what, next });
  });

  it('cannot write to the terminal through the words it repeats', async () => {
    expect((await answerTo('back\u001b[2Jup')).what).toBe('There is no command "back\\x1b[2Jup"');
    expect((await answerTo('backup', '--a\u001b[2J')).what).toBe('backup has no option --a\\x1b[2J');
  });

  it('is answered in JSON when that was among its options', () => {
    expect(wantsJson(['backup', '--json'])).toBe(true);
    expect(wantsJson(['backup', '--', '--json'])).toBe(false);
  });

  it('is told the artifact that was meant', () => {
    expect(() => artifactFilter(['databse'], undefined)).toThrow(
      expect.objectContaining({ code: 'artifact.unknown', why: 'did you mean "database"?' }),
    );
  });
});
