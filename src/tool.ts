import { readFileSync } from 'node:fs';

/** The folder of this program's package. */
export const PACKAGE = new URL('../', import.meta.url);

/** Name and version of this program, as its package says. Parsed by hand: every start of the program waits for it. */
export const TOOL: { readonly name: string; readonly version: string } = toolOf(
  JSON.parse(readFileSync(new URL('package.json', PACKAGE), 'utf8')),
);

function toolOf(data: unknown): { readonly name: string; readonly version: string } {
  if (typeof data === 'object' && data !== null && 'name' in data && 'version' in data) {
    const { name, version } = data;
    if (typeof name === 'string' && typeof version === 'string') return { name, version };
  }
  throw new Error('package.json of this program has no name and version');
}
