import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { Secret } from '../../../src/core/secret.js';
import { loadInventory } from '../../../src/inventory/inventory.js';
import { inventoryGraph, inventoryList } from '../../../src/inventory/render.js';
import { Vault } from '../../../src/inventory/vault.js';
import { damaged, FUZZ_TIMEOUT, fuzz } from '../fuzz.js';

/** The inventories that are held against Ansible, bent: whatever people mistype looks much like these. */
const DATA = join(import.meta.dirname, '../../data/inventories');
const passwords = [
  { id: 'default', password: new Secret('correct horse') },
  { id: 'prod', password: new Secret('other battery') },
];
const corpus = await readCorpus();
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mutations-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** One change somewhere in a text: a piece is left out, doubled, put elsewhere, or something odd is put in. */
type Change = { readonly at: number; readonly length: number; readonly put: string };

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(10_000),
  length: fc.nat(6),
  put: fc.oneof(
    fc.constantFrom('', ' ', '\n', '\t', '  ', '\r\n', ':', '=', '-', '- ', '[', ']', '{', '}', '{{', '}}'),
    fc.constantFrom('"', "'", '#', '\\', '|', '&a', '*a', '!vault ', '<<: ', ',', '\0', '\u2028', '[1:'),
    fc.string({ unit: 'binary', maxLength: 4 }),
  ),
});

function bent(text: string, changes: readonly Change[]): string {
  return changes.reduce((now, { at, length, put }) => {
    const start = at % (now.length + 1);
    return now.slice(0, start) + put + now.slice(start + length);
  }, text);
}

test('there are enough inventories to bend', () => {
  expect(corpus.length).toBeGreaterThan(50);
});

test(
  'a bent inventory loads, or fails with an error of ours that has a code',
  async () => {
    const bending = fc.tuple(
      fc.constantFrom(...corpus),
      fc.nat(20),
      fc.array(change, { minLength: 1, maxLength: 3 }),
    );
    let loaded = 0;
    let refused = 0;
    let run = 0;
    await fuzz(
      fc.asyncProperty(bending, async ([files, which, changes]) => {
        const root = join(folder, String(run++));
        const victim = which % files.length;
        for (const [index, { name, text }] of files.entries()) {
          await mkdir(dirname(join(root, name)), { recursive: true });
          await writeFile(join(root, name), index === victim ? bent(text, changes) : text);
        }
        try {
          await useAll(root, files[0]?.name.split('/')[0] ?? '');
          loaded++;
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(StateError);
          expect(thrown).toMatchObject({ kind: 'usage', code: expect.stringMatching(/^inventory\./) });
          refused++;
        } finally {
          await rm(root, { recursive: true });
        }
      }),
    );
    // Both ends are reached, or the bending would prove nothing.
    expect(loaded).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(20);
  },
  FUZZ_TIMEOUT,
);

test(
  'so does one with flipped bits, holes and cuts, as bytes',
  async () => {
    let run = 0;
    const file = fc
      .constantFrom(...corpus.flat())
      .chain(({ name, text }) =>
        fc.tuple(fc.constant(name.split('/').at(-1) ?? name), damaged(Buffer.from(text))),
      );
    await fuzz(
      fc.asyncProperty(file, async ([name, bytes]) => {
        const root = join(folder, `bytes-${run++}`);
        await mkdir(root);
        await writeFile(join(root, name), bytes, { mode: 0o600 });
        try {
          await useAll(root, name);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(StateError);
          expect(thrown).toMatchObject({ kind: 'usage', code: expect.stringMatching(/^inventory\./) });
        } finally {
          await rm(root, { recursive: true });
        }
      }),
    );
  },
  FUZZ_TIMEOUT,
);

/** Everything that a command asks of an inventory. */
async function useAll(cwd: string, source: string): Promise<void> {
  const inventory = await loadInventory([source], {
    cwd,
    env: { HOME: '/home/me' },
    vaultPasswords: passwords,
  });
  inventoryList(inventory, { export: true });
  inventoryList(inventory);
  inventoryGraph(inventory);
  for (const host of inventory.hosts) {
    for (const name of host.variableNames()) onlyOurs(() => host.variable(name));
  }
}

describe('host lists', () => {
  test(
    'whatever the text, there is an inventory or an error of ours',
    async () => {
      const text = fc.string({ unit: fc.constantFrom(...'ab1.,:[]-@ /~\u001b{}=é'), maxLength: 24 });
      await fuzz(
        fc.asyncProperty(text, async (list) => {
          const inventory = await loadInventory([`${list},`], { cwd: folder, env: {} }).catch(
            (thrown: unknown) => {
              expect(thrown).toBeInstanceOf(StateError);
            },
          );
          if (inventory !== undefined) onlyOurs(() => inventoryList(inventory));
        }),
      );
    },
    FUZZ_TIMEOUT,
  );
});

describe('vault', () => {
  test(
    'whatever the text, it opens or is refused by an error of ours',
    async () => {
      const vault = new Vault(passwords);
      const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef\n'), maxLength: 200 });
      const envelope = fc
        .tuple(fc.constantFrom('1.0', '1.1', '1.2', ''), fc.constantFrom('AES256', 'AES', ''), hex)
        .map(([version, cipher, body]) => `$ANSIBLE_VAULT;${version};${cipher}\n${body}`);
      await fuzz(
        fc.property(fc.oneof(envelope, fc.string(), fc.string({ unit: 'binary' })), (text) => {
          onlyOurs(() => vault.open(text, 'It', undefined));
        }),
      );
    },
    FUZZ_TIMEOUT,
  );
});

function onlyOurs(work: () => unknown): void {
  try {
    work();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(StateError);
  }
}

interface CorpusFile {
  readonly name: string;
  readonly text: string;
}

/** The files of each inventory; those with programs are left out, because bent programs must not be run. */
async function readCorpus(): Promise<CorpusFile[][]> {
  const found: CorpusFile[][] = [];
  for (const name of (await readdir(DATA)).sort()) {
    const parts = (await readFile(join(DATA, name), 'utf8'))
      .split(/^-- (\S+)(?: ([0-7]{3}))? --\n/m)
      .slice(1);
    const files: CorpusFile[] = [];
    let programs = 0;
    for (let index = 0; index < parts.length; index += 3) {
      const [file = '', mode, text = ''] = parts.slice(index, index + 3);
      if (mode !== undefined) programs++;
      if (file !== 'case.json') files.push({ name: file, text });
    }
    if (programs === 0 && files.length > 0) found.push(files);
  }
  return found;
}
