import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { Graph } from '../../../src/inventory/graph.js';
import { expandHosts, parseAddress } from '../../../src/inventory/host-ranges.js';
import { HostPatterns } from '../../../src/inventory/patterns.js';
import { SourceText } from '../../../src/inventory/place.js';
import { parsePythonLiteral } from '../../../src/inventory/python-literal.js';
import { floatText, literalOf } from '../../../src/inventory/python-text.js';
import { Resolver } from '../../../src/inventory/resolver.js';
import { shellWords } from '../../../src/inventory/shell-words.js';
import { Float, type Key, Moment, type Node, type Value } from '../../../src/inventory/value.js';
import { keyValue } from '../../../src/inventory/value-algebra.js';
import { Vault } from '../../../src/inventory/vault.js';
import { readYaml } from '../../../src/inventory/yaml-reader.js';
import { resolvePlain } from '../../../src/inventory/yaml-scalars.js';
import { askPython } from './oracle.js';

/** SEED and RUNS in the environment look further than every run does. */
const SEED = Number(process.env['SEED'] ?? 20_260_101);
const FAILS = ['fails'];
/** A list with something undefined in it prints as Ansible's own objects; here it is an error. */
const UNDEFINED_IN_LIST = /\[(?:missing|list\[9\]|map\.nowhere)\]/;

/** Inputs that do not change from run to run. */
function sample<Item>(arbitrary: fc.Arbitrary<Item>, count: number): Item[] {
  return fc.sample(arbitrary, { numRuns: count, seed: SEED });
}

function text(pieces: readonly string[], longest: number): fc.Arbitrary<string> {
  return fc
    .array(fc.constantFrom(...pieces), { minLength: 1, maxLength: longest })
    .map((parts) => parts.join(''));
}

/** Compares answer by answer, and shows the inputs where they differ. */
function same(
  inputs: readonly unknown[],
  ours: readonly unknown[],
  theirs: readonly unknown[] | undefined,
): void {
  const differing = inputs.flatMap((input, index) =>
    JSON.stringify(ours[index]) === JSON.stringify(theirs?.[index])
      ? []
      : [{ input, ours: JSON.stringify(ours[index]), theirs: JSON.stringify(theirs?.[index]) }],
  );
  expect(differing).toEqual([]);
}

test('plain scalars mean what PyYAML takes them for', async () => {
  const pieces = [
    '0',
    '1',
    '7',
    '9',
    '.',
    '_',
    ':',
    '-',
    '+',
    'e',
    'E',
    'x',
    'o',
    'b',
    'f',
    'y',
    'es',
    'no',
    'on',
    'Off',
    'true',
    'null',
    '~',
  ];
  const dates = ['2024', '-', '01', '02', '29', 'T', ' ', ':', '10', '30', '.5', 'Z', '+02:00', '1'];
  const words = [
    'yes',
    'Yes',
    'YES',
    'yEs',
    'y',
    'n',
    'N',
    'no',
    'NO',
    'on',
    'ON',
    'off',
    'OFF',
    'True',
    'FALSE',
    'null',
    'NULL',
    'Null',
    '.inf',
    '-.INF',
    '.nan',
    '1e3',
    '0o7',
    '08',
    '1:60',
  ];
  const fits = (one: string): boolean =>
    one.trim() === one && !/^[-?:] |: |:$|^-$| #|^---/.test(one) && !/^[-:?]$/.test(one);
  const inputs = [...words, ...sample(text(pieces, 6), 3000), ...sample(text(dates, 9), 2000)].filter(fits);
  // A date that does not exist, or a number that is all underscores, is an error to PyYAML; here it stays text.
  const ours = inputs.map((input) => tagged(resolvePlain(input)));
  const { scalar = [] } = await askPython({ scalar: inputs });
  const known = inputs.map((_, index) => JSON.stringify(scalar[index]) !== JSON.stringify(FAILS));
  same(
    inputs.filter((_, index) => known[index]),
    ours.filter((_, index) => known[index]),
    scalar.filter((_, index) => known[index]),
  );
});

test('YAML documents come to the same data, where both can read them', async () => {
  const inputs = sample(documents(), Number(process.env['RUNS'] ?? 4000));
  const ours = inputs.map((input) =>
    attempt(() => {
      const root = readYaml(new SourceText('f', input), input, () => undefined);
      return root === undefined ? ['null'] : tagged(rawOf(root));
    }),
  );
  const { document = [] } = await askPython({ document: inputs });
  const both = inputs.map((_, index) =>
    [ours[index], document[index]].every((one) => JSON.stringify(one) !== JSON.stringify(FAILS)),
  );
  expect(both.filter((one) => one).length).toBeGreaterThan(inputs.length / 10);
  same(
    inputs.filter((_, index) => both[index]),
    ours.filter((_, index) => both[index]),
    document.filter((_, index) => both[index]),
  );
});

