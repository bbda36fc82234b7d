import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { Graph } from '../../../src/inventory/graph.js';
import { HostPatterns, splitPattern } from '../../../src/inventory/patterns.js';
import { inventoryOf, layOut } from './files.js';

const HOSTS =
  'all: { children: { web: { hosts: { w1.example.com: , w2.example.com: } }, db: { hosts: { d1: } } } }\n';

describe('host patterns', () => {
  test.each([
    ['contorller', '"controller"'],
    ['w1.exmaple.com', '"w1.example.com"'],
    ['w1', '"w1.example.com"'],
  ])('%s matches nothing and the nearest name is suggested', async (pattern, suggestion) => {
    const inventory = await inventoryOf({ 'h.yml': `${HOSTS}controller: { hosts: { d1: } }\n` });
    expect(() => inventory.select(pattern)).toThrow(
      expect.objectContaining({
        kind: 'usage',
        code: 'inventory.pattern-unmatched',
        next: expect.stringContaining(suggestion),
      }),
    );
  });

  test.each(['web,nowhere', 'all:!nowhere', 'web:&nowhere', '~nothing'])(
    '%s: a part that names nothing is an error, although others match',
    async (pattern) => {
      const inventory = await inventoryOf({ 'h.yml': HOSTS });
      expect(() => inventory.select(pattern)).toThrow(
        expect.objectContaining({ code: 'inventory.pattern-unmatched' }),
      );
    },
  );

  test.each(['web:&db', 'web:!web', '!all'])(
    '%s: nothing left is an error, not a silent no-op',
    async (pattern) => {
      const inventory = await inventoryOf({ 'h.yml': HOSTS });
      expect(() => inventory.select(pattern)).toThrow(
        expect.objectContaining({ code: 'inventory.pattern-empty' }),
      );
    },
  );

  test('the limit keeps the order of the pattern, and says when it leaves nothing', async () => {
    const inventory = await inventoryOf({ 'h.yml': HOSTS });
    expect(inventory.select('all', { limit: 'd1,w1*' }).map((host) => host.name)).toEqual([
      'w1.example.com',
      'd1',
    ]);
    expect(() => inventory.select('web', { limit: 'db' })).toThrow(
      expect.objectContaining({ what: 'None of the 2 hosts of "web" is within the limit "db"' }),
    );
  });

  test('a limit may be a file of patterns', async () => {
    const cwd = await layOut({ 'h.yml': HOSTS, 'only.txt': 'd1\n\nw2.example.com\n' });
    const { loadInventory } = await import('../../../src/inventory/inventory.js');
    const inventory = await loadInventory(['h.yml'], { cwd, env: {} });
    expect(inventory.select('all', { limit: '@only.txt' }).map((host) => host.name)).toEqual([
      'w2.example.com',
      'd1',
    ]);
    expect(() => inventory.select('all', { limit: '@nowhere' })).toThrow(
      expect.objectContaining({ code: 'inventory.limit-file' }),
    );
  });

  test('a regular expression that is none is an error', async () => {
    const inventory = await inventoryOf({ 'h.yml': HOSTS });
    expect(() => inventory.select('~(')).toThrow(
      expect.objectContaining({ code: 'inventory.pattern-invalid' }),
    );
  });

  test('colons separate, and stay in addresses and ranges', () => {
    expect(splitPattern('a:b[1:2]:!c')).toEqual(['a', 'b[1:2]', '!c']);
    expect(splitPattern('2001:db8::1')).toEqual(['2001:db8::1']);
    expect(splitPattern('web[01:10]')).toEqual(['web[01:10]']);
    expect(splitPattern(' a , 2001:db8::1,')).toEqual(['a', '2001:db8::1']);
  });
});

