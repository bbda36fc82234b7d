import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { copiedColumns } from '../../../src/postgres/copy-statement.js';
import type { DumpSummary } from '../../../src/postgres/dump-reader.js';
import { damaged, FUZZ_TIMEOUT, fuzz } from '../fuzz.js';
import { readDump, written } from './archive-writer.js';
import { everything } from './small-dumps.js';

const FILES = ['17-piped', '17-redirected', '18-piped', '18-redirected'].map((name) =>
  readFileSync(join(import.meta.dirname, 'data', `postgres-${name}.dump`)),
);
const WRITTEN = ([14, 15, 16] as const).flatMap((minor) =>
  (['none', 'gzip'] as const).map(
    (compression) => written(everything({ minor, compression, offsets: minor === 15 })).bytes,
  ),
);
const sizes = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 3 });

describe('a dump that came to harm', () => {
  it('is refused, or is another to its hashes, or says the same', { timeout: FUZZ_TIMEOUT }, async () => {
    const dump = fc.constantFrom(...FILES, ...WRITTEN);
    const accident = dump.chain((whole) => fc.tuple(fc.constant(whole), damaged(whole)));
    await fuzz(
      fc.asyncProperty(accident, sizes, async ([whole, bent], cuts) => {
        const outcome = await readDump(bent, {}, cuts).catch((error: unknown) => error);
        if (outcome instanceof Error) {
          expect(outcome).toBeInstanceOf(StateError);
          expect(outcome).toMatchObject({ kind: 'proof', code: expect.stringMatching(/^dump\./) });
          return;
        }
        // Read to the end: not one byte was passed over, so that the file's own hash tells it from the good one.
        expect(outcome).toMatchObject({ bytes: bent.length });
        expect(sha256(bent) === sha256(whole)).toBe(bent.equals(whole));
      }),
    );
  });

  it('never loses or gains a row unnoticed', { timeout: FUZZ_TIMEOUT }, async () => {
    const { bytes, dataAt } = written(everything());
    const data = bytes.subarray(dataAt);
    const before = rowsOf(await readDump(bytes));
    await fuzz(
      fc.asyncProperty(damaged(data), async (bent) => {
        const outcome = await readDump(Buffer.concat([bytes.subarray(0, dataAt), bent])).catch(
          (error: unknown) => error,
        );
        if (outcome instanceof StateError) return;
        if (!isSummary(outcome)) throw outcome;
        if (!bent.equals(data)) expect(rowsOf(outcome)).not.toEqual(before);
      }),
    );
  });

  it('may be any bytes behind the beginning of one', { timeout: FUZZ_TIMEOUT }, async () => {
    const [head] = WRITTEN;
    const start = fc.nat(200).map((length) => head?.subarray(0, length) ?? Buffer.alloc(0));
    await fuzz(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 400 }), sizes, async (known, rest, cuts) => {
        const outcome = await readDump(Buffer.concat([known, rest]), {}, cuts).catch(
          (error: unknown) => error,
        );
        expect(outcome).toBeInstanceOf(StateError);
      }),
    );
  });
});

describe('a COPY statement', () => {
  it('of any text is read or not, at once', { timeout: FUZZ_TIMEOUT }, async () => {
    const part = fc.constantFrom(
      'COPY ',
      'public',
      '.',
      '"',
      '""',
      ' (',
      ')',
      ', ',
      'a',
      ' FROM stdin;',
      '\n',
      ' ',
    );
    await fuzz(
      fc.property(fc.string({ unit: part, maxLength: 400 }), (text) => {
        const columns = copiedColumns(text);
        if (columns !== undefined) expect(text).toContain('FROM stdin;');
      }),
    );
  });
});

function rowsOf({ tables, largeObjects }: DumpSummary): unknown {
  return [tables.map(({ name, rows, sha256: hash }) => [name, rows, hash]), largeObjects];
}

function isSummary(outcome: unknown): outcome is DumpSummary {
  return typeof outcome === 'object' && outcome !== null && 'tables' in outcome && 'largeObjects' in outcome;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
