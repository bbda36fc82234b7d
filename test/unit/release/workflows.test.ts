import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const PROJECT = resolve(import.meta.dirname, '../../..');
const FOLDER = join(PROJECT, '.github/workflows');
const names = readdirSync(FOLDER).filter((name) => name.endsWith('.yml'));

const rights = z.record(z.string(), z.enum(['read', 'write', 'none']));
const step = z.object({
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
});
const workflow = z.object({
  permissions: rights,
  jobs: z.record(
    z.string(),
    z.object({ permissions: rights.optional(), needs: z.array(z.string()).optional(), steps: z.array(step) }),
  ),
});

const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const parsed = (name: string): z.infer<typeof workflow> => workflow.parse(parse(read(name)));
const jobs = names.flatMap((name) =>
  Object.entries(parsed(name).jobs).map(([job, rest]) => ({ name: `${name} ${job}`, ...rest })),
);
const steps = jobs.flatMap(({ name, steps }) => steps.map((one) => ({ name, ...one })));
const mayWrite = (given: z.infer<typeof rights> | undefined): boolean =>
  Object.values(given ?? {}).includes('write');

describe('the workflows', () => {
  it('are read', () => {
    expect(names).toContain('release.yml');
    expect(steps.length).toBeGreaterThan(20);
  });

  it('have no rights but to read, unless a job says so', () => {
    expect(names.filter((name) => mayWrite(parsed(name).permissions))).toEqual([]);
  });

  it('take the actions of others by commit, with the version beside it', () => {
    const used = names.flatMap((name) =>
      [...read(name).matchAll(/uses: (.*)/g)].map(([, text = '']) => text),
    );
    expect(used).toHaveLength(steps.filter(({ uses }) => uses !== undefined).length);
    expect(used.filter((text) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(text))).toEqual([]);
  });

  it('take each action at one commit', () => {
    const commits = new Set(steps.flatMap(({ uses }) => uses ?? []));
    expect(commits.size).toBe(new Set([...commits].map((uses) => uses.split('@')[0])).size);
  });

  it('leave no credentials of the repository to the steps that follow', () => {
    const checkouts = steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'));
    expect(checkouts.filter((found) => found.with?.['persist-credentials'] !== false)).toEqual([]);
  });

  it('put nothing that others can write into a script', () => {
    expect(steps.filter(({ run }) => run?.includes('${{'))).toEqual([]);
  });

  it('run nothing of the project where they may write', () => {
    const own = jobs
      .filter(({ permissions }) => mayWrite(permissions))
      .filter(({ steps }) =>
        steps.some(
          ({ uses, run }) => uses?.includes('checkout') === true || /npm (ci|i)\b|make /.test(run ?? ''),
        ),
      );
    expect(own.map(({ name }) => name)).toEqual([]);
    expect(jobs.filter(({ permissions }) => mayWrite(permissions)).map(({ name }) => name)).toEqual([
      'release.yml publish',
      'release.yml image',
      'release.yml notes',
    ]);
  });

  it('call scripts and targets that are there', () => {
    const makefile = readFileSync(join(PROJECT, 'Makefile'), 'utf8');
    const runs = steps.flatMap(({ run }) => run?.split('\n') ?? []);
    const scripts = runs.flatMap((line) => line.match(/(?:release|docker)\/[\w-]+\.(?:sh|mjs)/g) ?? []);
    expect(scripts.length).toBeGreaterThan(3);
    for (const script of scripts)
      accessSync(join(PROJECT, script), script.endsWith('.sh') ? constants.X_OK : constants.R_OK);
    const targets = runs.flatMap((line) => /(?:^|\s)make ([a-z -]+)$/.exec(line)?.[1]?.split(' ') ?? []);
    expect(targets).toContain('test-unit');
    expect(targets.filter((target) => !new RegExp(`^${target}:`, 'm').test(makefile))).toEqual([]);
  });
});

describe('a release', () => {
  const { jobs: parts } = parsed('release.yml');

  it('is published with provenance, after it was built and tried, and has a list of what is in it', () => {
    const { publish, build, image, notes } = parts;
    expect(publish?.needs).toEqual(['build', 'try']);
    expect(publish?.permissions).toEqual({ 'id-token': 'write' });
    expect(publish?.steps.at(-1)?.run).toMatch(/^npm publish .*--provenance/);
    expect(build?.steps.some(({ run }) => run?.includes('npm sbom --sbom-format cyclonedx'))).toBe(true);
    expect(notes?.steps.at(-1)?.run).toContain('sbom.cdx.json');
    for (const later of [image, notes]) expect(later?.needs).toEqual(['publish']);
  });

  it('takes what was built as it was built', () => {
    const takers = Object.values(parts).filter(({ steps }) =>
      steps.some(({ uses }) => uses?.includes('download-')),
    );
    expect(takers).toHaveLength(3);
    for (const { steps } of takers)
      expect(steps.filter(({ run }) => run !== undefined)[0]?.run).toBe('sha256sum --check SHA256SUMS');
  });
});