test('values of INI inventories are read as Python reads literals', async () => {
  const pieces = [
    '1',
    '0',
    '23',
    '.',
    '_',
    'e5',
    "'",
    '"',
    'a',
    '\\n',
    '\\',
    '[',
    ']',
    '{',
    '}',
    '(',
    ')',
    ',',
    ':',
    ' ',
    'True',
    'None',
    '-',
    '+',
    '#',
    'r',
    'u',
    'x1F',
    '0x',
    'ä',
    "'a'",
    '"b"',
    '[1]',
  ];
  const inputs = sample(text(pieces, 9), 6000);
  const ours = inputs.map((input) => literalOr(input));
  const { literal = [] } = await askPython({ literal: inputs });
  const known = literal.map((answer) => !/"other"|"fails"/.test(JSON.stringify(answer)));
  same(
    inputs.filter((_, index) => known[index]),
    ours.filter((_, index) => known[index]),
    literal.filter((_, index) => known[index]),
  );
});

test('lines are split into words as shlex does', async () => {
  const inputs = sample(text(['a', 'b=', ' ', '\t', '"', "'", '\\', '#', 'ü', '=', '$x'], 12), 3000);
  const ours = inputs.map((input) => tagged(shellWords(input) ?? undefined));
  const { words } = await askPython({ words: inputs });
  same(inputs, ours, words);
});

test('names and ports are told apart as Ansible does', async () => {
  const inputs = sample(
    text(
      [
        'web',
        '1',
        ':',
        '22',
        '.',
        'a',
        '[',
        ']',
        '[1:3]',
        '[a:c]',
        '-',
        '_',
        '::',
        '10.0.0',
        'f',
        'ü',
        '::1',
        '2001:db8',
      ],
      7,
    ),
    4000,
  );
  const ours = inputs.map((input) => {
    const found = parseAddress(input);
    return found === undefined ? FAILS : tagged([found.name, found.port ?? null]);
  });
  const { address = [] } = await askPython({ address: inputs });
  // Ansible's pattern for IPv6 forgets its end, and takes whatever stands behind two colons.
  const strict = inputs.map(
    (input) => !/::|(?:[0-9a-f]{1,4}:){2}/i.test(input) || /^\[?[0-9a-f:.]+\]?(?::22)?$/i.test(input),
  );
  const odd = inputs.map(
    (input, index) => strict[index] === true && !(input.includes(':') && ours[index] === FAILS),
  );
  same(
    inputs.filter((_, index) => odd[index]),
    ours.filter((_, index) => odd[index]),
    address.filter((_, index) => odd[index]),
  );
});

test('ranges are counted out as Ansible does', async () => {
  const at = { source: new SourceText('f', ''), line: 1, column: 1 };
  const inputs = sample(
    fc
      .tuple(
        text(['web', 'a-', ''], 1),
        text(['0', '1', '01', '10', 'a', 'c', ':', '2', 'Z', ':'], 4),
        text(['.x', '[1:2]', '', '[a:b]'], 2),
      )
      .map(([head, range, tail]) => `${head}[${range}]${tail}`),
    3000,
  ).filter((one) => !/\d{4}/.test(one));
  const ours = inputs.map((input) => attempt(() => tagged(expandHosts(input, at).names)));
  const { range } = await askPython({ range: inputs });
  same(inputs, ours, range);
});

