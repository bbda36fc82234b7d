import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { formsOf } from '../../e2e/whole-run/forms.js';
import { FOLDER, recordFiles, recordOutput, recordSecrets } from '../../e2e/whole-run/record.js';
import { searched } from '../../e2e/whole-run/scan.js';

const SECRET = 'tr0ub4dor&3/of "all" things+';
let folder: string;
let before: string | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'secret-scan-'));
  for (const kind of ['outputs', 'secrets', 'place']) await mkdir(join(folder, kind));
  before = process.env[FOLDER];
  process.env[FOLDER] = folder;
  recordSecrets([{ name: 'the password', value: SECRET }]);
});
afterEach(async () => {
  if (before === undefined) delete process.env[FOLDER];
  else process.env[FOLDER] = before;
  await rm(folder, { recursive: true, force: true });
});

it('finds nothing where nothing is, and says what was searched', async () => {
  recordOutput('program', 'all is well: tr0ub4dor, of all things');
  const { sentence, found } = await searched(folder);
  expect(found).toEqual([]);
  expect(sentence).toMatch(
    /^secret scan: 1 secrets in \d+ forms .* none found; all \d+ planted controls found$/,
  );
});

it.each(formsOf(SECRET))('finds a secret as %s', async (form) => {
  recordOutput('program', `one line\nan error: ${form}, and more\n`);
  expect((await searched(folder)).found).toEqual([`the password in ${process.pid}-program.txt`]);
});

it.each([0, 1, 2, 3])('finds it within a text in base64 that has %i more bytes before it', async (more) => {
  const text = Buffer.from(`${'x'.repeat(more)}${SECRET} and what follows`).toString('base64');
  recordOutput('program', `{"body":"${text}"}`);
  expect((await searched(folder)).found).toHaveLength(1);
});

it('looks into what is stored or shown in the clear, and not into an inventory', async () => {
  await writeFile(join(folder, 'place/inventory.json'), SECRET);
  recordFiles(join(folder, 'place'));
  expect((await searched(folder)).found).toEqual([]);
  await writeFile(join(folder, 'place/metrics.prom'), `coolify{x="${SECRET.replaceAll('"', '\\"')}"} 1`);
  recordFiles(join(folder, 'place'));
  expect((await searched(folder)).found).toEqual([`the password in ${process.pid}-files.txt`]);
});
