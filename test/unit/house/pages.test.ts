import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { commandLine } from '../../../src/cli/command-line.js';
import { asStateError } from '../../../src/core/errors.js';
import { errorCatalogue } from './errors/catalogue.js';
import { blockLines, deadLinks, pagesOf } from './markdown.js';

// What is documented is parsed by the real command line, and not done.
vi.mock('../../../src/cli/run-command.js', () => ({ runCommand: () => Promise.resolve() }));
vi.mock('../../../src/cli/completion-scripts.js', () => ({
  SHELLS: ['bash', 'zsh', 'fish'],
  completionScript: () => '',
}));

const PROJECT = resolve(import.meta.dirname, '../../..');
const pages = pagesOf(PROJECT);

describe('the pages', () => {
  it('link to files and headings that are there', () => {
    const dead = pages.flatMap((page) =>
      deadLinks(page, PROJECT, pages).map((target) => `${page.path}: ${target}`),
    );
    expect(pages.length).toBeGreaterThan(20);
    expect(dead).toEqual([]);
  });

  it('are all to be found from the index', () => {
    const index = readFileSync(join(PROJECT, 'docs/README.md'), 'utf8');
    const names = pages.map(({ path }) => path).filter((path) => /^docs\/[^/]+\.md$/.test(path));
    expect(
      names
        .map((path) => path.slice(5))
        .filter((name) => name !== 'README.md' && !index.includes(`(${name})`)),
    ).toEqual([]);
  });

  it('see dead links', () => {
    const page = {
      path: 'docs/concepts.md',
      text: '# One\n[x](#one) [y](#two) [z](gone.md) `[q](no.md)` [w](https://x.y)',
    };
    expect(deadLinks(page, PROJECT, [page])).toEqual(['#two', 'gone.md']);
  });
});

describe('a documented command', () => {
  const fromPages = pages
    .filter(({ path }) => path === 'README.md' || path.startsWith('docs/'))
    .flatMap(({ path, text }) =>
      blockLines(text)
        .flatMap((line) => commandsIn(line))
        .map((line) => ({ path, line })),
    );
  const fromErrors = errorCatalogue(join(PROJECT, 'src')).flatMap(({ nexts, place }) =>
    nexts.flatMap((next) =>
      [...next.matchAll(/"(coolify-state [^"]+)"/g)].map(([, line = '']) => ({ path: place, line })),
    ),
  );
  const all = new Map([...fromPages, ...fromErrors].map(({ path, line }) => [`${path}: ${line}`, line]));

  it('is found', () => {
    expect(fromPages.length).toBeGreaterThan(80);
    expect(fromErrors.length).toBeGreaterThan(10);
  });

  it.each([...all])('is one: %s', async (_title, line) => {
    const [, ...words] = wordsOf(line);
    expect(await refusal(words)).toBeUndefined();
  });

  it('would be refused if it were not', async () => {
    expect(await refusal(['backup', '--unheard-of'])).toContain('unheard-of');
    expect(await refusal(['backup', '--forks', 'x'])).toContain('--forks');
  });
});

/** Commands of this program in a line of a shell: without comments, and what comes after a pipe. */
function commandsIn(line: string): string[] {
  return [
    ...line.matchAll(/(?:^|\s|\$\(|<\()(?:npx )?(coolify-state(?: (?:"[^"]*"|'[^']*'|[^\s#|;&<>()"']+))+)/g),
  ].map(([, found = '']) => found);
}

function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain?.replace(/^\{\w+\}$/, 'web1') ?? '',
  );
}

/** Why the command line does not take these words. */
async function refusal(words: readonly string[]): Promise<string | undefined> {
  const spies = [
    vi.spyOn(process.stdout, 'write').mockReturnValue(true),
    vi.spyOn(console, 'log').mockReturnValue(undefined),
  ];
  try {
    await (await commandLine(words)).parseAsync();
    return undefined;
  } catch (thrown) {
    return asStateError(thrown, '').message;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