test('wildcards match as fnmatch does', async () => {
  const pattern = text(
    ['a', 'b', '*', '?', '[', ']', '[ab]', '[!a]', '[a-c]', '[]a]', '.', '^', '\\', '[!]', '{'],
    6,
  );
  const pairs = sample(
    fc.tuple(pattern, text(['a', 'b', 'c', '.', ']', '[', '^', '\\', '-', '!', '{'], 6)),
    4000,
  );
  const inputs = pairs.filter(
    ([one]) => /[*?[]/.test(one) && !/^[!&~]|[,:]/.test(one) && !/\[-?\d+\]$/.test(one),
  );
  const ours = inputs.map(([one, name]) => {
    const graph = new Graph(() => undefined);
    graph.addHost(name);
    graph.reconcile();
    const hosts = attempt(() => tagged(new HostPatterns(graph, '/').select(`${one},`).length > 0));
    return JSON.stringify(hosts) === JSON.stringify(FAILS) ? ['bool', false] : hosts;
  });
  const { glob } = await askPython({ glob: inputs });
  const group = inputs.map(([one]) => !matchesGroup(one));
  same(
    inputs.filter((_, index) => group[index]),
    ours.filter((_, index) => group[index]),
    (glob ?? []).filter((_, index) => group[index]),
  );
});

test('data prints as Python prints it', async () => {
  const inputs = sample(fc.json({ maxDepth: 3 }), 1500);
  const numbers = sample(fc.double({ noNaN: true, noDefaultInfinity: true }), 1500).map((one) =>
    Number.isInteger(one) ? `${one}` : JSON.stringify(one),
  );
  const floats = numbers.filter((one) => /[.e]/.test(one));
  const at = { source: new SourceText('f', ''), line: 1, column: 1 };
  const ours = [
    ...inputs.map((one) => ['str', literalOf(fromJson(JSON.parse(one)))]),
    ...floats.map((one) => ['str', floatText(Number(one))]),
  ];
  const { repr } = await askPython({ repr: [...inputs, ...floats] });
  expect(at.line).toBe(1);
  same([...inputs, ...floats], ours, repr);
});

test('templates come to what Ansible makes of them, or to an error that says they are not supported', async () => {
  const inputs = sample(templates(), Number(process.env['RUNS'] ?? 2000));
  const source = new SourceText(
    'f',
    'number: 5\npi: 2.5\nname: base\nempty: ""\nflag: true\nnothing: null\ndigits: "42"\nlist: [1, two, null]\nmap: { a: 1, b: { c: deep } }\nnested: "{{ number }}"\ntext: " a,b "\n',
  );
  const root = readYaml(source, sourceText(source), () => undefined);
  if (root?.kind !== 'map') throw new Error('the variables are no mapping');
  const variables = new Map(
    [...root.entries.values()].map(({ key, keyAt, node }) => [String(key), { node, at: keyAt }]),
  );
  const at = { source, line: 1, column: 1 };
  const ours = inputs.map((input) => {
    const resolver = new Resolver(variables, { env: {}, cwd: '/', vault: new Vault([]), magic: new Map() });
    const node: Node = { kind: 'scalar', value: input, unsafe: false, at };
    return attempt(() => tagged(resolver.node(node)));
  });
  const { template = [] } = await askPython({ template: inputs });
  const supported = ours.map(
    (answer, index) =>
      JSON.stringify(answer) !== '["unsupported"]' &&
      !UNDEFINED_IN_LIST.test(inputs[index] ?? '') &&
      !JSON.stringify(template[index]).includes('AnsibleUndefined(') &&
      // Jinja fails while it compiles these, and Ansible then leaves the text as it is.
      JSON.stringify(template[index]) !== JSON.stringify(['str', inputs[index]]),
  );
  expect(supported.filter((one) => one).length).toBeGreaterThan(inputs.length * 0.9);
  same(
    inputs.filter((_, index) => supported[index]),
    ours.filter((_, index) => supported[index]),
    template.filter((_, index) => supported[index]),
  );
});

/** Templates of the grammar that is supported, often with types that do not fit. */
function templates(): fc.Arbitrary<string> {
  const { expression } = fc.letrec<{ expression: string }>((tie) => {
    const inner = tie('expression');
    return {
      expression: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        {
          weight: 5,
          arbitrary: fc.constantFrom(
            'number',
            'pi',
            'name',
            'empty',
            'flag',
            'nothing',
            'digits',
            'list',
            'map',
            'nested',
            'missing',
            'text',
            '1',
            '0',
            '3.0',
            "'x'",
            "''",
            'true',
            'none',
            '[1, 2]',
            "{'k': 1}",
            'map.a',
            'map.b.c',
            "map['a']",
            'list[1]',
            'list[-1]',
            'list[9]',
            'map.nowhere',
            '(1, 2)',
          ),
        },
        {
          weight: 2,
          arbitrary: fc
            .tuple(
              inner,
              fc.constantFrom(
                '+',
                '-',
                '*',
                '/',
                '//',
                '%',
                '~',
                '==',
                '!=',
                '<',
                '>=',
                'and',
                'or',
                'in',
                'not in',
              ),
              inner,
            )
            .map(([a, operator, b]) => `(${a} ${operator} ${b})`),
        },
        {
          weight: 2,
          arbitrary: fc
            .tuple(
              inner,
              fc.constantFrom(
                'default(1)',
                "default('d', true)",
                'int',
                'float',
                'bool',
                'string',
                'trim',
                'lower',
                'upper',
                'length',
                'basename',
                'dirname',
                'first',
                'last',
                'list',
                'unique',
                "join('-')",
                "split(',')",
                "replace('a', 'b')",
                "ternary('y', 'n')",
                'union([1, 9])',
                'difference([1])',
                'intersect([1])',
                'b64encode',
              ),
            )
            .map(([a, filter]) => `${a} | ${filter}`),
        },
        {
          weight: 1,
          arbitrary: fc
            .tuple(
              inner,
              fc.constantFrom(
                'defined',
                'not defined',
                'undefined',
                'none',
                'string',
                'number',
                'mapping',
                'not none',
                'integer',
                'float',
                'boolean',
              ),
            )
            .map(([a, is]) => `(${a} is ${is})`),
        },
        {
          weight: 1,
          arbitrary: fc.tuple(inner, inner, inner).map(([a, b, c]) => `(${a} if ${b} else ${c})`),
        },
        { weight: 1, arbitrary: inner.map((a) => `(not ${a})`) },
        { weight: 1, arbitrary: inner.map((a) => `[${a}]`) },
      ),
    };
  });
  return fc.oneof(
    { weight: 3, arbitrary: expression.map((one) => `{{ ${one} }}`) },
    { weight: 1, arbitrary: fc.tuple(expression, expression).map(([a, b]) => `a{{ ${a} }}b{{ ${b} }}`) },
  );
}

