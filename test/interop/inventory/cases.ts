import { chmod, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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
