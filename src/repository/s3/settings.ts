import { StateError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import { printable } from '../../core/terminal-text.js';
import { checkedKey } from '../keys.js';
import { type ProxyVariables, proxyVariables } from './proxy.js';

/** Where an S3 repository is and how it is spoken to. Everything but the bucket has a default. */
export interface S3Settings {
  readonly kind: 's3';
  /** `https://fsn1.your-objectstorage.com`; without scheme `https` is meant. Without it: AWS itself. */
  readonly endpoint?: string | undefined;
  /** With an endpoint of one's own `us-east-1` by default, which stores that are not AWS accept; else the SDK's chain. */
  readonly region?: string | undefined;
  readonly bucket: string;
  /** Folder in the bucket, `` for its top. */
  readonly path?: string | undefined;
  /** Bucket in the path (true) or in the host name. True by default where an endpoint is given. */
  readonly pathStyle?: boolean | undefined;
  /** Both or neither; without them the AWS SDK's usual chain. */
  readonly accessKeyId?: Secret | undefined;
  readonly secretAccessKey?: Secret | undefined;
  readonly sessionToken?: Secret | undefined;
  /** `when-required` for stores that reject the checksums of today's SDKs. */
  readonly checksums?: 'when-supported' | 'when-required' | undefined;
  /** Storage class of archives; the sidecars stay in the bucket's default one. Only classes that can be read at once. */
  readonly storageClass?: StorageClass | undefined;
  /** Encryption by the store, on top of age: with its own key, or one of its key management (`kmsKeyId`). */
  readonly encryption?: 'aes256' | 'aws:kms' | undefined;
  readonly kmsKeyId?: string | undefined;
  /** Nobody may remove an object (governance: but who has a special right) before so many days have passed. */
  readonly objectLock?: ObjectLock | undefined;
  /** False for stores that refuse `If-None-Match`; then only a question beforehand keeps objects from being replaced. */
  readonly conditionalWrites?: boolean | undefined;
  /** File of certificates (PEM) that are trusted beside those that Node brings. */
  readonly caFile?: string | undefined;
  /** Folder of this machine where small objects are kept that were read; nothing is kept without it. */
  readonly cacheFolder?: string | undefined;
  /** Which proxy to take; the variables of the environment by default. */
  readonly proxy?: ProxyVariables | undefined;
  /**
   * Bytes a part, 5 MiB by default and at least; more for what would not fit into 10,000 parts. Memory grows by about ten
   * times as much.
   */
  readonly partSize?: number | undefined;
  /** Parts in flight at once, 3 by default. Memory grows with it. */
  readonly partsInFlight?: number | undefined;
  /** Attempts for each request, and for a download that makes no progress. 5 by default. */
  readonly maxAttempts?: number | undefined;
  /** Milliseconds for a connection to come about (10,000), and without any traffic on it (60,000). */
  readonly connectTimeout?: number | undefined;
  readonly idleTimeout?: number | undefined;
}

/** Classes whose objects can be read back at once, as every snapshot is. */
export const STORAGE_CLASSES = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'REDUCED_REDUNDANCY',
] as const;
export type StorageClass = (typeof STORAGE_CLASSES)[number];

export interface ObjectLock {
  readonly mode: 'governance' | 'compliance';
  readonly days: number;
}

/** The same, checked and with every default in its place. */
export interface CheckedS3Settings extends Omit<S3Settings, 'caFile'> {
  /** What stands in the file of certificates. */
  readonly ca: string | undefined;
  readonly endpoint: string | undefined;
  /** Without slashes at its ends. */
  readonly path: string;
  readonly pathStyle: boolean;
  readonly conditionalWrites: boolean;
  readonly proxy: ProxyVariables;
  readonly partSize: number;
  readonly partsInFlight: number;
  readonly maxAttempts: number;
  readonly connectTimeout: number;
  readonly idleTimeout: number;
}

const MiB = 1024 * 1024;
const SMALLEST_PART = 5 * MiB;
/** What S3 allows. Days. */
const LONGEST_LOCK = 36_500;

/** Throws `repository.settings` (usage) with what is wrong. Touches neither network nor credentials chain. */
export function checkedS3Settings(settings: S3Settings, ca?: string): CheckedS3Settings {
  const endpoint = checkedEndpoint(settings.endpoint);
  const path = (settings.path ?? '').replace(/^\/+|(?<!\/)\/+$/g, '');
  if (path !== '') checkedKey(path);
  // The old rules of AWS, which Ceph keeps: three characters and more, capitals and underscores allowed.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{2,254}$/.test(settings.bucket)) {
    throw bad(`"${printable(settings.bucket)}" is not the name of a bucket`);
  }
  if ((settings.accessKeyId === undefined) !== (settings.secretAccessKey === undefined)) {
    const missing = settings.accessKeyId === undefined ? 'access key id' : 'secret access key';
    throw bad(`the ${missing} is missing: give both halves of the credentials, or none of them`);
  }
  const partSize = settings.partSize ?? SMALLEST_PART;
  if (!Number.isSafeInteger(partSize) || partSize < SMALLEST_PART) {
    throw bad(`a part has at least ${SMALLEST_PART} bytes, not ${partSize}`);
  }
  if (settings.kmsKeyId !== undefined && settings.encryption !== 'aws:kms') {
    throw bad('a key of the key management is named, and encryption is not "aws:kms"');
  }
  const days = settings.objectLock?.days ?? 1;
  if (!Number.isSafeInteger(days) || days < 1 || days > LONGEST_LOCK) {
    throw bad(`an object lock lasts from 1 to ${LONGEST_LOCK} days, not ${days}`);
  }
  return {
    ...settings,
    ca,
    endpoint,
    path,
    conditionalWrites: settings.conditionalWrites ?? true,
    proxy: settings.proxy ?? proxyVariables(process.env),
    region: settings.region ?? (endpoint === undefined ? undefined : 'us-east-1'),
    pathStyle: settings.pathStyle ?? endpoint !== undefined,
    partSize,
    partsInFlight: settings.partsInFlight ?? 3,
    maxAttempts: settings.maxAttempts ?? 5,
    connectTimeout: settings.connectTimeout ?? 10_000,
    idleTimeout: settings.idleTimeout ?? 60_000,
  };
}

function checkedEndpoint(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined || endpoint === '') return undefined;
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(endpoint) ? endpoint : `https://${endpoint}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // The text itself is not repeated: someone may have written credentials into it.
  if (url === undefined) throw bad('the endpoint is not an address');
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw bad('the endpoint is neither https nor http');
  if (url.username !== '' || url.password !== '') throw bad('credentials do not belong into the endpoint');
  if (url.search !== '' || url.hash !== '') throw bad('the endpoint has a query or a fragment');
  return url.href.replace(/(?<!\/)\/+$/, '');
}

function bad(why: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'repository.settings',
    what: 'The settings of the S3 repository are wrong',
    why,
    next: 'correct it in the inventory: docs/repositories.md has examples for the usual providers',
  });
}