/** Documents of nested blocks, with all that can stand in them, sometimes broken. */
function documents(): fc.Arbitrary<string> {
  const scalar = fc.constantFrom(
    ...[
      'a',
      'b c',
      '1',
      '010',
      'yes',
      '~',
      '""',
      "'it''s'",
      '"a\\tb"',
      '1.5',
      '{{ x }}',
      '"{{ x }}"',
      'a: b',
      'a #b',
      'a#b',
      '- x',
      '[1, b]',
      '{a: 1, b: [c]}',
    ],
    ...[
      '&x v',
      '*x',
      '!!str 5',
      '|\n      lit\n       eral\n',
      '>\n      fol\n      ded\n\n      more\n',
      '|-\n      strip\n',
      '>+\n      keep\n\n',
      'multi\n      line',
      '@at',
      '`tick',
      '%p',
      ', x',
      '?',
      'x:',
      ':x',
      '"open',
      '[1,',
      '{a}',
      '{a, b: }',
      '<<',
      '=',
      '2024-01-02',
      '1:30',
      '0x1f',
      'null',
      '! x',
    ],
  );
  const line = fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(fc.constantFrom('k', 'l', '"q k"', "'s'", '1', 'a b', '<<', '? x\n', 'k'), scalar)
        .map(([key, value]) => `${key}: ${value}`),
    },
    { weight: 2, arbitrary: scalar.map((value) => `- ${value}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '# comment',
        '',
        'k:',
        '-',
        '---',
        '...',
        'base: &x {m: 1, n: 2}',
        '<<: *x',
        'l: *x',
        'text',
        '\ttab: 1',
      ),
    },
  );
  return fc
    .array(fc.tuple(fc.constantFrom('', '', '', '  ', '    '), line), { minLength: 1, maxLength: 6 })
    .map((lines) => lines.map(([indent, one]) => `${indent}${one}\n`).join(''));
}

function rawOf(node: Node): Value {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(rawOf);
  if (node.kind === 'map')
    return new Map([...node.entries.values()].map((entry) => [entry.key, rawOf(entry.node)]));
  throw new Error('no secret stands in these documents');
}

function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof StateError)) throw thrown;
    return thrown.code === 'inventory.template-unsupported' ? ['unsupported'] : FAILS;
  }
}

function literalOr(input: string): unknown {
  const literal = parsePythonLiteral(input);
  return tagged(literal === undefined ? input : literal.value);
}

function matchesGroup(pattern: string): boolean {
  const graph = new Graph(() => undefined);
  graph.addHost('\u{10ffff}');
  graph.reconcile();
  return (
    JSON.stringify(attempt(() => new HostPatterns(graph, '/').select(`${pattern},`).length)) !==
    JSON.stringify(FAILS)
  );
}

function sourceText(source: SourceText): string {
  return Array.from({ length: 11 }, (_, index) => source.line(index + 1)).join('\n');
}

function fromJson(data: unknown): Value {
  if (Array.isArray(data)) return data.map(fromJson);
  if (typeof data === 'number') return Number.isInteger(data) ? data : new Float(data);
  if (typeof data === 'string' || typeof data === 'boolean' || data === null) return data;
  return new Map(Object.entries(Object(data)).map(([key, value]): [Key, Value] => [key, fromJson(value)]));
}

function tagged(value: Value | undefined): unknown {
  if (value === undefined) return FAILS;
  if (value === null) return ['null'];
  if (typeof value === 'boolean') return ['bool', value];
  if (typeof value === 'number' || typeof value === 'bigint') return ['int', String(value)];
  if (typeof value === 'string') return ['str', value];
  if (value instanceof Float) return ['float', floatText(value.value)];
  if (value instanceof Moment) return ['date', value.iso];
  if (Array.isArray(value)) return ['list', value.map(tagged)];
  if (value instanceof Map)
    return ['map', [...value].map(([key, member]) => [tagged(keyValue(key)), tagged(member)])];
  return ['other', value.constructor.name];
}
