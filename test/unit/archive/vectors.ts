import { inflateSync } from 'node:zlib';
import * as vectors from 'cctv-age';
import { HeaderCollector } from '../../../src/archive/age-header.js';
import { NONCE_BYTES, PayloadOpener } from '../../../src/archive/age-payload.js';
import type { NamedIdentity } from '../../../src/archive/identities.js';
import { StateError } from '../../../src/core/errors.js';
import { pieces } from './streams.js';

/** Files larger than this take long byte by byte; the interop tests do it. */
export const ONE_BYTE_LIMIT = 400_000;

/** A vector of CCTV for age: https://c2sp.org/CCTV/age. */
export interface Vector {
  readonly name: string;
  readonly expected: string;
  readonly payloadHash: string | undefined;
  readonly fileKey: Buffer;
  readonly identities: readonly NamedIdentity[];
  readonly file: Buffer;
  readonly isArmored: boolean;
}

/** All of them, in the package's order. */
export function allVectors(): Vector[] {
  return Object.entries(vectors).map(([name, bytes]) => parseVector(name, Buffer.from(bytes)));
}

/** The payload alone, without a stream that may drop what was not read yet when it fails. */
export function openPayload(vector: Vector, size: number): { released: Buffer; code: string } {
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
