import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/core/secret.js';
import { openRepository } from '../../../src/repository/open.js';
import { checkedS3Settings, type S3Settings } from '../../../src/repository/s3/settings.js';

const least: S3Settings = { kind: 's3', bucket: 'backups' };

describe('settings of an S3 repository', () => {
  it('have defaults that suit AWS where no endpoint is given, and other stores where one is', () => {
    expect(checkedS3Settings(least)).toMatchObject({
      path: '',
      pathStyle: false,
      partSize: 5 * 1024 * 1024,
    });
    expect(checkedS3Settings(least).region).toBeUndefined();
    expect(checkedS3Settings({ ...least, endpoint: 'fsn1.your-objectstorage.com' })).toMatchObject({
      endpoint: 'https://fsn1.your-objectstorage.com',
      region: 'us-east-1',
      pathStyle: true,
    });
    expect(
      checkedS3Settings({ ...least, endpoint: 'http://127.0.0.1:7480/', region: 'fsn1', pathStyle: false }),
    ).toMatchObject({ endpoint: 'http://127.0.0.1:7480', region: 'fsn1', pathStyle: false });
  });

  it('take a path with or without slashes around it', () => {
    for (const path of ['a/b', '/a/b', 'a/b/', '//a/b//']) {
      expect(checkedS3Settings({ ...least, path }).path).toBe('a/b');
    }
    expect(() => checkedS3Settings({ ...least, path: 'a/../b' })).toThrow(
      expect.objectContaining({ code: 'repository.bad-key' }),
    );
  });

  it.each([
    [{ bucket: 'ab' }, /name of a bucket/],
    [{ bucket: 'a/b/c' }, /name of a bucket/],
    [{ endpoint: 'ftp://example.org' }, /neither https nor http/],
    [{ endpoint: 'https://' }, /not an address/],
    [{ endpoint: 'https://example.org/?x=1' }, /query/],
    [{ partSize: 1024 }, /at least 5242880/],
    [{ partSize: Number.NaN }, /at least/],
    [{ accessKeyId: new Secret('only') }, /secret access key is missing/],
    [{ secretAccessKey: new Secret('only') }, /access key id is missing/],
    [{ kmsKeyId: 'key' }, /encryption is not "aws:kms"/],
    [{ kmsKeyId: 'key', encryption: 'aes256' as const }, /encryption is not "aws:kms"/],
    [{ objectLock: { mode: 'governance' as const, days: 0 } }, /from 1 to 36500 days, not 0/],
    [{ objectLock: { mode: 'governance' as const, days: 1.5 } }, /from 1 to 36500 days/],
  ])('are refused with a reason: %j', (change, why) => {
    const failure = expect.objectContaining({
      kind: 'usage',
      code: 'repository.settings',
      why: expect.stringMatching(why),
    });
    expect(() => checkedS3Settings({ ...least, ...change })).toThrow(failure);
  });

  it('do not repeat credentials that were written into the endpoint', () => {
    for (const endpoint of ['https://key:topsecret@example.org', 'key:topsecret@:::', 'https://topsecret@']) {
      let message = '';
      try {
        checkedS3Settings({ ...least, endpoint });
      } catch (error) {
        message = String(error);
      }
      expect(message).not.toBe('');
      expect(message).not.toContain('topsecret');
    }
  });

  it('make a place that can be shown', async () => {
    const repository = await openRepository({
      ...least,
      path: 'controllers',
      endpoint: 'http://127.0.0.1:1',
      accessKeyId: new Secret('id'),
      secretAccessKey: new Secret('topsecret'),
    });
    expect(repository.location).toBe('s3://backups/controllers');
    await repository.close();
    await repository.close();
  });
});
