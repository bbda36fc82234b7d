import { describe, expect, it } from 'vitest';
import { repositoriesOf } from '../../../src/coolify/settings/repositories.js';
import { readSettings } from '../../../src/coolify/settings/settings.js';
import { inventoryOf } from '../inventory/files.js';

/** The repositories of a host with these variables. */
async function repositoriesWith(variables: string, env: Record<string, string> = {}) {
  const text = `all: { hosts: { web: { coolify_s3_bucket: backups, ${variables} } } }\n`;
  const [host] = (await inventoryOf({ 'inventory/hosts.yml': text })).hosts;
  if (host === undefined) throw new Error('there is no host');
  return repositoriesOf(readSettings(host, { env: { HOME: '/home/me', ...env }, cwd: '/srv' }), 'web');
}

describe('how S3 is spoken to', () => {
  it('is told by settings of the inventory, written as people write them', async () => {
    const variables = [
      'coolify_s3_storage_class: standard_ia',
      'coolify_s3_encryption: aws:kms',
      'coolify_s3_kms_key_id: arn:aws:kms:eu-central-1:1:key/k',
      'coolify_s3_object_lock: Compliance',
      'coolify_s3_object_lock_days: 30',
      'coolify_s3_conditional_writes: no',
      'coolify_s3_ca_file: ~/ca.pem',
      'coolify_s3_checksums: when_required',
      'coolify_s3_path_style: false',
    ].join(', ');
    expect(await repositoriesWith(variables)).toMatchObject([
      {
        kind: 's3',
        storageClass: 'STANDARD_IA',
        encryption: 'aws:kms',
        kmsKeyId: 'arn:aws:kms:eu-central-1:1:key/k',
        objectLock: { mode: 'compliance', days: 30 },
        conditionalWrites: false,
        caFile: '/home/me/ca.pem',
        checksums: 'when-required',
        pathStyle: false,
      },
    ]);
  });

  it('is told by the environment before the inventory', async () => {
    const env = { COOLIFY_STATE_S3_OBJECT_LOCK: 'governance', COOLIFY_STATE_S3_OBJECT_LOCK_DAYS: '7' };
    const variables = 'coolify_s3_object_lock: compliance, coolify_s3_object_lock_days: 30';
    expect(await repositoriesWith(variables, env)).toMatchObject([
      { objectLock: { mode: 'governance', days: 7 } },
    ]);
  });

  it('is the same for every bucket of a list', async () => {
    const variables =
      'coolify_repository: [s3://one/a, file:/mnt, s3://two/b], coolify_s3_storage_class: GLACIER_IR';
    expect(await repositoriesWith(variables)).toMatchObject([
      { bucket: 'one', storageClass: 'GLACIER_IR' },
      { kind: 'directory' },
      { bucket: 'two', storageClass: 'GLACIER_IR' },
    ]);
  });

  it.each([
    ['coolify_s3_object_lock: governance', 'coolify_s3_object_lock_days'],
    ['coolify_s3_object_lock_days: 30', 'coolify_s3_object_lock'],
  ])('takes an object lock with mode and length only: %s', async (variables, missing) => {
    await expect(repositoriesWith(variables)).rejects.toMatchObject({
      kind: 'usage',
      code: 'settings.incomplete',
      next: `Set ${missing} as well, or neither`,
      host: 'web',
    });
  });

  it.each([
    'coolify_s3_storage_class: DEEP_ARCHIVE',
    'coolify_s3_storage_class: GLACIER',
    'coolify_s3_encryption: SSE-C',
    'coolify_s3_object_lock: legal-hold',
    'coolify_s3_object_lock_days: 0',
  ])('refuses what could not work: %s', async (variables) => {
    await expect(repositoriesWith(variables)).rejects.toMatchObject({ code: 'settings.invalid' });
  });
});
