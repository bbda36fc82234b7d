import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { parseExpression, parseTemplate } from '../../../src/inventory/expression-parser.js';
import { Graph } from '../../../src/inventory/graph.js';
import { expandHosts, parseAddress } from '../../../src/inventory/host-ranges.js';
import { addIniInventory } from '../../../src/inventory/ini-inventory.js';
import { SourceText } from '../../../src/inventory/place.js';
import { parsePythonLiteral } from '../../../src/inventory/python-literal.js';
import { Resolver } from '../../../src/inventory/resolver.js';
import type { Value } from '../../../src/inventory/value.js';
import { Vault } from '../../../src/inventory/vault.js';
import { addYamlInventory } from '../../../src/inventory/yaml-inventory.js';
import { readYaml } from '../../../src/inventory/yaml-reader.js';
import { FUZZ_TIMEOUT, fuzz } from '../fuzz.js';

/** Text made of what the formats are made of, so that it gets past their first lines. */
function textOf(...pieces: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...pieces) },
    { weight: 1, arbitrary: fc.string() },
  );
  return fc.array(piece, { maxLength: 25 }).map((parts) => parts.join(''));
}

const YAML = textOf(
  ...[
    'all:',
    'hosts:',
    'vars:',
    'children:',
    '\n',
    '  ',
    '\n  ',
    '\n    ',
    '- ',
    'a: ',
    'b',
    '{',
    '}',
    '[',
    ']',
    ',',
  ],
  ...[
    '&x ',
    '*x',
    '<<: ',
    '!vault ',
    '!unsafe ',
    '!!int ',
    '!!set ',
    '? ',
    '|\n',
    '>',
    '"',
    "'",
    '#',
    '---\n',
    '{{ a }}',
    '\t',
    '%',
    '@',
  ],
);
const INI = textOf(
  ...[
    '[',
    ']',
    ':vars]',
    ':children]',
    '\n',
    'a',
    'b',
    '=',
    ' ',
    '"',
    "'",
    '\\',
    '#',
    ';',
    '[1:3]',
    '[a:c]',
    ':22',
    '(',
    '{',
    '\u2028',
  ],
);
const TEMPLATE = textOf(
  ...[
    '{{',
    '}}',
    '{%',
    '%}',
    '{#',
    '#}',
    ' ',
    'a',
    'b.c',
    '[0]',
    '|',
    'default',
    'int',
    '(',
    ')',
    "'",
    '"',
    '~',
    '+',
    '-',
    '*',
    '/',
  ],
  ...[
    '1',
    '2.5',
    ' is ',
    'defined',
    ' not ',
    ' in ',
    ' and ',
    ' if ',
    ' else ',
    '{',
    '}',
    ',',
    ':',
    '.',
    '==',
    '<',
    'lookup(',
    "'env'",
    '\\',
  ],
);

/** Whatever happens, only errors of ours may come out. */
function onlyOurs(work: () => unknown): void {
  try {
    work();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(StateError);
  }
}

describe('whatever the text, reading ends with a result or an error of ours', () => {
  test('YAML', { timeout: FUZZ_TIMEOUT }, async () => {
    await fuzz(
      fc.property(YAML, (text) => {
        onlyOurs(() => {
          const root = readYaml(new SourceText('f', text), text, () => undefined);
          if (root === undefined) return;
          const graph = new Graph(() => undefined);
          addYamlInventory(graph, root);
          graph.reconcile();
        });
      }),
    );
  });

  test('INI', { timeout: FUZZ_TIMEOUT }, async () => {
    await fuzz(
      fc.property(INI, (text) => {
        onlyOurs(() => {
          const graph = new Graph(() => undefined);
          addIniInventory(graph, new SourceText('f', text), text);
          graph.reconcile();
        });
      }),
    );
  });

  test('templates, parsed and worked out', { timeout: FUZZ_TIMEOUT }, async () => {
    const source = new SourceText('f', '');
    const at = { source, line: 1, column: 1 };
    const node = (
      value: Value & string,
    ): { kind: 'scalar'; value: string; unsafe: boolean; at: typeof at } => ({
      kind: 'scalar',
      value,
      unsafe: false,
      at,
    });
    const variables = new Map([
      ['a', { node: node('text'), at }],
      [
        'b',
        {
          node: {
            kind: 'map' as const,
            entries: new Map([['c', { key: 'c', keyAt: at, node: node('{{ a }}') }]]),
            at,
          },
          at,
        },
      ],
    ]);
    await fuzz(
      fc.property(TEMPLATE, (text) => {
        onlyOurs(() => {
          const resolver = new Resolver(variables, {
            env: {},
            cwd: '/',
            vault: new Vault([]),
            magic: new Map(),
          });
          resolver.node(node(text));
        });
        onlyOurs(() => parseTemplate(text));
        onlyOurs(() => parseExpression(text));
      }),
    );
  });

  test('host ranges', { timeout: FUZZ_TIMEOUT }, async () => {
    const at = { source: new SourceText('f', ''), line: 1, column: 1 };
    const range = textOf('[', ']', ':', '0', '1', '9', 'a', 'z', '-', '.', 'web', '01', '99999');
    await fuzz(
      fc.property(range, (text) => {
        onlyOurs(() => expandHosts(text, at));
        onlyOurs(() => parseAddress(text));
      }),
    );
  });

  test('Python literals', { timeout: FUZZ_TIMEOUT }, async () => {
    await fuzz(
      fc.property(
        textOf(
          '[',
          ']',
          '{',
          '}',
          '(',
          ')',
          ',',
          ':',
          "'",
          '"',
          '\\',
          '1',
          '.',
          'e',
          '_',
          'True',
          ' ',
          '#',
          '\n',
          '-',
        ),
        (text) => {
          expect(() => parsePythonLiteral(text)).not.toThrow();
        },
      ),
    );
  });
});
