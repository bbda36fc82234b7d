import { StateError } from '../core/errors.js';
import type { Secret } from '../core/secret.js';
import { printable } from '../core/terminal-text.js';
import { checkedKey } from './keys.js';

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
  /** Bytes a part, 5 MiB at least. 8 MiB by default: 10,000 parts make 78 GiB. Memory grows by about ten times as much. */
  readonly partSize?: number | undefined;
  /** Parts in flight at once, 3 by default. Memory grows with it. */
  readonly partsInFlight?: number | undefined;
  /** Attempts for each request, and for a download that makes no progress. 5 by default. */
  readonly maxAttempts?: number | undefined;
  /** Milliseconds for a connection to come about (10,000), and without any traffic on it (60,000). */
  readonly connectTimeout?: number | undefined;
  readonly idleTimeout?: number | undefined;
}

/** The same, checked and with every default in its place. */
export interface CheckedS3Settings extends S3Settings {
  readonly endpoint: string | undefined;
  /** Without slashes at its ends. */
  readonly path: string;
  readonly pathStyle: boolean;
  readonly partSize: number;
  readonly partsInFlight: number;
  readonly maxAttempts: number;
  readonly connectTimeout: number;
  readonly idleTimeout: number;
}

const MiB = 1024 * 1024;
const SMALLEST_PART = 5 * MiB;

/** Throws `repository.settings` (usage) with what is wrong. Touches neither network nor credentials chain. */
export function checkedS3Settings(settings: S3Settings): CheckedS3Settings {
  const endpoint = checkedEndpoint(settings.endpoint);
  const path = (settings.path ?? '').replace(/^\/+|\/+$/g, '');
  if (path !== '') checkedKey(path);
  // The old rules of AWS, which Ceph keeps: three characters and more, capitals and underscores allowed.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{2,254}$/.test(settings.bucket)) {
    throw bad(`"${printable(settings.bucket)}" is not the name of a bucket`);
  }
  if ((settings.accessKeyId === undefined) !== (settings.secretAccessKey === undefined)) {
    const missing = settings.accessKeyId === undefined ? 'access key id' : 'secret access key';
    throw bad(`the ${missing} is missing: give both halves of the credentials, or none of them`);
  }
  const partSize = settings.partSize ?? 8 * MiB;
  if (!Number.isSafeInteger(partSize) || partSize < SMALLEST_PART) {
    throw bad(`a part has at least ${SMALLEST_PART} bytes, not ${partSize}`);
  }
  return {
    ...settings,
    endpoint,
    path,
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
  return url.href.replace(/\/+$/, '');
}

function bad(why: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'repository.settings',
    what: 'The settings of the S3 repository are wrong',
    why,
  });
}
