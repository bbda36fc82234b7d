import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

const room = new URL('../../../src/repository/', import.meta.url);

describe('the AWS SDK', () => {
  it('is loaded only for an S3 repository: no other file reaches it by a static import', async () => {
    const files = (await readdir(room)).filter((file) => file.endsWith('.ts'));
    const importsOf = async (file: string) => {
      const text = await readFile(new URL(file, room), 'utf8');
      return Array.from(
        text.matchAll(/^(?:import|export)(?! type)[^;]*? from '([^']+)';/gms),
        ([, from]) => from ?? '',
      );
    };
    const graph = new Map(
      await Promise.all(files.map(async (file) => [file, await importsOf(file)] as const)),
    );
    const reachable = new Set<string>();
    const visit = (file: string) => {
      for (const from of graph.get(file) ?? []) {
        if (reachable.has(from)) continue;
        reachable.add(from);
        visit(from.replace('./', '').replace(/\.js$/, '.ts'));
      }
    };
    visit('s3.ts');
    expect([...reachable]).toContain('@aws-sdk/client-s3');
    reachable.clear();
    for (const file of files) if (!file.startsWith('s3')) visit(file);
    expect([...reachable].filter((from) => from.startsWith('@'))).toEqual([]);
  });
});
