import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openRepository } from '../../../src/repository/open.js';
import type { S3Settings } from '../../../src/repository/s3/settings.js';
import { type ConnectProxy, startConnectProxy } from './connect-proxy.js';
import { chunked } from './contract.js';
import { startInProcessS3 } from './in-process-s3.js';
import { authority, startTlsFront } from './tls.js';

/** No name service knows it: only the proxy finds the way. */
const NAME = 's3.example.test';
const MiB = 1024 * 1024;

describe('an S3 repository behind a proxy', () => {
  let folder: string;
  let caFile: string;
  let plain: S3Settings;
  let plainPort: number;
  let front: Awaited<ReturnType<typeof startTlsFront>>;
  let stopS3: () => Promise<void>;
  let proxy: ConnectProxy;
  let target: number;
  let secured: S3Settings;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coolify-state-proxy-'));
    const trust = await authority(folder, NAME);
    caFile = trust.caFile;
    const s3 = await startInProcessS3();
    stopS3 = s3.stop;
    plainPort = Number(new URL(s3.settings.endpoint).port);
    front = await startTlsFront(trust.server, plainPort);
    target = front.port;
    proxy = await startConnectProxy(() => target);
    plain = { ...s3.settings, endpoint: `http://${NAME}:${plainPort}`, maxAttempts: 2 };
    secured = {
      ...s3.settings,
      endpoint: `https://${NAME}:${front.port}`,
      caFile,
      maxAttempts: 2,
      proxy: { https: `http://user:pass%2Dword@${proxy.address}` },
    };
  });
  afterEach(() => {
    proxy.status = 200;
    proxy.asked.length = 0;
    target = front.port;
  });
  afterAll(async () => {
    await proxy?.stop();
    await front?.stop();
    await stopS3?.();
    await rm(folder, { recursive: true, force: true });
  });

  const failureOf = async (settings: S3Settings): Promise<unknown> => {
    const repository = await openRepository(settings);
    try {
      return await repository.stat('host/missing').then(
        () => 'it was reached',
        (error: unknown) => error,
      );
    } finally {
      await repository.close();
    }
  };

  it('goes through a tunnel, with the user and password of the proxy, and trusts an authority of its own', async () => {
    const repository = await openRepository(secured);
    try {
      const content = randomBytes(6 * MiB);
      await repository.put('host/object', chunked(content));
      expect((await buffer(await repository.get('host/object'))).equals(content)).toBe(true);
    } finally {
      await repository.close();
    }
    expect(proxy.asked.length).toBeGreaterThan(0);
    for (const { target: asked, authorization } of proxy.asked) {
      expect(asked).toBe(`${NAME}:${front.port}`);
      expect(authorization).toBe(`Basic ${Buffer.from('user:pass-word').toString('base64')}`);
    }
  });

  it('keeps its tunnels: many requests one after the other need one', async () => {
    const repository = await openRepository(secured);
    try {
      for (let round = 0; round < 10; round++) await repository.stat('host/missing');
    } finally {
      await repository.close();
    }
    expect(proxy.asked).toHaveLength(1);
  });

  it('goes there without TLS as well', async () => {
    target = plainPort;
    const settings = { ...plain, proxy: { http: proxy.address } };
    expect(await failureOf(settings)).toBe('it was reached');
    expect(proxy.asked).toEqual([{ target: `${NAME}:${plainPort}`, authorization: undefined }]);
  });

  it('asks for the bucket in the name of the host where the path is not to hold it', async () => {
    target = plainPort;
    const settings = { ...plain, pathStyle: false, proxy: { http: proxy.address } };
    await failureOf(settings);
    expect(proxy.asked).toMatchObject([{ target: `test-bucket.${NAME}:${plainPort}` }]);
  });

  it('does not trust a certificate of an authority that nobody named', async () => {
    expect(await failureOf({ ...secured, caFile: undefined })).toMatchObject({
      code: 'repository.certificate',
      next: expect.stringContaining('coolify_s3_ca_file'),
    });
  });

  it('goes directly where NO_PROXY says so', async () => {
    expect(await failureOf({ ...secured, proxy: { ...secured.proxy, no: '.example.test' } })).toMatchObject({
      code: 'repository.unreachable',
      why: expect.stringContaining('cannot be resolved'),
    });
    expect(proxy.asked).toEqual([]);
  });

  it.each([
    [407, 'repository.proxy-refused', /wants to know who asks/],
    [403, 'repository.proxy-refused', /status 403/],
    [502, 'repository.proxy-refused', /status 502/],
  ])('says what a proxy means that answers %d, without its password', async (status, code, why) => {
    proxy.status = status;
    const failure = await failureOf(secured);
    expect(failure).toMatchObject({ code, why: expect.stringMatching(why) });
    expect(inspect(failure, { depth: 10, showHidden: true })).not.toContain('pass-word');
    // What may pass is tried again.
    expect(proxy.asked).toHaveLength(status === 502 ? 2 : 1);
  });

  it('says that the proxy is not there, or is none', async () => {
    const dead = await startConnectProxy(() => 0);
    const { address } = dead;
    await dead.stop();
    expect(await failureOf({ ...secured, proxy: { https: `http://${address}` } })).toMatchObject({
      code: 'repository.proxy-unreachable',
      what: expect.stringContaining(`through the proxy ${address}`),
      next: expect.stringContaining('NO_PROXY'),
    });
    expect(await failureOf({ ...secured, proxy: { https: 'socks5://127.0.0.1:1080' } })).toMatchObject({
      kind: 'usage',
      why: expect.stringContaining('neither http nor https'),
    });
  });

  it.each([
    ['not there', undefined, /no such file/],
    ['empty', 'text without any certificate\n', /no certificate/],
    [
      'broken',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      /certificate 1 in it is broken/,
    ],
  ])('refuses a file of certificates that is %s', async (name, content, why) => {
    const path = join(folder, `${name}.pem`);
    if (content !== undefined) await writeFile(path, content);
    await expect(openRepository({ ...secured, caFile: path })).rejects.toMatchObject({
      kind: 'usage',
      code: 'repository.settings',
      why: expect.stringMatching(why),
    });
  });
});
