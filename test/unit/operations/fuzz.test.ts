import { chmod, copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identitiesFromFile, type NamedIdentity } from '../../../src/archive/identities.js';
import { failedProofs } from '../../../src/coolify/proofs.js';
import { openSource } from '../../../src/coolify/restore/target.js';
import { StateError } from '../../../src/core/errors.js';
import { type OpenedSnapshot, unpackSnapshot } from '../../../src/operations/snapshots/unpack-snapshot.js';
import { proveSource } from '../../../src/operations/verify/generation.js';
import type { Generation, Generations } from '../../../src/state/generations.js';
import { MANIFEST, type ManifestFile, parseManifest } from '../../../src/state/manifest.js';
import { openStateFolder } from '../../../src/state/state-folder.js';
import { releasedSnapshots } from '../../released-snapshots.js';
import { pieces } from '../archive/streams.js';
import { damaged, FUZZ_TIMEOUT, fuzz } from '../fuzz.js';

/** A real snapshot, whole, as a restore takes it. */
let folder: string;
let scratch: Generations;
let identities: readonly NamedIdentity[];
let object: Buffer;
let host: string;
let good: OpenedSnapshot;

const { signal } = new AbortController();
const reporter = {
  signal,
  moved: () => undefined,
  line: () => undefined,
  warn: () => undefined,
};

beforeAll(async () => {
  const released = releasedSnapshots().at(-1);
  if (released === undefined) throw new Error('there is no released snapshot');
  folder = await mkdtemp(join(tmpdir(), 'fuzz-snapshot-'));
  await chmod(folder, 0o700);
  host = released.host;
  await copyFile(released.identity, join(folder, 'identity'));
  await chmod(join(folder, 'identity'), 0o600);
  identities = await identitiesFromFile(join(folder, 'identity'));
  object = await readFile(released.object);
  scratch = (await openStateFolder(join(folder, 'state'))).generations(host);
  good = await open(object, 65_536);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a snapshot that came to harm', () => {
  it('is refused whatever happened to it, and leaves nothing behind', { timeout: FUZZ_TIMEOUT }, async () => {
    const before = await everything();
    await fuzz(
      fc.asyncProperty(damaged(object), fc.integer({ min: 500, max: 100_000 }), async (bent, cut) => {
        if (bent.equals(object)) return;
        const failure = await open(bent, cut).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(StateError);
        expect(failure).toMatchObject({ code: expect.stringMatching(/^archive\./) });
        expect(await everything()).toEqual(before);
      }),
      4,
    );
  });
});

describe('a generation in which a file came to harm', () => {
  it('does not pass its proofs, whichever file it was', { timeout: FUZZ_TIMEOUT }, async () => {
    const { manifest, folder: root } = good.generation;
    const contents = new Map<string, Buffer>();
    for (const { path } of manifest.files) contents.set(path, await readFile(join(root, path)));
    const accident = fc
      .constantFrom(...contents)
      .chain(([path, whole]) => fc.tuple(fc.constant(path), damaged(whole)));
    await fuzz(
      fc.asyncProperty(accident, async ([path, bent]) => {
        const whole = contents.get(path);
        if (whole === undefined || bent.equals(whole)) return;
        await writeFile(join(root, path), bent);
        try {
          expect(await isProven(good.generation)).toBe(false);
        } finally {
          await writeFile(join(root, path), whole);
        }
      }),
      4,
    );
    expect(await isProven(good.generation)).toBe(true);
  });

  it('does not pass them with a manifest that says something else', { timeout: FUZZ_TIMEOUT }, async () => {
    const { folder: root } = good.generation;
    const text = await readFile(join(root, MANIFEST));
    const said = ({ path, size, sha256 }: ManifestFile): string => `${path} ${size} ${sha256}`;
    const before = new Set(parseManifest(text.toString(), 'a test').files.map(said));
    await fuzz(
      fc.asyncProperty(damaged(text), async (bent) => {
        let generation: Generation;
        try {
          generation = { ...good.generation, manifest: parseManifest(bent.toString(), 'a test') };
        } catch (error) {
          expect(error).toMatchObject({ code: 'manifest.invalid' });
          return;
        }
        // Where a file stood on the host, and what is only told, has no second witness; path, size and hash have.
        const proven = await isProven(generation);
        if (generation.manifest.files.some((file) => !before.has(said(file)))) expect(proven).toBe(false);
      }),
      4,
    );
  });
});

async function open(bytes: Buffer, cut: number): Promise<OpenedSnapshot> {
  const body = Readable.from(pieces(bytes, cut), { objectMode: false });
  const keys = { host, identities: () => Promise.resolve(identities) };
  return unpackSnapshot(body, 'a test', keys, scratch, reporter);
}

/** Whether all proofs hold; an error of ours says no, any other is a crash. */
async function isProven(generation: Generation): Promise<boolean> {
  try {
    const { proofs } = await proveSource(await openSource(generation), signal);
    return failedProofs(proofs).length === 0;
  } catch (error) {
    expect(error).toBeInstanceOf(StateError);
    return false;
  }
}

async function everything(): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort();
}
