import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { Secret } from '../../../src/core/secret.js';
import { openRepository } from '../../../src/repository/open.js';
import type { Repository } from '../../../src/repository/repository.js';
import type { S3Settings } from '../../../src/repository/s3/settings.js';
import { SnapshotRepository } from '../../../src/repository/snapshots/snapshots.js';
import { chunked } from './contract.js';
import { type Fault, type FaultyProxy, type SeenRequest, startFaultyProxy } from './faulty-proxy.js';
import { SECRET_KEY, startInProcessS3 } from './in-process-s3.js';

const MiB = 1024 * 1024;

describe('an S3 repository on a bad day', () => {
  let settings: S3Settings;
  let stopS3: () => Promise<void>;
  let proxy: FaultyProxy;
  let repository: Repository;
  /** The same, for what fails anyhow. */
  let hasty: Repository;
  beforeAll(async () => {
    const s3 = await startInProcessS3();
    stopS3 = s3.stop;
    proxy = await startFaultyProxy(s3.settings.endpoint);
    settings = { ...s3.settings, endpoint: proxy.endpoint, idleTimeout: 1000 };
    repository = await openRepository(settings);
    hasty = await openRepository({ ...settings, maxAttempts: 1 });
  });
  afterEach(() => {
    proxy.faults = () => undefined;
    proxy.seen.length = 0;
  });
  afterAll(async () => {
    await repository?.close();
    await hasty?.close();
    await proxy?.stop();
    await stopS3?.();
  });

  /** s3rver cannot abort uploads: here the proxy says what a store says. */
  const abortsUploads =
    (fault: (request: SeenRequest) => Fault | undefined = () => undefined) =>
    (request: SeenRequest) => {
      if (request.url.includes('uploadId=')) {
        if (request.method === 'DELETE') return { answer: 204 };
        if (request.method === 'GET') return { answer: 404, code: 'NoSuchUpload' };
      }
      return fault(request);
    };
  const aborted = () =>
    proxy.seen.filter(({ method, url }) => method === 'DELETE' && url.includes('uploadId='));
  const times = (count: number, fault: Fault) => {
    let left = count;
    return () => {
      left -= 1;
      return left >= 0 ? fault : undefined;
    };
  };

  it('repeats what the store asks to repeat, and the object is whole', async () => {
    const content = randomBytes(11 * MiB);
    const slowDown = times(2, { answer: 503, code: 'SlowDown' });
    proxy.faults = ({ method }) => (method === 'PUT' ? slowDown() : undefined);
    await repository.put('slow-down', chunked(content));
    expect((await buffer(await repository.get('slow-down'))).equals(content)).toBe(true);
    expect(proxy.seen.filter(({ method }) => method === 'PUT')).toHaveLength(3 + 2);
  });

  it('gives up when the store never stops asking, aborts the upload and reads no further', async () => {
    proxy.faults = abortsUploads(({ method }) =>
      method === 'PUT' ? { answer: 503, code: 'SlowDown' } : undefined,
    );
    let read = 0;
    const endless = Readable.from(
      (function* () {
        for (; ; read += MiB) yield Buffer.alloc(MiB);
      })(),
      { objectMode: false },
    );
    await expect(repository.put('busy', endless)).rejects.toMatchObject({ code: 'repository.busy' });
    expect(aborted().length).toBeGreaterThan(0);
    expect(endless.destroyed).toBe(true);
    expect(read).toBeLessThan(200 * MiB);
  });

  it('sends fewer and larger parts of what would not fit into 10,000', async () => {
    // A part that is sent again on a slow machine is one part all the same.
    const parts = () => new Set(proxy.seen.flatMap(({ url }) => /partNumber=\d+/.exec(url) ?? [])).size;
    const content = randomBytes(25 * MiB);
    await repository.put('usual-parts', chunked(content));
    expect(parts()).toBe(5);
    proxy.seen.length = 0;
    await repository.put('large-parts', chunked(content), { expectedSize: 100 * 1024 * MiB });
    expect(parts()).toBe(3);
    expect((await buffer(await repository.get('large-parts'))).equals(content)).toBe(true);
  });

  it('repeats a part that hangs', async () => {
    const content = randomBytes(11 * MiB);
    const hang = times(1, { hang: true });
    proxy.faults = ({ method, url }) =>
      method === 'PUT' && url.includes('partNumber=2') ? hang() : undefined;
    await repository.put('hanging-part', chunked(content));
    expect((await buffer(await repository.get('hanging-part'))).equals(content)).toBe(true);
  });

  it('aborts the upload at once when it is interrupted while a part hangs', async () => {
    const controller = new AbortController();
    const patient = await openRepository({ ...settings, idleTimeout: 600_000 });
    try {
      proxy.faults = abortsUploads(({ method }) => {
        if (method !== 'PUT') return undefined;
        setTimeout(() => controller.abort(), 20);
        return { hang: true };
      });
      await expect(
        patient.put('interrupted', chunked(randomBytes(11 * MiB)), { signal: controller.signal }),
      ).rejects.toMatchObject({ kind: 'interrupted' });
      expect(aborted().length).toBeGreaterThan(0);
      expect(await patient.stat('interrupted')).toBeUndefined();
    } finally {
      await patient.close();
    }
  });

  it.each([
    ['in one request', 1000, ({ method }: SeenRequest) => method === 'PUT', 'PreconditionFailed'],
    [
      'in parts',
      11 * MiB,
      ({ method, url }: SeenRequest) => method === 'POST' && url.includes('uploadId='),
      'NoSuchUpload',
    ],
  ])(
    'knows its own object %s when the answer was lost and the repetition is refused',
    async (_, size, isLast, code) => {
      const key = `lost-answer/${size}`;
      const content = randomBytes(size);
      let asked = 0;
      proxy.faults = abortsUploads((request) => {
        if (!isLast(request)) return undefined;
        asked += 1;
        return asked === 1 ? { loseAnswer: true } : { answer: code === 'NoSuchUpload' ? 404 : 412, code };
      });
      const stored = await repository.put(key, chunked(content));
      expect(asked).toBe(2);
      expect(stored.size).toBe(size);
      expect((await buffer(await repository.get(key))).equals(content)).toBe(true);
    },
  );

  it('does not take the object of another for its own', async () => {
    await repository.putSmall('theirs', Buffer.from('theirs'));
    // The name seems free until the very end, as when both began at the same time.
    proxy.faults = ({ method }) => {
      if (method === 'PUT') return { answer: 412, code: 'PreconditionFailed' };
      return method === 'HEAD' && !proxy.seen.some((seen) => seen.method === 'PUT')
        ? { answer: 404 }
        : undefined;
    };
    await expect(repository.put('theirs', chunked(Buffer.from('ours')))).rejects.toMatchObject({
      code: 'repository.exists',
    });
    proxy.faults = () => undefined;
    expect((await buffer(await repository.get('theirs'))).toString()).toBe('theirs');
  });

  it('goes on with a download where it broke off, however often, and of the same object only', async () => {
    const content = randomBytes(3 * MiB);
    await repository.put('resumed', chunked(content));
    proxy.faults = ({ method }) => (method === 'GET' ? { cutAfter: 700_001 } : undefined);
    expect((await buffer(await repository.get('resumed', { offset: 5 }))).equals(content.subarray(5))).toBe(
      true,
    );
    const ranges = proxy.seen.filter(({ method }) => method === 'GET').map(({ range }) => range);
    expect(ranges.length).toBeGreaterThan(3);
    expect(ranges[0]).toBe('bytes=5-');
    expect(new Set(ranges).size).toBe(ranges.length);

    let gets = 0;
    proxy.faults = ({ method }) => {
      if (method !== 'GET') return undefined;
      gets += 1;
      return gets === 1 ? { cutAfter: 1000 } : { answer: 412, code: 'PreconditionFailed' };
    };
    await expect(repository.get('resumed').then((stream) => buffer(stream))).rejects.toMatchObject({
      code: 'repository.object-changed',
    });
  });

  it('gives up a download that makes no progress', async () => {
    await repository.put('stuck', chunked(randomBytes(2 * MiB)));
    let gets = 0;
    proxy.faults = ({ method }) => {
      if (method !== 'GET') return undefined;
      gets += 1;
      return { cutAfter: gets === 1 ? MiB : 0 };
    };
    await expect(repository.get('stuck').then((stream) => buffer(stream))).rejects.toMatchObject({
      code: 'repository.connection-lost',
    });
    expect(gets).toBeLessThan(20);
  });

  it.each<[string, Fault]>([
    ['is cut', { cutAfter: 100 }],
    ['is refused', { answer: 403, code: 'RequestTimeTooSkewed' }],
    ['meets a store in trouble', { answer: 503, code: 'SlowDown' }],
    ['hangs', { hang: true }],
  ])('reads small objects by one plain request, and by the SDK when that %s', async (_, fault) => {
    const content = randomBytes(3000);
    const fresh = await openRepository(settings);
    try {
      await fresh.putSmall(`plain/${content.toString('hex', 0, 8)}`, content);
      const key = `plain/${content.toString('hex', 0, 8)}`;
      const plain = () => proxy.seen.filter(({ method, url }) => method === 'GET' && !url.includes('x-id='));
      expect((await fresh.getSmall(key, 4000)).equals(content)).toBe(true);
      expect(proxy.seen.filter(({ method }) => method === 'GET')).toHaveLength(1);
      expect(plain()).toHaveLength(1);
      proxy.faults = ({ method, url }) => (method === 'GET' && !url.includes('x-id=') ? fault : undefined);
      expect((await fresh.getSmall(key, 4000)).equals(content)).toBe(true);
      expect(plain()).toHaveLength(2);
      // After a refusal it is not tried again.
      await fresh.getSmall(key, 4000);
      expect(plain()).toHaveLength('answer' in fault && fault.answer === 403 ? 2 : 3);
    } finally {
      await fresh.close();
    }
  });

  it('publishes nothing when a byte comes back changed, and removes the object', async () => {
    const snapshots = new SnapshotRepository(repository);
    proxy.faults = ({ method, url }) =>
      method === 'GET' && url.includes('.tar.gz.age') ? { bendByte: 4711 } : undefined;
    const facts = () => ({ finishedAt: new Date(), files: 1, recipients: [], tool: '0', proofs: [] });
    await expect(
      snapshots.publish('host', new Date(), chunked(randomBytes(10_000)), facts),
    ).rejects.toMatchObject({ kind: 'proof', code: 'repository.checksum-differs' });
    proxy.faults = () => undefined;
    expect(await snapshots.list()).toEqual([]);
    expect(await snapshots.leftovers(new Date(Date.now() + 60_000)).catch(() => 'unlisted')).toBe('unlisted');
    for await (const entry of repository.list('host/')) expect(entry).toBeUndefined();
  });

  it.each([
    [404, 'NoSuchBucket', 'repository.bucket-missing', /no bucket "test-bucket"/],
    [403, 'AccessDenied', 'repository.access-denied', /do not allow/],
    [403, 'InvalidAccessKeyId', 'repository.access-key-unknown', /access key id/],
    [403, 'SignatureDoesNotMatch', 'repository.signature-mismatch', /secret access key does not fit/],
    [403, 'RequestTimeTooSkewed', 'repository.clock-skewed', /clock of this machine .* store's \(20/],
    [400, 'ExpiredToken', 'repository.credentials-expired', /lent for some time/],
    [403, 'UserSuspended', 'repository.account-suspended', /suspended the account/],
    [400, 'KMS.NotFoundException', 'repository.key-management', /key management/],
    [400, 'AuthorizationHeaderMalformed', 'repository.wrong-region', /region/],
    [403, 'QuotaExceeded', 'repository.no-space', /quota/],
    [507, 'XMinioStorageFull', 'repository.no-space', /no space/],
    [503, 'SlowDown', 'repository.busy', /slow down/],
    [500, 'InternalError', 'repository.server-failed', /error of its own/],
    [501, 'NotImplemented', 'repository.not-supported', /does not know a feature/],
    [301, 'PermanentRedirect', 'repository.wrong-region', /another region/],
    [400, 'BadDigest', 'repository.damaged-in-transit', /not what was sent/],
    [418, 'constructor', 'repository.failed', /said by the test/],
  ])(
    'says in a sentence of its own what %d %s means, and never tells a secret',
    async (answer, code, expected, why) => {
      proxy.faults = ({ method }) => (method === 'HEAD' ? { answer: 404 } : { answer, code });
      const attempts = [
        () => repository.check(),
        () => repository.putSmall('refused', Buffer.from('x')),
        () => repository.put('refused', chunked(Buffer.from('x'))),
        () => repository.get('refused'),
      ];
      for (const attempt of attempts) {
        const error = await attempt().then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        expect(error).toBeInstanceOf(StateError);
        expect(error).toMatchObject({ code: expected, why: expect.stringMatching(why) });
        const shown = inspect(error, { depth: 10, showHidden: true });
        expect(shown).not.toContain('Signature=');
        expect(shown).not.toMatch(new RegExp(`Credential=${SECRET_KEY}`));
      }
    },
  );

  it('tells the right region where the store names it, and repeats nothing that can be none', async () => {
    const elsewhere = (region: string): Fault => ({
      answer: 301,
      code: 'PermanentRedirect',
      headers: { 'x-amz-bucket-region': region },
    });
    proxy.faults = () => elsewhere('eu-central-1');
    await expect(repository.check()).rejects.toMatchObject({
      code: 'repository.wrong-region',
      why: 'the bucket is in the region "eu-central-1"',
    });
    proxy.faults = () => elsewhere('<b>"x" y');
    await expect(repository.check()).rejects.toMatchObject({ why: 'the bucket is in another region' });
  });

  it('tells an unknown key id from a bucket that is not there', async () => {
    const unknown = await openRepository({ ...settings, accessKeyId: new Secret('NOBODY') });
    await expect(unknown.check()).rejects.toMatchObject({ code: 'repository.access-key-unknown' });
    await unknown.close();
    const elsewhere = await openRepository({ ...settings, bucket: 'not-there' });
    await expect(elsewhere.check()).rejects.toMatchObject({ code: 'repository.bucket-missing' });
    await expect(elsewhere.put('x', chunked(Buffer.from('x')))).rejects.toMatchObject({
      code: 'repository.bucket-missing',
    });
    await elsewhere.close();
  });

  it('tells a removal that is not allowed from other refusals', async () => {
    proxy.faults = () => ({ answer: 403, code: 'AccessDenied' });
    await expect(repository.remove('kept')).rejects.toMatchObject({ code: 'repository.remove-denied' });
  });

  it('says why nobody answers: closed port, unknown name, no TLS, silence', async () => {
    const closed = createServer();
    const port = await new Promise<number>((resolve) => {
      closed.listen(0, '127.0.0.1', () => {
        const address = closed.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    await new Promise((resolve) => closed.close(resolve));
    const failureAt = async (endpoint: string) => {
      const elsewhere = await openRepository({ ...settings, endpoint, maxAttempts: 1 });
      try {
        return await elsewhere.check().then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
      } finally {
        await elsewhere.close();
      }
    };
    const unreachable = (why: RegExp) => ({
      code: 'repository.unreachable',
      why: expect.stringMatching(why),
    });
    expect(await failureAt(`http://127.0.0.1:${port}`)).toMatchObject(
      unreachable(/nothing accepts connections/),
    );
    expect(await failureAt('http://nowhere.invalid')).toMatchObject(unreachable(/cannot be resolved/));
    expect(await failureAt(proxy.endpoint.replace('http:', 'https:'))).toMatchObject(
      unreachable(/does not speak TLS/),
    );
    proxy.faults = () => ({ hang: true });
    expect(await failureAt(proxy.endpoint)).toMatchObject(unreachable(/does not answer in time/));
  });
});
