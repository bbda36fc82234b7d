import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { newKeyPair } from '../../../src/archive/new-key-pair.js';
import { StateError } from '../../../src/core/errors.js';
import { completeAnswers, type GivenAnswers, type Question } from '../../../src/operations/init/answers.js';
import { absolute, parsePlace, withTilde } from '../../../src/operations/init/place.js';
import { parseTarget } from '../../../src/operations/init/target.js';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'init-'));
  vi.stubEnv('HOME', home);
  await mkdir(join(home, '.ssh'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true, force: true });
});

/** Answers in order, and notes what was asked. */
function person(...answers: readonly string[]): {
  ask: (question: Question) => Promise<string>;
  asked: Question[];
} {
  const asked: Question[] = [];
  const left = [...answers];
  return {
    asked,
    ask: async (question) => {
      asked.push(question);
      const answer = left.shift();
      if (answer === undefined) throw new Error(`nobody expected "${question.text}"`);
      return answer === '' ? (question.fallback ?? '') : answer;
    },
  };
}

const nothing: GivenAnswers = { add: false };

describe('the host', () => {
  test.each([
    ['coolify.example.com', { address: 'coolify.example.com', user: undefined, port: undefined }],
    ['root@coolify.example.com', { address: 'coolify.example.com', user: 'root', port: undefined }],
    ['ubuntu@203.0.113.10:2222', { address: '203.0.113.10', user: 'ubuntu', port: 2222 }],
    ['2001:db8::1', { address: '2001:db8::1', user: undefined, port: undefined }],
    ['me@[2001:db8::1]:22', { address: '2001:db8::1', user: 'me', port: 22 }],
    ['ssh://root@web1:2200/', { address: 'web1', user: 'root', port: 2200 }],
    [' web1 ', { address: 'web1', user: undefined, port: undefined }],
  ])('%s is understood', (text, target) => {
    expect(parseTarget(text)).toEqual(target);
  });

  test.each([
    '',
    '@web1',
    'root@',
    'web1:',
    'web1:0',
    'web1:65536',
    'web1:ssh',
    'web 1',
    'web1;id',
    '-oProxyCommand=id',
    '{{ x }}',
  ])('%j is refused', (text) => {
    expect(() => parseTarget(text)).toThrow(expect.objectContaining({ kind: 'usage', code: 'init.host' }));
  });

  test('whatever the text, there is a target without a shell character in it, or an error of ours', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab1.:@[]/-_$;`%{ ') }), (text) => {
        try {
          const { address, user = 'root' } = parseTarget(text);
          expect(`${user}${address}`).toMatch(/^[\w.:%\\-]+$/);
          expect(address).not.toMatch(/^-/);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(StateError);
        }
      }),
    );
  });
});

describe('the place for snapshots', () => {
  test.each([
    ['s3://my-bucket', { kind: 's3', bucket: 'my-bucket', path: undefined }],
    ['s3://my-bucket/', { kind: 's3', bucket: 'my-bucket', path: undefined }],
    ['s3://my-bucket/a/b/', { kind: 's3', bucket: 'my-bucket', path: 'a/b' }],
    ['/srv/x', { kind: 'directory', path: '/srv/x' }],
    ['file:/srv/x', { kind: 'directory', path: '/srv/x' }],
    ['file:///srv/a%20b', { kind: 'directory', path: '/srv/a b' }],
    ['snapshots', { kind: 'directory', path: '/srv/snapshots' }],
    ['none', { kind: 'none' }],
  ])('%s is understood', (text, place) => {
    expect(parsePlace(text, '/srv')).toEqual(place);
  });

  test.each(['', 's3://', 's3://ab', 's3:bucket', 'https://bucket.example.com', 'a\nb', '/srv/{{ x }}'])(
    '%j is refused',
    (text) => {
      expect(() => parsePlace(text, '/srv')).toThrow(
        expect.objectContaining({ kind: 'usage', code: 'init.repository' }),
      );
    },
  );

  test('a path in the home is written with a tilde, and read back the same', () => {
    expect(withTilde(join(homedir(), 'a/b'))).toBe('~/a/b');
    expect(withTilde(homedir())).toBe(homedir());
    expect(withTilde('/etc/x')).toBe('/etc/x');
    expect(absolute('~/a/b', '/srv')).toBe(join(homedir(), 'a/b'));
  });
});

describe('questions', () => {
  test('are five at most, with the one for the host key six', async () => {
    const { ask, asked } = person('root@web1', '', 's3://my-bucket/x', 'https://s3.example.com', 'new');
    const answers = await completeAnswers(nothing, ask, '/srv');
    expect(asked).toHaveLength(5);
    expect(answers).toMatchObject({
      name: 'web1',
      privateKeyFile: undefined,
      endpoint: 'https://s3.example.com',
      newKey: join(home, '.ssh/coolify-state'),
      encryptionKey: join(home, '.ssh/coolify-state.pub'),
    });
  });

  test('what was given is not asked for', async () => {
    const { ask, asked } = person('new');
    await completeAnswers({ ...nothing, host: 'web1', repository: '/srv/x' }, ask, '/srv');
    expect(asked.map(({ text }) => text)).toEqual(['Key that opens them']);
  });

  test('an answer that is not understood is asked for again, with what is wrong', async () => {
    const { ask, asked } = person('web 1', 'web1', '', 'none', 'new');
    await completeAnswers(nothing, ask, '/srv');
    expect(asked[1]?.help?.join(' ')).toContain('"web 1" does not name a host');
  });

  test('after three of them the error stands', async () => {
    const { ask, asked } = person('a b', 'c d', 'e f');
    await expect(completeAnswers(nothing, ask, '/srv')).rejects.toMatchObject({ code: 'init.host' });
    expect(asked).toHaveLength(3);
  });

  test('the public keys of ~/.ssh are offered, the usual ones first, and those that age cannot use are not', async () => {
    for (const name of ['zebra.pub', 'id_ed25519.pub'])
      await writeFile(join(home, '.ssh', name), newKeyPair(name).publicLine);
    await writeFile(join(home, '.ssh/broken.pub'), 'no key');
    await writeFile(
      join(home, '.ssh/two.pub'),
      `${newKeyPair('a').publicLine}\n${newKeyPair('b').publicLine}\n`,
    );
    const { ask, asked } = person('web1', '', 'none', '2');
    const answers = await completeAnswers(nothing, ask, '/srv');
    const offered = asked.at(-1)?.help?.filter((line) => /^ {2}\d/.test(line)) ?? [];
    expect(offered.map((line) => line.trim().split(/\s+/)[1])).toEqual([
      '~/.ssh/id_ed25519.pub',
      '~/.ssh/zebra.pub',
    ]);
    expect(answers.encryptionKey).toBe(join(home, '.ssh/zebra.pub'));
    expect(answers.newKey).toBeUndefined();
  });

  test('without anybody to ask, the key of ~/.ssh is taken, or one is made', async () => {
    const given = { ...nothing, host: 'web1', repository: 'none' };
    expect((await completeAnswers(given, undefined, '/srv')).newKey).toBe(join(home, '.ssh/coolify-state'));
    await writeFile(join(home, '.ssh/id_ed25519.pub'), newKeyPair('me').publicLine);
    expect((await completeAnswers(given, undefined, '/srv')).encryptionKey).toBe(
      join(home, '.ssh/id_ed25519.pub'),
    );
  });

  test.each([
    [{ ...nothing, repository: 'none' }, 'root@HOST'],
    [{ ...nothing, host: 'web1' }, '--repository'],
  ])('without anybody to ask, what has no default has to be said', async (given, flag) => {
    await expect(completeAnswers(given, undefined, '/srv')).rejects.toMatchObject({
      kind: 'usage',
      code: 'init.answer-missing',
      next: expect.stringContaining(flag),
    });
  });

  test('a host that is added takes the rest from its inventory', async () => {
    const answers = await completeAnswers({ host: 'web2', add: true }, undefined, '/srv');
    expect(answers).toMatchObject({ place: undefined, encryptionKey: undefined, newKey: undefined });
  });

  test.each(['a/b', '..', '.hidden', ''])('%j is no name of a host', async (name) => {
    const given = { ...nothing, host: 'web1', repository: 'none', name };
    await expect(completeAnswers(given, undefined, '/srv')).rejects.toMatchObject({ code: 'init.name' });
  });
});
