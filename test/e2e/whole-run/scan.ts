import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { formsOf } from './forms.js';
import { FOLDER, recordOutput } from './record.js';

/** Begins and ends a run of the end-to-end tests: all that they printed is searched for the secrets of all their hosts. */
export async function setup(): Promise<() => Promise<void>> {
  const lab = resolve(import.meta.dirname, '../../../.lab');
  await mkdir(lab, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(lab, 'outputs-'));
  for (const kind of ['outputs', 'secrets']) await mkdir(join(folder, kind));
  process.env[FOLDER] = folder;
  return async () => {
    try {
      const { sentence, found } = await searched(folder);
      process.stdout.write(`${[sentence, ...found].join('\n  ')}\n`);
      // What is thrown at this point is shown, and does not make the run fail.
      if (found.length > 0) process.exitCode = 1;
    } catch (error) {
      process.exitCode = 1;
      throw error;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

/**
 * Searches what was recorded. A control is planted first in each form, and has to be found: a search that finds nothing says
 * nothing otherwise.
 */
export async function searched(
  folder: string,
): Promise<{ readonly sentence: string; readonly found: string[] }> {
  const secrets = await recordedSecrets(join(folder, 'secrets'));
  const names = new Map(
    [...secrets].flatMap(([value, name]) => formsOf(value).map((form) => [form, name] as const)),
  );
  const control = `a control+that/is "planted" ${process.pid}`;
  const controls = formsOf(control);
  for (const form of controls) {
    names.set(form, CONTROL);
    recordOutput('control', `before${form}behind`);
  }
  const patterns = join(folder, 'patterns');
  await writeFile(patterns, `${[...names.keys()].join('\n')}\n`, { mode: 0o600 });
  const outputs = join(folder, 'outputs');
  const matches = await grep(patterns, outputs);
  const planted = new Set(matches.filter(({ text }) => names.get(text) === CONTROL).map(({ text }) => text));
  if (planted.size < controls.length)
    throw new Error(`the search found ${planted.size} of ${controls.length} planted controls`);
  const found = matches
    .filter(({ text }) => names.get(text) !== CONTROL)
    .map(({ path, text }) => `${names.get(text) ?? 'something'} in ${relative(outputs, path)}`);
  const sizes = await Promise.all(
    (await readdir(outputs)).map(async (name) => (await stat(join(outputs, name))).size),
  );
  const mebibytes = (sizes.reduce((sum, size) => sum + size, 0) / 2 ** 20).toFixed(1);
  return {
    sentence: `secret scan: ${secrets.size} secrets in ${names.size - controls.length} forms searched for in ${mebibytes} MiB of output: ${found.length === 0 ? 'none found' : `${found.length} FOUND`}; all ${controls.length} planted controls found`,
    found: [...new Set(found)],
  };
}

const CONTROL = 'the planted control';
const secretLine = z.object({ name: z.string(), value: z.string() });

async function recordedSecrets(folder: string): Promise<Map<string, string>> {
  const secrets = new Map<string, string>();
  for (const file of await readdir(folder)) {
    const lines = (await readFile(join(folder, file), 'utf8')).split('\n').filter(Boolean);
    for (const line of lines) {
      const { name, value } = secretLine.parse(JSON.parse(line));
      secrets.set(value, name);
    }
  }
  return secrets;
}

/** Thousands of texts in hundreds of mebibytes: a program that was made for it. */
async function grep(patterns: string, folder: string): Promise<{ path: string; text: string }[]> {
  const args = ['-r', '-a', '-o', '-F', '-Z', '-f', patterns, folder];
  const child = spawn('grep', args, {
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const status = await new Promise((done, fail) => child.on('error', fail).on('close', done));
  if (status !== 0 && status !== 1) throw new Error(`grep ended with ${String(status)}`);
  return Buffer.concat(chunks)
    .toString('latin1')
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [path = '', text = ''] = line.split('\0');
      return { path, text };
    });
}
