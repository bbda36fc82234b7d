import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const PROJECT = resolve(import.meta.dirname, '../../..');
const versions = z.record(z.string(), z.string());
const packageFile = z
  .object({
    dependencies: versions,
    devDependencies: versions,
    scripts: z.record(z.string(), z.string()),
  })
  .parse(JSON.parse(readFileSync(resolve(PROJECT, 'package.json'), 'utf8')));
const lockFile = z
  .object({
    packages: z.record(
      z.string(),
      z.object({
        integrity: z.string().optional(),
        resolved: z.string().optional(),
        dev: z.boolean().optional(),
        hasInstallScript: z.boolean().optional(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(resolve(PROJECT, 'package-lock.json'), 'utf8')));

/** The packages that the first column of a chapter names. */
function named(chapter: string): string[] {
  const page = readFileSync(resolve(PROJECT, 'docs/dependencies.md'), 'utf8');
  const [text = ''] = (page.split(`## ${chapter}\n`)[1] ?? '').split('\n## ');
  const cells = text.split('\n').flatMap((line) => /^\| (`[^|]+) \|/.exec(line)?.[1] ?? []);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)).sort();
}

describe('docs/dependencies.md', () => {
  it('names every package that the program needs, and no other', () => {
    expect(named('At run time')).toEqual(Object.keys(packageFile.dependencies).sort());
  });

  it('names every package for development, and no other', () => {
    expect(named('For development')).toEqual(Object.keys(packageFile.devDependencies).sort());
  });
});

describe('the supply chain', () => {
  it('has the hash of every package in the lockfile', () => {
    const packages = Object.entries(lockFile.packages).filter(([path]) => path !== '');
    expect(packages.length).toBeGreaterThan(100);
    expect(packages.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? ''))).toEqual([]);
  });

  it('names no registry in the lockfile: packages come from the one that npm is set to, and the hash tells', () => {
    expect(Object.entries(lockFile.packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual(
      [],
    );
  });

  it('tells of every package that runs something when it is installed with this program', () => {
    const running = Object.entries(lockFile.packages)
      .filter(([, { hasInstallScript, dev }]) => hasInstallScript === true && dev !== true)
      .map(([path]) => path.replace(/^.*node_modules\//, ''));
    const page = readFileSync(resolve(PROJECT, 'docs/dependencies.md'), 'utf8');
    const chapter = page.split('## What runs at installation')[1] ?? '';
    expect(running.length).toBeGreaterThan(0);
    expect(running.filter((name) => !chapter.includes(`\`${name}\``))).toEqual([]);
  });

  it('runs nothing of ours at an installation', () => {
    const names = ['preinstall', 'install', 'postinstall', 'prepare'];
    expect(names.filter((name) => name in packageFile.scripts)).toEqual([]);
  });
});
