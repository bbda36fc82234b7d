import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examplesIn } from '../interop/docs/examples.js';
import { collect, coolifyState, lab, PROGRAM, PROJECT, type Workplace, workplace } from './lab.js';
import { ONLINE_CASES } from './online-cases.js';

/**
 * What programs build on, on a host that answers: the examples of docs/library.md as they stand there, and exit status and
 * JSON of each command that needs one.
 */
const HOST = 'interfaces.test';
const PORT = 2292;

let place: Workplace;
const run = (name: string, options: Parameters<typeof collect>[2] = {}) =>
  collect(process.execPath, [join(place.folder, name)], { cwd: place.folder, ...options });

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, {});
  await place.writeInventory({ coolify_repository: `file:${join(place.folder, 'repository')}` });
  const page = await readFile(join(PROJECT, 'docs/library.md'), 'utf8');
  for (const { name, text } of examplesIn(page)) await writeFile(join(place.folder, name), text);
  const installed = join(place.folder, 'node_modules/coolify-state');
  await mkdir(installed, { recursive: true });
  await writeFile(
    join(installed, 'package.json'),
    JSON.stringify({ name: 'coolify-state', type: 'module', exports: './index.js' }),
  );
  await writeFile(join(installed, 'index.js'), `export * from '${pathToFileURL(built())}';\n`);
}, 300_000);

afterAll(() => place?.remove());

/** The built library that belongs to the program: beside it, or above its folder. */
function built(): string {
  const places = [join(dirname(PROGRAM), 'index.js'), join(dirname(PROGRAM), '../index.js')];
  const found = places.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`there is no library beside ${PROGRAM}: npm run build`);
  return found;
}

describe('the examples of docs/library.md', () => {
  it('back up a host, and plan a restore of it', async () => {
    const stored = await run('backup.mjs');
    expect(stored.status, stored.stderr).toBe(0);
    expect(stored.stdout).toContain(`${HOST}: ok prove what was pulled`);
    expect(stored.stdout).toMatch(/: \d proofs hold, stored as [0-9a-f]{8}\n/);

    const planned = await run('plan.mjs');
    expect(planned.status, planned.stderr).toBe(0);
    expect(planned.stdout).toContain(' onto a host that is installed');
  });

  it('end in order when they are interrupted', async () => {
    const { status, stderr } = await run('backup.mjs', {
      started: (process) => process.stdout?.once('data', () => process.kill('SIGINT')),
    });
    expect(status, stderr).toBe(130);
    expect(stderr).toContain('(interrupted)');
  });
});

describe('a command on a host that answers', () => {
  it.each(ONLINE_CASES.map((one) => ({ ...one, title: one.args.join(' ') })))(
    '$title: $status',
    async ({ args, status, code }) => {
      const [command] = args;
      const text = await coolifyState([...args, ...place.options]);
      expect(text.status, text.stderr + text.stdout).toBe(status);
      // Each line is held to its schema by `coolifyState`.
      const json = await coolifyState([...args, ...place.options, '--json']);
      expect(json.status, json.stderr).toBe(status);
      const last = json.stdout.trimEnd().split('\n').at(-1) ?? '';
      expect(last).toContain(code === undefined ? `"command":"${command}"` : `"code":"${code}"`);
      if (code !== undefined) expect(text.stdout + text.stderr).toContain(`code: ${code}`);
    },
  );
});
