import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { command } from '../archive/programs.js';

/** What users copy into their CI: the script, and GitHub's workflow that calls it. */
const PROJECT = resolve(import.meta.dirname, '../../..');
const SCRIPT = join(PROJECT, 'docs/ci/drill.sh');

describe('docs/ci/drill.sh', () => {
  let folder: string;
  const at = (name: string): string => join(folder, name);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'drill-script-'));
    await mkdir(at('keys'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** A program in place of ours, which writes down how it was started and then does as it is told. */
  async function program(then: string): Promise<string> {
    const lines = [
      '#!/bin/sh',
      `printf '%s\\n' "$@" >'${at('arguments')}'`,
      `env >'${at('environment')}'`,
      `stat -c '%a %n' "$(dirname "$COOLIFY_STATE_IDENTITY_PATH")" "$COOLIFY_STATE_IDENTITY_PATH" >'${at('modes')}'`,
      `cat "$COOLIFY_STATE_IDENTITY_PATH" \${COOLIFY_STATE_EVIDENCE_KEY_PATH:-} >'${at('read')}'`,
      then,
    ];
    await writeFile(at('program'), lines.join('\n'));
    await chmod(at('program'), 0o755);
    return at('program');
  }

  function run(env: Readonly<Record<string, string>>, args: readonly string[] = []) {
    const child = spawn(SCRIPT, [...args], {
      cwd: folder,
      env: { PATH: process.env['PATH'], TMPDIR: at('keys'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
    const ended = new Promise<{ status: number | null; text: string }>((resolved, reject) => {
      child.on('error', reject);
      child.on('close', (status) => resolved({ status, text }));
    });
    return { child, ended };
  }

  it('hands the keys to the drill in private files, and nothing of them is left', async () => {
    const env = {
      COOLIFY_STATE: await program('exit 4'),
      DRILL_IDENTITY: 'the identity\nof two lines',
      DRILL_EVIDENCE_KEY: 'the evidence key',
      DRILL_S3_SECRET_KEY: 'the secret of S3',
      DRILL_HOSTS: 'web1,web2',
      DRILL_FROM: '3fa90c1b',
    };
    // The status is the drill's.
    expect((await run(env, ['--no-store']).ended).status).toBe(4);
    expect((await readFile(at('arguments'), 'utf8')).trim().split('\n')).toEqual([
      ...['drill', 'web1,web2', '--from', '3fa90c1b'],
      ...['--evidence', 'drill-evidence', '--summary', 'drill-evidence/summary.md', '--no-store'],
    ]);
    expect(await readFile(at('read'), 'utf8')).toBe('the identity\nof two lines\nthe evidence key\n');
    expect((await readFile(at('modes'), 'utf8')).match(/^\d+/gm)).toEqual(['700', '600']);
    const given = await readFile(at('environment'), 'utf8');
    expect(given).toContain('HETZNER_S3_SECRET_KEY=the secret of S3');
    expect(given).not.toMatch(/the identity|the evidence key|^DRILL_(?!HOSTS|FROM)/m);
    expect(await readdir(at('keys'))).toEqual([]);
  });

  it('asks for the identity, and drills without a signature where there is no key for one', async () => {
    const without = await run({ COOLIFY_STATE: await program('') }).ended;
    expect(without.status).not.toBe(0);
    expect(without.text).toContain('DRILL_IDENTITY');
    const unsigned = { COOLIFY_STATE: await program(''), DRILL_IDENTITY: 'x', DRILL_EVIDENCE_KEY: '' };
    expect((await run(unsigned).ended).status).toBe(0);
    expect(await readFile(at('environment'), 'utf8')).not.toContain('COOLIFY_STATE_EVIDENCE_KEY_PATH');
    expect(await readdir(at('keys'))).toEqual([]);
  });

  it('lets the drill end in order when the job is cancelled', async () => {
    const work = `trap 'echo taken down; exit 130' TERM; echo at work; while :; do sleep 0.1; done`;
    const { child, ended } = run({ COOLIFY_STATE: await program(work), DRILL_IDENTITY: 'x' });
    child.stdout.on('data', (text: string) => {
      if (text.includes('at work')) child.kill('SIGTERM');
    });
    expect(await ended).toEqual({ status: 130, text: 'at work\ntaken down\n' });
    expect(await readdir(at('keys'))).toEqual([]);
  });
});

describe('.github/workflows/drill.yml', () => {
  const workflow = z.object({
    permissions: z.record(z.string(), z.string()),
    jobs: z.record(
      z.string(),
      z.object({
        if: z.string(),
        steps: z.array(
          z.object({
            run: z.string().optional(),
            uses: z.string().optional(),
            env: z.record(z.string(), z.string()).optional(),
          }),
        ),
      }),
    ),
  });
  const read = async () => {
    const text = await readFile(join(PROJECT, '.github/workflows/drill.yml'), 'utf8');
    return { text, steps: workflow.parse(parse(text)).jobs['drill']?.steps ?? [] };
  };

  it('gives the script what the script knows, and only names that the documentation tells', async () => {
    const { text, steps } = await read();
    const script = await readFile(SCRIPT, 'utf8');
    const page = await readFile(join(PROJECT, 'docs/drill.md'), 'utf8');
    const given = steps.flatMap(({ env = {} }) => Object.keys(env));
    expect(given.length).toBeGreaterThan(5);
    for (const name of given) expect(script, name).toMatch(new RegExp(`^#.*\\b${name}\\b`, 'm'));
    const asked = [...text.matchAll(/\b(?:secrets|vars)\.(\w+)/g)].map(([, name = '']) => name);
    expect(asked.length).toBeGreaterThan(5);
    for (const name of new Set(asked)) expect(page, name).toContain(`\`${name}\``);
  });

  it('has no expression in a command, where its text would become code, and only actions by their hash', async () => {
    const { steps } = await read();
    for (const { run = '', uses } of steps) {
      expect(run).not.toContain('${{');
      if (uses !== undefined) expect(uses).toMatch(/@[0-9a-f]{40}$/);
    }
  });

  it('passes shellcheck, as the script does', async () => {
    const { steps } = await read();
    const folder = await mkdtemp(join(tmpdir(), 'workflow-'));
    try {
      const commands = steps.flatMap(({ run }) => run ?? []);
      await writeFile(join(folder, 'run.sh'), `#!/bin/bash\nset -e\n${commands.join('\n')}\n`);
      expect(await command('shellcheck', SCRIPT, join(folder, 'run.sh'))).toBe('');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
