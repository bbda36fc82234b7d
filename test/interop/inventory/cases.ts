import { chmod, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { z } from 'zod';

/** What a case says of itself, in its `case.json`. */
const Facts = z.strictObject({
  /** As `-i` gives them; the first file, or its folder, when left out. */
  sources: z.array(z.string()).optional(),
  env: z.record(z.string(), z.string()).default({}),
  /** Vault passwords by id; they stand in files of the name `vault-ID`. */
  vault: z.array(z.string()).default([]),
  /** The code of our error, where loading must fail. Ansible then fails too, or warns and goes on with less. */
  fails: z.string().optional(),
  /** Variables that we do not work out and Ansible does: documented, and an error that says so. */
  unsupported: z.array(z.string()).default([]),
  /** Patterns to hold against `ansible --list-hosts`. */
  patterns: z.array(z.string()).default([]),
  /** `pattern` and `limit`. */
  limits: z.array(z.tuple([z.string(), z.string()])).default([]),
});

export interface InventoryCase extends z.output<typeof Facts> {
  readonly name: string;
  /** The folder its files were laid out in. */
  readonly folder: string;
  readonly sources: string[];
}

const DATA = join(import.meta.dirname, '../../data/inventories');

/**
 * Lays out every inventory of the corpus in a folder of its own. Each is one text file: lines `-- name --` begin a
 * file, `-- name 755 --` one with that mode.
 */
export async function layOutCases(): Promise<{
  readonly root: string;
  readonly cases: readonly InventoryCase[];
}> {
  const root = await mkdtemp(join(tmpdir(), 'inventories-'));
  const names = (await readdir(DATA)).filter((name) => name.endsWith('.txt')).sort();
  const cases: InventoryCase[] = [];
  for (const name of names) cases.push(await layOut(root, name));
  return { root, cases };
}

async function layOut(root: string, name: string): Promise<InventoryCase> {
  const folder = join(root, name.replace(/\.txt$/, ''));
  await mkdir(folder);
  const text = await readFile(join(DATA, name), 'utf8');
  const parts = text.split(/^-- (\S+)(?: ([0-7]{3}))? --\n/m).slice(1);
  let facts: unknown = {};
  let first: string | undefined;
  for (let index = 0; index < parts.length; index += 3) {
    const [file = '', mode, body = ''] = parts.slice(index, index + 3);
    if (file === 'case.json') {
      facts = JSON.parse(body);
      continue;
    }
    first ??= file;
    const path = join(folder, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, body);
    if (mode !== undefined) await chmod(path, Number.parseInt(mode, 8));
  }
  const parsed = Facts.parse(facts);
  const sources = parsed.sources ?? [first?.split('/')[0] ?? ''];
  return { ...parsed, name: name.replace(/\.txt$/, ''), folder, sources };
}

const NAMES = ['v0', 'v1', 'v2', 'v3'];
const variables = (by: string): fc.Arbitrary<Record<string, string>> =>
  fc.subarray(NAMES).map((names) => Object.fromEntries(names.map((name) => [name, by])));

/** Inventories of chance: groups within groups, hosts in several, variables at every level, priorities, and files. */
export async function layOutRandomCases(root: string, count: number): Promise<InventoryCase[]> {
  const inventory = fc.tuple(
    fc.array(
      fc.record({
        hosts: fc.subarray(['h0', 'h1', 'h2', 'h3']),
        below: fc.array(fc.nat(5), { maxLength: 3 }),
        priority: fc.option(fc.nat(3)),
        inline: variables('inline'),
        file: fc.option(variables('file')),
      }),
      { minLength: 3, maxLength: 8 },
    ),
    fc.record({
      all: variables('inline all'),
      allFile: fc.option(variables('file all')),
      hostFile: fc.option(variables('file of h1')),
    }),
    fc.shuffledSubarray(['g0', 'g1', 'g2', 'g3', 'g4', 'g5', 'g6', 'g7'], { minLength: 8 }),
  );
  const cases: InventoryCase[] = [];
  for (const [index, [groups, files, names]] of fc.sample(inventory, { numRuns: count, seed: 7 }).entries()) {
    const name = `random-${index}`;
    const folder = join(root, name);
    const data: Record<string, object> = { all: { vars: files.all } };
    await mkdir(join(folder, 'group_vars'), { recursive: true });
    await mkdir(join(folder, 'host_vars'));
    for (const [position, group] of groups.entries()) {
      const own = names[position] ?? '';
      const said = (by: object): object =>
        Object.fromEntries(Object.keys(by).map((key) => [key, `${own} ${Object(by)[key]}`]));
      // Children come later in the list, so that there is no loop.
      const children = group.below
        .map((step) => position + 1 + step)
        .filter((child) => child < groups.length);
      data[own] = {
        hosts: Object.fromEntries(group.hosts.map((host) => [host, null])),
        children: Object.fromEntries(children.map((child) => [names[child] ?? '', null])),
        vars: {
          ...said(group.inline),
          ...(group.priority !== null && { ansible_group_priority: group.priority }),
        },
      };
      if (group.file !== null)
        await writeFile(join(folder, 'group_vars', `${own}.yml`), JSON.stringify(said(group.file)));
    }
    if (files.allFile !== null)
      await writeFile(join(folder, 'group_vars/all.yml'), JSON.stringify(files.allFile));
    if (files.hostFile !== null)
      await writeFile(join(folder, 'host_vars/h1.json'), JSON.stringify(files.hostFile));
    await writeFile(join(folder, 'hosts.yml'), JSON.stringify(data));
    cases.push({ ...Facts.parse({}), name, folder, sources: ['hosts.yml'] });
  }
  return cases;
}
