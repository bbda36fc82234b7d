import { describe, expect, it } from 'vitest';
import { decryptionStream } from '../../../src/archive/age-stream.js';
import { noise, pieces, run, sha256 } from './streams.js';
import { allVectors, ONE_BYTE_LIMIT, openPayload } from './vectors.js';

const all = allVectors();

/** Which of our errors say what the vectors call these failures. */
const CODES: Readonly<Record<string, readonly (string | undefined)[]>> = {
  success: [undefined],
  'no match': ['archive.no-identity'],
  'HMAC failure': ['archive.header-changed'],
  'header failure': [
    'archive.bad-header',
    'archive.not-age',
    'archive.version-unsupported',
    'archive.truncated',
    'archive.empty',
    'archive.no-payload',
  ],
  'armor failure': ['archive.bad-armor', 'archive.not-age'],
  'payload failure': [
    'archive.corrupt',
    'archive.no-payload',
    'archive.reordered',
    'archive.truncated',
    'archive.trailing-data',
  ],
};

describe('the CCTV vectors of age', () => {
  it('are all there, and each is run', () => {
    expect(all).toHaveLength(143);
    expect(all.filter(({ expected }) => CODES[expected] === undefined)).toEqual([]);
  });

  for (const vector of all) {
    it(`${vector.name}: ${vector.expected}, however the file is cut`, async () => {
      const { file } = vector;
      // Millions of writes of one byte take minutes: the large ones get pieces that never meet a chunk's edge.
      const small = file.length <= ONE_BYTE_LIMIT ? 1 : 997;
      const random = Array.from(noise(32), (byte, index) => byte * (index % 3 === 0 ? 700 : 3));
      for (const sizes of [[small], [64 * 1024], random]) {
        const { output, code } = await run(decryptionStream(vector.identities), pieces(file, ...sizes));
        expect(CODES[vector.expected]).toContain(code);
        if (vector.expected === 'success') expect(sha256(output)).toBe(vector.payloadHash);
        else if (vector.expected !== 'payload failure' && !vector.isArmored) expect(output).toHaveLength(0);
      }
    });
  }

  const payloadFailures = all.filter(
    ({ expected, isArmored }) => expected === 'payload failure' && !isArmored,
  );

  it('hold eighteen payload failures that are not armored', () => {
    expect(payloadFailures).toHaveLength(18);
  });

  for (const vector of payloadFailures) {
    it(`${vector.name}: releases exactly the genuine plaintext before it fails`, async () => {
      for (const size of [1, 64 * 1024, 1 << 20]) {
        const { released, code } = openPayload(vector, size);
        expect(CODES['payload failure']).toContain(code);
        expect(sha256(released)).toBe(vector.payloadHash);
      }
    });
  }
});
