import { STORAGE_CLASSES } from '../../repository/s3/settings.js';
import { optional, required } from './setting.js';
import { BOOLEAN, LOCAL_PATH, listOf, oneOf, REPOSITORY, TEXT, wholeNumber } from './types.js';

/** Where snapshots go. */
export const REPOSITORY_SETTINGS = {
  s3Enabled: required(BOOLEAN, true, {
    section: 'Repository',
    name: 'coolify_s3_enabled',
    aliases: ['s3_enabled'],
    env: 'COOLIFY_STATE_S3_ENABLED',
    description: 'Upload snapshots to the S3 bucket below. `false` keeps backups on this machine only.',
  }),
  s3Endpoint: optional(TEXT, {
    section: 'Repository',
    name: 'coolify_s3_endpoint',
    aliases: ['s3_endpoint'],
    env: 'COOLIFY_STATE_S3_ENDPOINT',
    description: 'Address of the S3 service, such as `https://fsn1.your-objectstorage.com`. Without it: AWS.',
  }),
  s3Bucket: optional(TEXT, {
    section: 'Repository',
    name: 'coolify_s3_bucket',
    aliases: ['s3_bucket'],
    env: 'COOLIFY_STATE_S3_BUCKET',
    description: 'The bucket that snapshots go to.',
  }),
  s3Path: required(TEXT, 'state', {
    section: 'Repository',
    name: 'coolify_s3_path',
    aliases: ['s3_path'],
    env: 'COOLIFY_STATE_S3_PATH',
    description: 'Folder in the bucket. Below it there is one for each host.',
  }),
  s3Region: optional(TEXT, {
    section: 'Repository',
    name: 'coolify_s3_region',
    aliases: ['s3_region'],
    env: 'COOLIFY_STATE_S3_REGION',
    description: 'Region of the bucket. Services other than AWS rarely need it.',
  }),
  s3PathStyle: optional(BOOLEAN, {
    section: 'Repository',
    name: 'coolify_s3_path_style',
    aliases: ['s3_path_style'],
    env: 'COOLIFY_STATE_S3_PATH_STYLE',
    defaultText: 'true with an endpoint',
    description: 'Whether the bucket stands in the path (`true`) or in the host name.',
  }),
  s3Checksums: optional(oneOf('when-supported', 'when-required'), {
    section: 'Repository',
    name: 'coolify_s3_checksums',
    aliases: ['s3_checksums'],
    env: 'COOLIFY_STATE_S3_CHECKSUMS',
    description: '`when-required` for services that refuse the checksums of the AWS SDK.',
  }),
  s3StorageClass: optional(oneOf(...STORAGE_CLASSES), {
    section: 'Repository',
    name: 'coolify_s3_storage_class',
    env: 'COOLIFY_STATE_S3_STORAGE_CLASS',
    defaultText: "the bucket's own",
    description:
      'Storage class of archives. Those that have to be thawed before they can be read are not offered: every snapshot is read back. Sidecars stay in the default class, because they are read with every listing.',
  }),
  s3Encryption: optional(oneOf('aes256', 'aws:kms'), {
    section: 'Repository',
    name: 'coolify_s3_encryption',
    env: 'COOLIFY_STATE_S3_ENCRYPTION',
    description:
      'Encryption by the service, for buckets that ask for it. Snapshots are encrypted with age before they leave this machine in any case; that is why keys of the customer (SSE-C) are not offered: one more key to lose, and nothing more to gain.',
  }),
  s3KmsKeyId: optional(TEXT, {
    section: 'Repository',
    name: 'coolify_s3_kms_key_id',
    env: 'COOLIFY_STATE_S3_KMS_KEY_ID',
    defaultText: "the service's usual one",
    description: 'Which key of the key management encrypts, with `coolify_s3_encryption: aws:kms`.',
  }),
  s3ObjectLock: optional(oneOf('governance', 'compliance'), {
    section: 'Repository',
    name: 'coolify_s3_object_lock',
    env: 'COOLIFY_STATE_S3_OBJECT_LOCK',
    description:
      'Locks every snapshot against removal for `coolify_s3_object_lock_days`: `governance` lets those remove it who have a special right, `compliance` nobody. The bucket has to have been created with object lock. See docs/repositories.md.',
  }),
  s3ObjectLockDays: optional(wholeNumber(1, 36_500), {
    section: 'Repository',
    name: 'coolify_s3_object_lock_days',
    env: 'COOLIFY_STATE_S3_OBJECT_LOCK_DAYS',
    description: 'For how many days a snapshot is locked from its upload on.',
  }),
  s3ConditionalWrites: optional(BOOLEAN, {
    section: 'Repository',
    name: 'coolify_s3_conditional_writes',
    env: 'COOLIFY_STATE_S3_CONDITIONAL_WRITES',
    defaultText: 'true',
    description:
      'Whether the service is told to refuse a name that exists (`If-None-Match`). `false` for services that do not know that, such as Backblaze B2: then it is asked beforehand, and two machines that write at the same moment may both succeed.',
  }),
  s3CaFile: optional(LOCAL_PATH, {
    section: 'Repository',
    name: 'coolify_s3_ca_file',
    env: 'COOLIFY_STATE_S3_CA_FILE',
    description:
      'Certificates (PEM) of an authority of your own, trusted for the service beside those that Node brings.',
  }),
  cachePath: optional(LOCAL_PATH, {
    section: 'Repository',
    name: 'coolify_cache_path',
    env: 'COOLIFY_STATE_CACHE_PATH',
    defaultText: '`$XDG_CACHE_HOME/coolify-state`, or else `~/.cache/coolify-state`',
    description:
      'Folder of this machine that keeps sidecars that were read from S3, so that a listing need not read them again. It holds no secrets and may be removed at any time.',
  }),
  repositories: optional(listOf(REPOSITORY), {
    section: 'Repository',
    name: 'coolify_repository',
    aliases: ['coolify_repositories'],
    env: 'COOLIFY_STATE_REPOSITORY',
    description:
      'Where snapshots go, instead of the bucket above: `file:/folder`, or `s3://bucket/path` at the endpoint above, or a list of these. A relative folder starts beside the folder of the inventory.',
  }),
} as const;
