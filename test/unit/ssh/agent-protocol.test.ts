import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { string, uint32 } from '../../../src/core/ssh-wire.js';
import {
  completeMessage,
  identitiesRequest,
  readIdentities,
  readSignature,
  signRequest,
} from '../../../src/ssh/agent-protocol.js';

const BLOB = Buffer.concat([string('ssh-ed25519'), string(Buffer.alloc(32, 7))]);
const byte = (value: number): Buffer => Buffer.from([value]);
const signed = (algorithm: string): Buffer =>
  Buffer.concat([byte(14), string(Buffer.concat([string(algorithm), string('the signature')]))]);

describe('a question to an agent', () => {
  test('is a message with its length', () => {
    expect(identitiesRequest()).toEqual(Buffer.from([0, 0, 0, 1, 11]));
  });

  test.each([
    ['sha256', 2],
    ['sha512', 4],
    ['sha1', 0],
    [undefined, 0],
  ])('asks RSA keys to sign with %s by flags %i', (hash, flags) => {
    const request = signRequest(BLOB, Buffer.from('data'), hash);
    expect(request.subarray(4)).toEqual(
      Buffer.concat([byte(13), string(BLOB), string('data'), uint32(flags)]),
    );
  });
});

describe('an answer of an agent', () => {
  test('is complete when as much has come as it says', () => {
    const whole = Buffer.concat([uint32(3), Buffer.from([1, 2, 3]), byte(9)]);
    for (let length = 0; length < 7; length += 1)
      expect(completeMessage(whole.subarray(0, length))).toBeUndefined();
    expect(completeMessage(whole)).toEqual(Buffer.from([1, 2, 3]));
  });

  test('tells keys with their comments, and passes over those without a type', () => {
    const answer = Buffer.concat([
      byte(12),
      uint32(2),
      string(BLOB),
      string('jo@läptop'),
      string(''),
      string('x'),
    ]);
    expect(readIdentities(answer)).toEqual([{ type: 'ssh-ed25519', blob: BLOB, comment: 'jo@läptop' }]);
  });

  test('to a question for a signature is taken when it is signed as asked', () => {
    expect(readSignature(signed('ssh-ed25519'), 'ssh-ed25519', undefined).toString()).toBe('the signature');
    expect(readSignature(signed('rsa-sha2-512'), 'ssh-rsa', 'sha512').toString()).toBe('the signature');
  });

  test.each([
    [
      'a signature with SHA-1',
      () => readSignature(signed('ssh-rsa'), 'ssh-rsa', 'sha256'),
      'ssh.agent-answer',
    ],
    ['a refusal', () => readSignature(byte(5), 'ssh-rsa', 'sha256'), 'ssh.agent-refused'],
    ['keys instead of a signature', () => readSignature(byte(12), 'ssh-rsa', 'sha256'), 'ssh.agent-answer'],
    ['a locked agent', () => readIdentities(byte(5)), 'ssh.agent-refused'],
    [
      'more keys than there are',
      () => readIdentities(Buffer.concat([byte(12), uint32(9)])),
      'ssh.agent-answer',
    ],
    ['text', () => completeMessage(Buffer.from('HTTP/1.1 400')), 'ssh.agent-answer'],
    ['nothing at all', () => completeMessage(Buffer.alloc(4)), 'ssh.agent-answer'],
  ])('that is %s is an error of ours', (_title, read, code) => {
    expect(read).toThrow(expect.objectContaining({ code, kind: 'failed' }));
  });

  test('never throws anything but our error, whatever it is', () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
    const framed = fc
      .tuple(fc.constantFrom(5, 12, 14), bytes)
      .map(([type, rest]) => Buffer.concat([byte(type), rest]));
    fc.assert(
      fc.property(fc.oneof(bytes, framed), fc.constantFrom('ssh-rsa', 'ssh-ed25519'), (answer, type) => {
        for (const read of [
          completeMessage,
          readIdentities,
          (data: Buffer) => readSignature(data, type, 'sha256'),
        ]) {
          try {
            read(answer);
          } catch (error) {
            expect(error).toBeInstanceOf(StateError);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});
