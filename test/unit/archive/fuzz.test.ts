import { lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decryptionStream, encryptionStream } from '../../../src/archive/age-stream.js';
import { decompressionStream, gzipStream } from '../../../src/archive/gzip.js';
import type { NamedIdentity } from '../../../src/archive/identities.js';
import { type ExtractedFile, extractFiles, packEntries } from '../../../src/archive/tar.js';
import { hasZstd } from '../../../src/archive/zstd.js';
import { zstdStream } from '../../../src/archive/zstd-block.js';
import { StateError } from '../../../src/core/errors.js';
import { damaged, FUZZ_TIMEOUT, fuzz } from '../fuzz.js';
import { collect, noise, pieces, run } from './streams.js';

/** The folder that holds the target, to see whether anything lands beside it. */
let outside: string;
let sealed: Buffer;
let identity: NamedIdentity;

beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), 'fuzz-archive-'));
  const secret = await generateX25519Identity();
  identity = { type: 'age', fingerprint: 'test', addTo: (decrypter) => decrypter.addIdentity(secret) };
  const encryption = await encryptionStream([await identityToRecipient(secret)]);
  sealed = (await run(encryption, [await gzipped(tar)])).output;
});
afterAll(() => rm(outside, { recursive: true, force: true }));

const CONTENTS: readonly (readonly [string, Buffer])[] = [
  ['RESTORE.md', Buffer.from('# By hand\n')],
  ['manifest.json', Buffer.from('{"format": 1}\n'.repeat(20))],
  [`backups/extra/${'folder/'.repeat(30)}file`, noise(1000)],
  ['backups/coolify/schlüssel 🔑.pub', noise(70_000, 3)],
];
const tar = await collect(
  packEntries(
    CONTENTS.map(([path, content]) => ({
      header: {
        ...{ path, type: 'file' as const, size: content.length, mode: 0o600 },
        ...{ uid: 0, gid: 0, uname: '', gname: '', mtime: 0 },
      },
      content,
    })),
  ),
);

describe('an encrypted archive that came to harm', () => {
  it('is always found out, and nothing lands beside the target', { timeout: FUZZ_TIMEOUT }, async () => {
    const whole = await unpacked(sealed);
    expect(whole).toHaveLength(CONTENTS.length);
    await fuzz(
      fc.asyncProperty(damaged(sealed), sizes, async (bent, cut) => {
        const outcome = await unpacked(bent, cut);
        if (!bent.equals(sealed)) expect(outcome).toBeInstanceOf(StateError);
        else expect(outcome).toEqual(whole);
      }),
    );
  });

  it('is found out in its header too', { timeout: FUZZ_TIMEOUT }, async () => {
    const header = sealed.subarray(0, sealed.indexOf('\n--- ') + 49);
    const payload = sealed.subarray(header.length);
    await fuzz(
      fc.asyncProperty(damaged(header), sizes, async (bent, cut) => {
        const file = Buffer.concat([bent, payload]);
        const { code } = await run(decryptionStream([identity]), pieces(file, cut));
        if (!file.equals(sealed)) expect(code).toMatch(/^archive\./);
      }),
    );
  });

  it('may be any bytes at all', { timeout: FUZZ_TIMEOUT }, async () => {
    const beginning = fc.constantFrom(
      '',
      'age-encryption.org/v1\n',
      'age-encryption.org/v1\n-> X25519 ',
      '-----BEGIN AGE ENCRYPTED FILE-----\n',
    );
    const text = fc.string({ unit: fc.constantFrom('\n', ' ', '-> ', '--- ', 'A', '=', '\r', 'é') });
    const tail = fc.oneof(
      fc.uint8Array({ maxLength: 500 }),
      text.map((value) => Buffer.from(value)),
    );
    await fuzz(
      fc.asyncProperty(beginning, tail, sizes, async (start, rest, cut) => {
        const file = Buffer.concat([Buffer.from(start), rest]);
        expect((await run(decryptionStream([identity]), pieces(file, cut))).code).toMatch(/^archive\./);
      }),
    );
  });
});

