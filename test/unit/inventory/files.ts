import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Inventory, type InventoryOptions, loadInventory } from '../../../src/inventory/inventory.js';

/** Lays files out in a folder of their own, which goes when the test ends. Names that end in `.sh` are executable. */
export async function layOut(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'inventory-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    if (name.endsWith('.sh')) await chmod(path, 0o755);
  }
  return folder;
}

/** An inventory from files; its source is the folder of the first one, or that file itself at the top. */
export async function inventoryOf(
  files: Readonly<Record<string, string>>,
  options: Partial<InventoryOptions> & { readonly sources?: readonly string[] } = {},
): Promise<Inventory> {
  const cwd = await layOut(files);
  const source = Object.keys(files)[0]?.split('/')[0] ?? '';
  return await loadInventory(options.sources ?? [source], { cwd, env: { HOME: '/home/me' }, ...options });
}

/** The error of a load that must fail. */
export async function failureOf(
  files: Readonly<Record<string, string>>,
  options: Partial<InventoryOptions> & { readonly sources?: readonly string[] } = {},
): Promise<unknown> {
  return inventoryOf(files, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
}
