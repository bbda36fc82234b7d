import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapedPath, ReadSigner } from '../../../src/repository/s3/signature.js';

const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};

/** The SDK's request for the same object. */
async function requestOfSdk(key: string) {
  const { GetObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  let seen: { path: string; headers: Record<string, string> } | undefined;
  const client = new S3Client({
    endpoint: 'http://127.0.0.1:7480',
    region: 'fsn1',
    forcePathStyle: true,
    credentials,
    requestHandler: {
      metadata: { handlerProtocol: 'http/1.1' },
      updateHttpClientConfig: () => {},
      httpHandlerConfigs: () => ({}),
      handle: async (request: { path: string; headers: Record<string, string> }) => {
        seen = { path: request.path, headers: request.headers };
        throw new Error('seen enough');
      },
    },
    maxAttempts: 1,
  });
  await client.send(new GetObjectCommand({ Bucket: 'backups', Key: key })).catch(() => {});
  if (seen === undefined) throw new Error('the SDK sent nothing');
  return seen;
}

describe('a signature of our own', () => {
  it('names key, day, region and what is signed, a session token too', () => {
    const at = new Date('2026-11-24T10:11:12.345Z');
    const headers = new ReadSigner('fsn1').headers(credentials, { host: '127.0.0.1:7480', path: '/b/k', at });
    expect(headers['x-amz-date']).toBe('20261124T101112Z');
    expect(headers['x-amz-content-sha256']).toBe(createHash('sha256').digest('hex'));
    expect(headers['authorization']).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20261124\/fsn1\/s3\/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=[0-9a-f]{64}$/,
    );
    const lent = new ReadSigner('fsn1').headers(
      { ...credentials, sessionToken: 'token' },
      { host: '127.0.0.1:7480', path: '/b/k', at },
    );
    expect(lent['x-amz-security-token']).toBe('token');
    expect(lent['authorization']).toContain('x-amz-date;x-amz-security-token, Signature=');
  });

  it('escapes paths as the SDK does, whatever is in a key', async () => {
    for (const key of [
      "a b/ä+ö/per%20cent/hash#?&=/quote'()*!~.-_/x",
      'host/coolify-state-host-1.tar.gz.age.json',
    ]) {
      expect(`/backups/${escapedPath(key)}`).toBe((await requestOfSdk(key)).path);
    }
  });

  it('follows time, region and secret, although the key of a day is kept', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }), (at) => {
        const request = { host: 'h', path: '/b/k', at };
        const reused = new ReadSigner('fsn1');
        reused.headers(credentials, { ...request, at: new Date(0) });
        const other = { ...credentials, secretAccessKey: 'other' };
        expect(reused.headers(credentials, request)).toEqual(
          new ReadSigner('fsn1').headers(credentials, request),
        );
        expect(reused.headers(other, request)).toEqual(new ReadSigner('fsn1').headers(other, request));
        expect(new ReadSigner('nbg1').headers(credentials, request)).not.toEqual(
          reused.headers(credentials, request),
        );
      }),
    );
  });
});