describe('a compressed archive that came to harm', () => {
  it('is found out, or comes out as it was', { timeout: FUZZ_TIMEOUT }, async () => {
    const packed = gzipSync(tar.subarray(0, 20_000));
    await fuzz(
      fc.asyncProperty(damaged(packed), sizes, async (bent, cut) => {
        const { output, code } = await run(decompressionStream(), pieces(bent, cut));
        // A few bytes of gzip's header mean nothing: the time, the system that made it.
        // What begins with zeros passes as a tar archive without entries.
        if (code === undefined && output.equals(bent)) return;
        if (code === undefined) expect(output.equals(tar.subarray(0, 20_000))).toBe(true);
        else expect(code).toMatch(/^archive\./);
      }),
    );
  });
});

describe.runIf(hasZstd())('an archive compressed with zstd that came to harm', () => {
  it('is found out, or comes out as it was', { timeout: FUZZ_TIMEOUT }, async () => {
    const plain = tar.subarray(0, 20_000);
    const stage = zstdStream();
    if (stage === undefined) throw new Error('this Node has no zstd');
    const packed = (await run(stage, [plain])).output;
    await fuzz(
      fc.asyncProperty(damaged(packed), sizes, async (bent, cut) => {
        const { output, code } = await run(decompressionStream(), pieces(bent, cut));
        if (code === undefined && output.equals(bent)) return;
        if (code === undefined) expect(output.equals(plain)).toBe(true);
        else expect(code).toMatch(/^archive\./);
      }),
    );
  });
});

describe('a tar archive that came to harm', () => {
  it('ends in an error or in plain files within its folder', { timeout: FUZZ_TIMEOUT }, async () => {
    await fuzz(
      fc.asyncProperty(damaged(tar), sizes, async (bent, cut) => {
        await extracted(Readable.from(pieces(bent, cut)));
      }),
    );
  });

  it('does so too when whole blocks are exchanged, left out or repeated', {
    timeout: FUZZ_TIMEOUT,
  }, async () => {
    const blocks = Array.from({ length: tar.length / 512 }, (_, index) =>
      tar.subarray(index * 512, index * 512 + 512),
    );
    const headers = blocks.filter((block) => block.toString('latin1', 257, 262) === 'ustar');
    const block = fc.oneof(
      fc.constantFrom(...headers),
      fc.constantFrom(...blocks),
      fc.constant(Buffer.alloc(512)),
    );
    await fuzz(
      fc.asyncProperty(fc.array(block, { maxLength: 12 }), async (chosen) => {
        await extracted(Readable.from(pieces(Buffer.concat([...chosen, Buffer.alloc(1024)]), 700)));
      }),
    );
  });
});

const sizes = fc.oneof(fc.integer({ min: 50, max: 100_000 }), fc.constant(65_536));

async function gzipped(plain: Buffer): Promise<Buffer> {
  return (await run(gzipStream({ blockSize: 20_000 }), [plain])).output;
}

/** What all stages together make of a file: what was unpacked, or the error. */
async function unpacked(file: Buffer, cut = 65_536): Promise<ExtractedFile[] | unknown> {
  const plain = decompressionStream();
  const [streamed, outcome] = await Promise.allSettled([
    pipeline(Readable.from(pieces(file, cut), { objectMode: false }), decryptionStream([identity]), plain),
    extracted(plain),
  ]);
  if (streamed.status === 'rejected') return streamed.reason;
  return outcome.status === 'rejected' ? outcome.reason : outcome.value;
}

/** Unpacks into a fresh folder and looks at everything that came to be; the error as a value. */
async function extracted(source: Readable): Promise<ExtractedFile[] | StateError> {
  const target = await mkdtemp(join(outside, 'target-'));
  await mkdir(join(target, 'inner'));
  try {
    const outcome = await extractFiles(source, join(target, 'inner')).catch((error: unknown) => {
      if (error instanceof StateError) return error;
      // Of a source that failed: its own stage says why.
      if (source.errored !== null) return new StateError({ kind: 'proof', code: 'source', what: 'failed' });
      throw error;
    });
    expect(await readdir(target)).toEqual(['inner']);
    for (const entry of await readdir(join(target, 'inner'), { recursive: true })) {
      const facts = await lstat(join(target, 'inner', entry));
      expect(facts.isFile() || facts.isDirectory()).toBe(true);
    }
    return outcome;
  } finally {
    await rm(target, { recursive: true, force: true });
  }
}
