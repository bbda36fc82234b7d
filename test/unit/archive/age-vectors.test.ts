import { inflateSync } from 'node:zlib';
import * as vectors from 'cctv-age';
import { describe, expect, it } from 'vitest';
import { HeaderCollector } from '../../../src/archive/age-header.js';
import { NONCE_BYTES, PayloadOpener } from '../../../src/archive/age-payload.js';
import { decryptionStream } from '../../../src/archive/age-stream.js';
import type { NamedIdentity } from '../../../src/archive/identities.js';
import { StateError } from '../../../src/core/errors.js';
import { noise, pieces, run, sha256 } from './streams.js';

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
  ],
  'armor failure': ['archive.bad-armor', 'archive.not-age'],
  'payload failure': ['archive.corrupt', 'archive.truncated', 'archive.trailing-data'],
};

/** Sixteen million writes of one byte take minutes; these large ones get pieces that never meet a chunk's edge. */
const ONE_BYTE_LIMIT = 400_000;

interface Vector {
  readonly name: string;
  readonly expected: string;
  readonly payloadHash: string | undefined;
  readonly fileKey: Buffer;
  readonly identities: readonly NamedIdentity[];
  readonly file: Buffer;
  readonly isArmored: boolean;
}

const all = Object.entries(vectors).map(([name, bytes]) => parseVector(name, Buffer.from(bytes)));

describe('the CCTV vectors of age', () => {
  it('are all there, and each is run', () => {
    expect(all).toHaveLength(143);
    expect(all.filter(({ expected }) => CODES[expected] === undefined)).toEqual([]);
  });

  for (const vector of all) {
    it(`${vector.name}: ${vector.expected}, however the file is cut`, async () => {
      const { file } = vector;
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

/** The payload alone, without a stream that may drop what was not read yet when it fails. */
function openPayload(vector: Vector, size: number): { released: Buffer; code: string } {
  const released: Buffer[] = [];
  const complete = new HeaderCollector().push(vector.file);
  const nonce = complete?.rest.subarray(0, NONCE_BYTES) ?? Buffer.alloc(0);
  const opener = new PayloadOpener(vector.fileKey, nonce, (piece) => released.push(piece));
  let code = 'no error';
  try {
    for (const piece of pieces(complete?.rest.subarray(NONCE_BYTES) ?? Buffer.alloc(0), size))
      opener.push(piece);
    opener.finish();
  } catch (error) {
    code = error instanceof StateError ? error.code : String(error);
  }
  return { released: Buffer.concat(released), code };
}

function parseVector(name: string, bytes: Buffer): Vector {
  const end = bytes.indexOf('\n\n');
  const lines = bytes.toString('utf8', 0, end).split('\n');
  const values = (key: string): string[] =>
    lines.filter((line) => line.startsWith(`${key}: `)).map((line) => line.slice(key.length + 2));
  const identities: NamedIdentity[] = [
    ...values('identity').map((text) => identity((decrypter) => decrypter.addIdentity(text))),
    ...values('passphrase').map((text) => identity((decrypter) => decrypter.addPassphrase(text))),
  ];
  const rest = bytes.subarray(end + 2);
  return {
    name,
    expected: values('expect')[0] ?? '',
    payloadHash: values('payload')[0],
    fileKey: Buffer.from(values('file key')[0] ?? '', 'hex'),
    identities,
    file: values('compressed')[0] === 'zlib' ? inflateSync(rest) : rest,
    isArmored: values('armored')[0] === 'yes',
  };
}

function identity(addTo: NamedIdentity['addTo']): NamedIdentity {
  return { type: 'age', fingerprint: 'vector', addTo };
}