describe('the algebra of patterns', () => {
  const { patterns, groups, names } = sample();
  const term = fc.constantFrom(...groups, ...names.slice(0, 6));

  test('a union has the hosts of both', () => {
    fc.assert(
      fc.property(term, term, (a, b) => {
        expect(setOf(`${a}:${b}`)).toEqual(new Set([...setOf(a), ...setOf(b)]));
      }),
    );
  });

  test('an intersection and an exclusion part the hosts', () => {
    fc.assert(
      fc.property(term, term, (a, b) => {
        const cut = setOf(`${a}:&${b}`);
        const rest = setOf(`${a}:!${b}`);
        expect(new Set([...cut, ...rest])).toEqual(setOf(a));
        expect([...cut].filter((name) => rest.has(name))).toEqual([]);
        expect(cut).toEqual(setOf(`${b}:&${a}`));
      }),
    );
  });

  test('a union asks no order, nothing is left of a thing without itself, and a thing cut with itself is itself', () => {
    fc.assert(
      fc.property(term, term, term, (a, b, c) => {
        expect(setOf(`${b}:${a}`)).toEqual(setOf(`${a}:${b}`));
        expect(setOf(`${a}:${b}:${c}`)).toEqual(new Set([...setOf(`${b}:${c}`), ...setOf(a)]));
        expect(setOf(`${a}:!${a}`)).toEqual(new Set());
        expect(setOf(`${a}:&${a}`)).toEqual(setOf(a));
        expect(setOf(`${a}:${a}`)).toEqual(setOf(a));
        expect(setOf(`${a}:!${b}:!${c}`)).toEqual(setOf(`${a}:!${c}:!${b}`));
      }),
    );
  });

  test('slices part a group, in its order, and a subscript is a slice of one', () => {
    const group = fc.constantFrom('all', ...groups);
    fc.assert(
      fc.property(group, fc.nat(), (name, cut) => {
        const whole = listOf(name);
        const at = 1 + (cut % (whole.length - 1));
        expect([...listOf(`${name}[0:${at - 1}]`), ...listOf(`${name}[${at}:]`)]).toEqual(whole);
        expect(whole.flatMap((_, index) => listOf(`${name}[${index}]`))).toEqual(whole);
        expect(listOf(`${name}[${at}]`)).toEqual(listOf(`${name}[${at}:${at}]`));
        expect(listOf(`${name}[-${at}]`)).toEqual([whole.at(-at)]);
      }),
    );
  });

  test('the order of the parts does not matter, but for what is listed first', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('', '&', '!'), term), { minLength: 1, maxLength: 5 }),
        fc.nat(),
        (parts, turn) => {
          const terms = parts.map(([sign, name]) => sign + name);
          const turned = [...terms.slice(turn % terms.length), ...terms.slice(0, turn % terms.length)];
          expect(setOf(turned.join(','))).toEqual(setOf(terms.join(',')));
        },
      ),
    );
  });

  test('whatever the text, there are hosts or an error of ours', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'ab1*?[]!&:,~@()\\^-. \u001b'), maxLength: 20 }),
        (text) => {
          expect(setOf(text)).toBeInstanceOf(Set);
        },
      ),
      { numRuns: 2000 },
    );
  });

  function listOf(pattern: string): string[] {
    return patterns.select(pattern).map((host) => host.name);
  }

  function setOf(pattern: string): Set<string> {
    try {
      return new Set(patterns.select(pattern).map((host) => host.name));
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(StateError);
      return new Set();
    }
  }
});

function sample(): { patterns: HostPatterns; groups: string[]; names: string[] } {
  const graph = new Graph(() => undefined);
  const groups = ['one', 'two', 'three', 'four'];
  const names = Array.from({ length: 12 }, (_, index) => `h${index}.example.com`);
  for (const [index, name] of names.entries()) {
    for (const [bit, group] of groups.entries()) {
      if ((index & (1 << bit)) !== 0) graph.addHost(name, graph.addGroup(group));
    }
    graph.addHost(name);
  }
  graph.addChildGroup(graph.addGroup('one'), graph.addGroup('four'));
  graph.reconcile();
  return { patterns: new HostPatterns(graph, '/'), groups, names };
}
