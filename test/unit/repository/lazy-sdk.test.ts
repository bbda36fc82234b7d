import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOM = resolve(import.meta.dirname, '../../../src/repository');

describe('the AWS SDK', () => {
  it('is loaded only for an S3 repository: no other file reaches it by a static import', async () => {
    const files = (await readdir(ROOM, { recursive: true })).filter((file) => file.endsWith('.ts'));
    const graph = new Map(
      await Promise.all(files.map(async (file) => [file, await importsOf(file)] as const)),
    );
    const reachableFrom = (starts: readonly string[]) => {
      const reached = new Set<string>();
      const visit = (file: string): void => {
        for (const from of graph.get(file) ?? []) {
          if (reached.has(from)) continue;
          reached.add(from);
          visit(from);
        }
      };
      starts.forEach(visit);
      return [...reached];
    };
    expect(reachableFrom(['s3/s3.ts'])).toContain('@aws-sdk/client-s3');
    const others = files.filter((file) => !file.startsWith('s3/'));
    expect(reachableFrom(others).filter((from) => from.startsWith('@'))).toEqual([]);
    expect(others.length).toBeGreaterThan(20);
  });
});

/** What a file imports for more than its types: names of packages, and files by their path in the room. */
async function importsOf(file: string): Promise<string[]> {
  const text = await readFile(join(ROOM, file), 'utf8');
  const statements = text.matchAll(/^(?:import|export)(?! type)[^;]*? from '([^']+)';/gms);
  return Array.from(statements, ([, from = '']) =>
    from.startsWith('.') ? relative(ROOM, resolve(ROOM, dirname(file), from.replace(/\.js$/, '.ts'))) : from,
  );
}
