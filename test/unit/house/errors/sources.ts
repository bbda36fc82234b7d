import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** The TypeScript files below a folder, by their paths in it. */
export function sourcesBelow(root: string): { readonly path: string; readonly text: string }[] {
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path: relative(root, path), text: readFileSync(path, 'utf8') }));
}
