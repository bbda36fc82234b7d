import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { ALL_OUTPUT, coolifyState, LAB, lab, type Outcome, type Workplace, workplace } from './lab.js';
import { hostOf, leftoversIn } from './observations.js';
import { secretsIn, secretsOf } from './secret-search.js';

/** Whoever logs in, what is backed up is root's view of the host. */
const HOST = 'accounts.test';
const PORT = 2234;
const WRONG = 'not-the-password-of-anyone';

let place: Workplace;
let asRoot: Content;

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, {});
  const { outcome, content } = await backupAs('root', {});
  expect(outcome.status, outcome.stderr).toBe(0);
  asRoot = await content();
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

const manifestSchema = z.object({
  files: z.array(z.looseObject({ path: z.string() })),
  // What the database takes on disk changes by itself: PostgreSQL tidies up.
  instance: z.looseObject({
    database: z
      .looseObject({ tables: z.array(z.looseObject({})) })
      .transform(({ sizeBytes: _, ...database }) => database),
  }),
});
type Content = z.infer<typeof manifestSchema>;

async function backupAs(
  user: string,
  vars: Readonly<Record<string, unknown>>,
): Promise<{ readonly outcome: Outcome; readonly content: () => Promise<Content> }> {
  const repository = `file:${join(place.folder, 'repository')}`;
  await place.writeInventory({ coolify_repository: repository, ansible_user: user, ...vars });
  const outcome = await coolifyState(['backup', ...place.options, '--json']);
  const content = async (): Promise<Content> => {
    const manifest = manifestSchema.parse(
      JSON.parse(await readFile(join(place.state, HOST, 'manifest.json'), 'utf8')),
    );
    // The dump bears its time and the guide its generation; the rows are compared by the hashes of their tables.
    const files = manifest.files.filter(({ path }) => !/coolify_db\.dump$|^RESTORE\.md$/.test(path));
    return { ...manifest, files };
  };
  return { outcome, content };
}

async function expectSameAsRoot({ outcome, content }: Awaited<ReturnType<typeof backupAs>>): Promise<void> {
  expect(outcome.status, outcome.stderr).toBe(0);
  expect(asRoot.files.length).toBeGreaterThan(200);
  expect(await content()).toEqual(asRoot);
}

it('a user who may use sudo without a password backs up the same files and rows as root', async () => {
  await expectSameAsRoot(await backupAs('deployer', {}));
});

it('a user whose sudo wants a password does with ansible_become_password', async () => {
  const password = (await readFile(join(LAB, 'operator-password'), 'utf8')).trim();
  await expectSameAsRoot(await backupAs('operator', { ansible_become_password: password }));
});

it.each([
  {
    vars: { ansible_become_password: WRONG },
    code: 'ssh.become-password-wrong',
    what: /^The sudo password for operator on \S+ is wrong$/,
  },
  { vars: {}, code: 'ssh.become-password-missing', what: /^sudo on \S+ wants a password from operator$/ },
])('a sudo that refuses is a failure of the host: $code', async ({ vars, code, what }) => {
  const { outcome } = await backupAs('operator', vars);
  expect(outcome.status, outcome.stderr).toBe(1);
  const { error } = hostOf(outcome);
  expect(error).toMatchObject({ kind: 'failed', code });
  expect(error?.what).toMatch(what);
  expect(await leftoversIn(place.state)).toEqual([]);
});

it('no secret was shown by any of these runs', async () => {
  const secrets = [...(await secretsOf(HOST)), { name: 'the wrong password', value: WRONG }];
  expect(secretsIn(ALL_OUTPUT, secrets)).toEqual([]);
});
