import { describe, expect, test } from 'vitest';
import { keyPassphrases } from '../../../src/cli/key-passphrases.js';
import { Secret } from '../../../src/core/secret.js';

describe('the passphrase of a key file', () => {
  test('is asked for once, however many hosts need it at the same time', async () => {
    const asked: string[] = [];
    const passphrase = keyPassphrases(async (file) => {
      asked.push(file);
      return new Secret(`of ${file}`);
    });
    const answers = await Promise.all([passphrase('a', 1), passphrase('b', 1), passphrase('a', 1)]);
    expect(answers.map((answer) => answer?.reveal())).toEqual(['of a', 'of b', 'of a']);
    expect(asked).toEqual(['a', 'b']);
  });

  test('is asked for one file after the other', async () => {
    let open = 0;
    let most = 0;
    const passphrase = keyPassphrases(async () => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setImmediate(resolve));
      open -= 1;
      return undefined;
    });
    await Promise.all(['a', 'b', 'c'].map((file) => passphrase(file, 1)));
    expect(most).toBe(1);
  });

  test('that was wrong is asked for again', async () => {
    const answers = ['wrong', 'right'];
    const passphrase = keyPassphrases(async () => new Secret(answers.shift() ?? ''));
    expect((await passphrase('a', 1))?.reveal()).toBe('wrong');
    expect((await passphrase('a', 2))?.reveal()).toBe('right');
  });

  test('that stays the same is not tried again', async () => {
    const passphrase = keyPassphrases(async () => new Secret('from the environment'));
    await passphrase('a', 1);
    expect(await passphrase('a', 2)).toBeUndefined();
  });

  test('that somebody declined to give does not keep another from being asked', async () => {
    const passphrase = keyPassphrases(async (file) => {
      if (file === 'a') throw new Error('Ctrl-C');
      return new Secret('b');
    });
    await expect(passphrase('a', 1)).rejects.toThrow('Ctrl-C');
    expect((await passphrase('b', 1))?.reveal()).toBe('b');
  });
});
