import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { coolifyState, lab, type Outcome, onHost, type Workplace, workplace } from './lab.js';
import { leftoversIn } from './observations.js';

/** What a host has become since its snapshot, told artifact by artifact, and nothing changed by the telling. */
const HOST = 'diff.test';
const PORT = 2311;

let place: Workplace;

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, {});
  await place.writeInventory({ coolify_repository: `file:${join(place.folder, 'repository')}` });
  const { status, stderr } = await coolifyState(['backup', ...place.options]);
  expect(status, stderr).toBe(0);
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

const differenceSchema = z.object({ change: z.string(), what: z.string(), detail: z.string().optional() });
const summarySchema = z.object({
  type: z.literal('summary'),
  hosts: z.array(
    z.looseObject({
      differs: z.boolean().nullable(),
      comparisons: z
        .array(z.object({ artifact: z.string(), title: z.string(), differences: z.array(differenceSchema) }))
        .optional(),
    }),
  ),
});

async function diff(
  ...args: readonly string[]
): Promise<{ outcome: Outcome; differs: boolean | null; of: Record<string, string[]> }> {
  const outcome = await coolifyState(['diff', ...place.options, '--json', ...args]);
  const [host] = summarySchema.parse(JSON.parse(outcome.stdout.trim().split('\n').at(-1) ?? '')).hosts;
  const of = Object.fromEntries(
    (host?.comparisons ?? []).map(({ artifact, differences }) => [
      artifact,
      differences.map(({ change, what, detail }) => [change, what, ...(detail ? [detail] : [])].join(' | ')),
    ]),
  );
  return { outcome, differs: host?.differs ?? null, of };
}

it('a host that did not change equals its snapshot, and status 0 says so', async () => {
  const { outcome, differs, of } = await diff();
  expect(outcome.status, outcome.stderr).toBe(0);
  expect(differs).toBe(false);
  expect(Object.keys(of)).toContain('database');
  expect(Object.values(of).flat()).toEqual([]);
});

it('each kind of change is told by name with status 1, and no value of a secret is shown', async () => {
  await onHost(
    HOST,
    `set -e
     cd /data/coolify
     sed -i 's/^REGISTRY_URL=.*//' source/.env
     echo 'DRIFT_KEY=a-value-nobody-shall-see' >> source/.env
     echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f newcomer' >> /root/.ssh/authorized_keys
     first=$(ls ssh/keys | grep ssh_key@ | head -1)
     chmod 644 "ssh/keys/$first"
     docker exec coolify-db psql -qU coolify -d coolify -c "
       CREATE TABLE drift (id integer PRIMARY KEY, note text DEFAULT 'x');
       INSERT INTO drift SELECT generate_series(1, 7);
       ALTER TABLE teams ALTER COLUMN name SET DEFAULT 'other';
       UPDATE teams SET name = name || '!' WHERE id = 0;"`,
  );
  const { outcome, differs, of } = await diff();
  expect(outcome.status, outcome.stderr).toBe(1);
  expect(differs).toBe(true);
  expect(of['env']).toContain('added | DRIFT_KEY');
  expect(of['app-key']).toEqual([]);
  expect(of['authorized-keys']).toEqual([expect.stringMatching(/^added \| SHA256:\S+ newcomer$/)]);
  expect(of['managed-keys']).toEqual([expect.stringMatching(/ssh_key@\S+\) \| mode 0600 -> 0644$/)]);
  expect(of['database']).toEqual(
    expect.arrayContaining([
      'added | table drift',
      'changed | table teams | other definition',
      expect.stringMatching(/^changed \| rows of teams \| other content in \d+ rows$/),
    ]),
  );
  expect(outcome.stdout + outcome.stderr).not.toContain('a-value-nobody-shall-see');
});

it('two snapshots are compared without the host, and --only asks for a part', async () => {
  const backup = await coolifyState(['backup', ...place.options]);
  expect(backup.status, backup.stderr).toBe(0);
  const kept = (await readdir(join(place.state, '.generations', HOST))).filter((name) => /^\d/.test(name));
  expect(kept).toHaveLength(1);
  await onHost(HOST, 'docker pause coolify-db');
  try {
    const { outcome, of } = await diff('--from', String(kept[0]), '--with', 'latest', '--only', 'env');
    expect(outcome.status, outcome.stderr).toBe(1);
    expect(Object.keys(of)).toEqual(['env']);
    expect(of['env']).toContain('added | DRIFT_KEY');
    const same = await diff('--from', 'local', '--with', 'latest');
    expect(same.outcome.status, same.outcome.stderr).toBe(0);
  } finally {
    await onHost(HOST, 'docker unpause coolify-db');
  }
});

it('a person reads one line for each difference', async () => {
  await onHost(HOST, 'echo ANOTHER=1 >> /data/coolify/source/.env');
  const { status, stdout } = await coolifyState(['diff', ...place.options]);
  expect(status).toBe(1);
  expect(stdout).toMatch(/^ {2}~? ?\+ env +ANOTHER +added$/m);
  expect(stdout).toMatch(/^ {2}= app-key, host-keys/m);
});

it('what could not be compared is neither same nor different', async () => {
  const { outcome, differs } = await diff('--from', 'ffffffff');
  expect(outcome.status).toBe(1);
  expect(differs).toBeNull();
  expect(outcome.stdout).toContain('repository.no-snapshot');
});

it('nothing is left behind, here or on the host', async () => {
  const manifest = await readFile(join(place.state, HOST, 'manifest.json'), 'utf8');
  expect(JSON.parse(manifest)).toMatchObject({ host: HOST });
  expect(await leftoversIn(place.state)).toEqual([]);
});
