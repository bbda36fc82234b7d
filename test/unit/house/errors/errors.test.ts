import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorCatalogue } from './catalogue.js';
import { grouped } from './grouped.js';
import { errorPage, isKind } from './page.js';
import { sourcesBelow } from './sources.js';
import { templateParts, tokensOf } from './tokens.js';

const PROJECT = resolve(import.meta.dirname, '../../../..');
const PAGE = join(PROJECT, 'docs/errors.md');

const entries = errorCatalogue(join(PROJECT, 'src'));
const codes = grouped(entries, ({ code }) => code);

const OF_OUR_OWN = ['sql.empty-identifier', 'sql.nul', 'ssh.command-invalid'];

describe('the errors of the program', () => {
  it('are found in its source, also where a code is put together', () => {
    expect(codes.size).toBeGreaterThan(300);
    for (const code of [
      'ssh.refused',
      'ssh.become-denied',
      'inventory.vault-password-wrong',
      'inventory.template-syntax',
      'repository.signature-mismatch',
      'repository.sidecar-format',
      'dump.truncated',
      'cli.output-exists',
    ])
      expect([...codes.keys()]).toContain(code);
  });

  it('have codes in lower case with dots', () => {
    const odd = [...codes.keys()].filter((code) => !/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(code));
    expect(odd.sort()).toEqual(['interrupted', 'unexpected']);
  });

  it('have one meaning each: a code always leads to the same exit status', () => {
    const several = [...codes]
      .map(([code, ways]) => ({ code, kinds: [...new Set(ways.flatMap(({ kinds }) => kinds))] }))
      .filter(({ kinds }) => kinds.length !== 1 || !kinds.every(isKind));
    // The gravest of what was found.
    expect(several).toEqual([{ code: 'verify.bad-snapshots', kinds: [] }]);
  });

  it('say what could not be done', () => {
    expect(entries.filter(({ whats }) => whats.length === 0)).toEqual([]);
  });

  it('tell what to do next', () => {
    const silent = [...codes].filter(([, ways]) => ways.every(({ nexts }) => nexts.length === 0));
    // Texts that this program makes itself: nobody but who changes it can do anything.
    expect(silent.map(([code]) => code).sort()).toEqual(OF_OUR_OWN);
  });

  it('are no others than those that comments and tests of the program speak of', () => {
    const groups = new Set([...codes.keys()].map((code) => code.split('.')[0]));
    const named = documentedCodes(join(PROJECT, 'src'), groups);
    expect(named.length).toBeGreaterThan(200);
    expect(named.filter(({ code }) => !codes.has(code))).toEqual([]);
  });
});

describe('docs/errors.md', () => {
  it('lists every one of them', () => {
    const wanted = errorPage(entries);
    if (process.env['UPDATE_DOCS'] !== undefined) writeFileSync(PAGE, wanted);
    expect(readFileSync(PAGE, 'utf8')).toBe(wanted);
  });
});

describe('reading the source', () => {
  it('tells texts, templates, comments and regular expressions apart', () => {
    const template = `x ${'$'}{c({ d: \`y}\` })} z`;
    const source = `const a = /[/\`']/.test(b) ? \`${template}\` : 'it\\'s'; // \`\n/* ' */ e / 2 / 1`;
    expect(tokensOf(source).map(({ kind, text }) => `${kind} ${text}`)).toEqual([
      ...[
        'word const',
        'word a',
        'mark =',
        "regex /[/`']/",
        'mark .',
        'word test',
        'mark (',
        'word b',
        'mark )',
      ],
      ...['mark ?', `template ${template}`, 'mark :', "text it's", 'mark ;'],
      ...['word e', 'mark /', 'number 2', 'mark /', 'number 1'],
    ]);
    expect(templateParts(template)).toEqual({ texts: ['x ', ' z'], expressions: ['c({ d: `y}` })'] });
  });
});

/** Codes between backticks in comments, of the groups that there are. */
function documentedCodes(
  root: string,
  groups: ReadonlySet<string | undefined>,
): { readonly code: string; readonly place: string }[] {
  return sourcesBelow(root).flatMap(({ path, text }) =>
    [...text.matchAll(/@throws StateError[\s\S]*?(?=\*\/|@)/g)].flatMap(([comment]) =>
      [...comment.matchAll(/`([a-z-]+\.[a-z-]+)`/g)].flatMap(([, code = '']) =>
        groups.has(code.split('.')[0]) ? [{ code, place: path }] : [],
      ),
    ),
  );
}
