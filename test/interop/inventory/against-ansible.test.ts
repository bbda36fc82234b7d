import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { StateError } from '../../../src/core/errors.js';
import { Secret } from '../../../src/core/secret.js';
import { type Inventory, loadInventory } from '../../../src/inventory/inventory.js';
import { inventoryGraph, inventoryList } from '../../../src/inventory/render.js';
import { type InventoryCase, layOutCases, layOutRandomCases } from './cases.js';
import { type Answer, askAnsible, type Job } from './oracle.js';

const { root, cases } = await layOutCases();
const home = join(root, '.home');
const random = await layOutRandomCases(root, 40);
const good = cases.filter((one) => one.fails === undefined);
const bad = cases.filter((one) => one.fails !== undefined);
const patterns = good.flatMap((one) => one.patterns.map((pattern) => ({ one, pattern, limit: undefined })));
const limits = good.flatMap((one) => one.limits.map(([pattern, limit]) => ({ one, pattern, limit })));
const answers = new Map<string, Answer>();

beforeAll(async () => {
  await mkdir(home);
  const jobs = new Map<string, Job>();
  for (const one of good) {
    jobs.set(`${one.name} export`, job(one, 'inventory', ['--list', '--export']));
    jobs.set(`${one.name} list`, job(one, 'inventory', ['--list']));
    jobs.set(`${one.name} graph`, job(one, 'inventory', ['--graph']));
    jobs.set(`${one.name} values`, job(one, 'values', []));
  }
  for (const one of random) {
    jobs.set(`${one.name} export`, job(one, 'inventory', ['--list', '--export']));
    jobs.set(`${one.name} list`, job(one, 'inventory', ['--list']));
  }
  for (const one of bad) jobs.set(`${one.name} list`, job(one, 'inventory', ['--list']));
  for (const { one, pattern, limit } of [...patterns, ...limits]) {
    const args = ['--list-hosts', pattern, ...(limit === undefined ? [] : ['--limit', limit])];
    jobs.set(`${one.name} ${pattern} ${limit}`, job(one, 'hosts', args));
  }
  const found = await askAnsible([...jobs.values()]);
  for (const [index, name] of [...jobs.keys()].entries()) {
    const answer = found[index];
    if (answer !== undefined) answers.set(name, answer);
  }
}, 120_000);

afterAll(() => rm(root, { recursive: true, force: true }));

test('the corpus has at least 60 inventories and 80 patterns', () => {
  expect(cases.length).toBeGreaterThanOrEqual(60);
  expect(patterns.length + limits.length).toBeGreaterThanOrEqual(80);
});

describe.each(good)('$name', (one) => {
  test('the exported listing is that of ansible-inventory, character for character', async () => {
    expect(inventoryList(await load(one), { export: true })).toBe(
      asked(`${one.name} export`).stdout.trimEnd(),
    );
  });

  test('the listing is that of ansible-inventory, character for character', async () => {
    expect(inventoryList(await load(one))).toBe(asked(`${one.name} list`).stdout.trimEnd());
  });

  test('the graph is that of ansible-inventory', async () => {
    expect(inventoryGraph(await load(one))).toBe(asked(`${one.name} graph`).stdout.trimEnd());
  });

  test('every variable of every host comes to the same value', async () => {
    const inventory = await load(one);
    const expected = Values.parse(JSON.parse(asked(`${one.name} values`).stdout));
    expect(ourValues(inventory, one)).toEqual(theirValues(expected, one));
  });
});

describe.each(random)('$name', (one) => {
  test('comes to the same groups and variables, by the same precedence', async () => {
    const inventory = await load(one);
    expect(inventoryList(inventory)).toBe(asked(`${one.name} list`).stdout.trimEnd());
    expect(inventoryList(inventory, { export: true })).toBe(asked(`${one.name} export`).stdout.trimEnd());
  });
});

describe.each(bad)('$name', (one) => {
  test('loading fails with an error that has a code, where Ansible fails or warns', async () => {
    const { stdout, stderr } = asked(`${one.name} list`);
    expect(stderr + stdout).toMatch(/Failed to parse|Unable to parse|ERROR!/);
    await expect(load(one)).rejects.toMatchObject({ kind: 'usage', code: one.fails });
  });
});

describe.each([...patterns, ...limits])('$one.name: $pattern $limit', ({ one, pattern, limit }) => {
  test('selects the hosts that ansible lists', async () => {
    const { stdout, stderr } = asked(`${one.name} ${pattern} ${limit}`);
    const theirs = stdout
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
      .filter((line) => line !== '');
    const inventory = await load(one);
    if (stderr.includes('Could not match supplied host pattern') || theirs.length === 0) {
      expect(() => inventory.select(pattern, { limit })).toThrow(StateError);
    } else {
      expect(inventory.select(pattern, { limit }).map((host) => host.name)).toEqual(theirs);
    }
  });
});

function job(one: InventoryCase, kind: Job['kind'], args: readonly string[]): Job {
  const sources = one.sources.flatMap((source) => ['-i', source]);
  const vault = one.vault.flatMap((id) => ['--vault-id', `${id}@vault-${id}`]);
  return { kind, cwd: one.folder, env: environment(one), args: [...args, ...sources, ...vault] };
}

function environment(one: InventoryCase): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: home, LC_ALL: 'C.UTF-8', ANSIBLE_NOCOLOR: '1', ...one.env };
}

async function load(one: InventoryCase): Promise<Inventory> {
  const passwords = { default: 'correct horse', prod: 'other battery' };
  return await loadInventory(one.sources, {
    cwd: one.folder,
    env: environment(one),
    vaultPasswords: Object.entries(passwords)
      .filter(([id]) => one.vault.includes(id))
      .map(([id, password]) => ({ id, password: new Secret(password) })),
  });
}

function asked(name: string): Answer {
  const answer = answers.get(name);
  if (answer === undefined) throw new Error(`Ansible was not asked "${name}"`);
  return answer;
}

const Values = z.record(
  z.string(),
  z.record(
    z.string(),
    z.union([
      z.strictObject({ value: z.json() }),
      z.strictObject({ undefined: z.string() }),
      z.strictObject({ error: z.string() }),
    ]),
  ),
);

type Outcomes = Record<string, Record<string, unknown>>;

function theirValues(values: z.output<typeof Values>, one: InventoryCase): Outcomes {
  return Object.fromEntries(
    Object.entries(values).map(([host, variables]) => [
      host,
      Object.fromEntries(
        Object.entries(variables)
          .filter(([name]) => !one.unsupported.includes(name))
          .map(([name, answer]) => [name, 'value' in answer ? answer.value : 'fails']),
      ),
    ]),
  );
}

function ourValues(inventory: Inventory, one: InventoryCase): Outcomes {
  return Object.fromEntries(
    inventory.hosts.map((host) => [
      host.name,
      Object.fromEntries(
        host
          .variableNames()
          .filter((name) => !one.unsupported.includes(name))
          .map((name) => [name, outcome(() => host.variable(name))]),
      ),
    ]),
  );
}

function outcome(work: () => unknown): unknown {
  try {
    return revealed(work());
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(StateError);
    return 'fails';
  }
}

function revealed(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, revealed(member)]));
}
