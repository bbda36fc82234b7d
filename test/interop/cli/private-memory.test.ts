import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Processes of their own that ask for their memory to be kept private, and the same ones that do not. */
const SOURCE = resolve(import.meta.dirname, '../../../src/cli/private-memory.ts');
const MARK = 'what-nobody-may-read';
const GUARDED = "import { keepMemoryPrivate } from './private-memory.js';\nkeepMemoryPrivate();\n";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'private-memory-'));
  const build = await rolldown({ input: SOURCE, platform: 'node' });
  await build.write({ file: join(folder, 'private-memory.js'), format: 'esm' });
  await build.close();
  for (const [name, beginning] of [
    ['guarded', GUARDED],
    ['open', ''],
  ])
    await writeFile(join(folder, `${name}.mjs`), `${beginning}${PROGRAM}`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const PROGRAM = `
import { url } from 'node:inspector';
// Made at run time, so that it stands in memory alone.
const secret = Buffer.from('${Buffer.from(MARK).toString('hex')}', 'hex').toString();
process.on('SIGUSR2', () => console.log(url() ?? 'no inspector'));
setInterval(() => secret.length, 1000);
if (process.argv[2] === 'abort') { console.log(secret); process.abort(); }
console.log('ready');
`;

type Started = ChildProcessByStdio<null, Readable, Readable>;

/** What a process answers after both signals, asked until it is `wanted` or it was asked so often. */
async function inspectorOf(name: string, wanted: (answer: string) => boolean): Promise<string> {
  const child: Started = spawn(process.execPath, ['--inspect-port=0', join(folder, `${name}.mjs`)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr.resume();
  const lines = createInterface(child.stdout);
  try {
    await once(lines, 'line');
    child.kill('SIGUSR1');
    let answer = '';
    for (let asked = 0; asked < 50 && !wanted(answer); asked++) {
      const heard = once(lines, 'line');
      child.kill('SIGUSR2');
      answer = String((await heard)[0]);
    }
    return answer;
  } finally {
    child.kill('SIGKILL');
  }
}

/** The core dump of a process that breaks off, where the system writes one beside it. */
async function coreOf(name: string): Promise<Buffer> {
  const place = join(folder, `core-${name}`);
  await mkdir(place);
  const child = spawn(
    'sh',
    ['-c', 'ulimit -c unlimited; exec "$@"', 'sh', process.execPath, join(folder, `${name}.mjs`), 'abort'],
    {
      cwd: place,
      stdio: 'ignore',
    },
  );
  await once(child, 'close');
  const [core] = await readdir(place);
  if (core === undefined) throw new Error('no core dump was written');
  return await readFile(join(place, core));
}

describe('SIGUSR1', () => {
  it('opens no inspector', async () => {
    expect(await inspectorOf('guarded', (answer) => answer.startsWith('ws:'))).toBe('no inspector');
  });

  it('would open one otherwise', async () => {
    expect(await inspectorOf('open', (answer) => answer.startsWith('ws:'))).toMatch(/^ws:/);
  });
});

describe.runIf(process.platform === 'linux')('a core dump', () => {
  it('has nothing of the memory in it', async ({ skip }) => {
    const pattern = (await readFile('/proc/sys/kernel/core_pattern', 'utf8')).trim();
    if (/[|/]/.test(pattern))
      return skip(`core dumps go to "${pattern}" here, and not into a file that can be looked at`);
    const [guarded, open] = [await coreOf('guarded'), await coreOf('open')];
    expect(open.includes(MARK)).toBe(true);
    expect(guarded.includes(MARK)).toBe(false);
    expect(guarded.length).toBeLessThan(open.length / 10);
  });
});
