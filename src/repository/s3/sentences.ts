import { errnoOf, messageOf } from '../../core/errors.js';
import { dateOf, headerOf } from './headers.js';

export interface S3Attempt {
  /** `Could not store x`: the sentence's beginning; the place is added. */
  readonly what: string;
  readonly location: string;
  readonly bucket: string;
  /** For people: the endpoint, or `AWS`. */
  readonly endpoint: string;
  readonly key?: string;
  readonly removing?: boolean;
  /** What a put asked for beyond storing: `an object lock`, `the storage class X`. */
  readonly asked?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

export interface Sentence {
  /** Without `repository.` before it. */
  readonly code: string;
  readonly kind?: 'usage';
  readonly why: string;
  readonly next: string;
}

/** Why an attempt failed, for people; `undefined` where nothing is known about the error. */
export function sentenceFor(error: unknown, attempt: S3Attempt): Sentence | undefined {
  const { name, status } = answerOf(error);
  const explain =
    BY_NAME.get(name) ??
    refusedSettings(name, attempt) ??
    BY_ERRNO.get(errnoOf(error) ?? '') ??
    byStatus(status) ??
    byMessage(messageOf(error), status);
  return explain?.(attempt, error);
}

/** The name (code) and HTTP status of a store's answer; 0 when there was none. */
export function answerOf(error: unknown): { readonly name: string; readonly status: number } {
  if (!(error instanceof Error)) return { name: '', status: 0 };
  const metadata = '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : undefined;
  return { name: error.name, status: typeof status === 'number' ? status : 0 };
}

type Explain = (attempt: S3Attempt, error: unknown) => Sentence;

const noBucket: Explain = ({ bucket, endpoint }) => ({
  code: 'bucket-missing',
  why: `there is no bucket "${bucket}" at ${endpoint}`,
  next: 'Create the bucket, or correct its name or the endpoint in the settings',
});
const denied: Explain = ({ removing }) =>
  removing === true
    ? {
        code: 'remove-denied',
        why: 'these credentials may not remove it, or an object lock keeps it',
        next: 'Use credentials that may delete, or wait until the lock has expired',
      }
    : {
        code: 'access-denied',
        why: 'the store knows these credentials, but they do not allow this',
        next: 'Allow listing, reading and writing for this bucket and path',
      };
const unknownKeyId: Explain = ({ endpoint }) => ({
  code: 'access-key-unknown',
  why: `${endpoint} does not know the access key id`,
  next: 'Check the access key id, and that it belongs to this endpoint',
});
const signature: Explain = () => ({
  code: 'signature-mismatch',
  why: 'the secret access key does not fit the access key id',
  next: 'Check the secret access key for a missing or additional character',
});
const skewed: Explain = (_attempt, error) => {
  const theirs =
    error instanceof Error && '$response' in error ? dateOf(error.$response)?.toISOString() : undefined;
  return {
    code: 'clock-skewed',
    why: `the clock of this machine (${new Date().toISOString()}) is too far from the store's${theirs === undefined ? '' : ` (${theirs})`}`,
    next: 'Set the clock: `timedatectl set-ntp true`',
  };
};
const noSpace: Explain = () => ({
  code: 'no-space',
  why: 'the store has no space left, or the quota is used up',
  next: 'Remove old snapshots, or raise the quota',
});
const tooLarge: Explain = () => ({
  code: 'too-large',
  why: 'the store does not take an object of this size',
  next: 'See which sizes the store takes; less in coolify_extra_paths makes snapshots smaller',
});
const busy: Explain = ({ endpoint }) => ({
  code: 'busy',
  why: `${endpoint} asked to slow down, again after several attempts`,
  next: 'Try again later',
});
const serverFailed: Explain = ({ endpoint }) => ({
  code: 'server-failed',
  why: `${endpoint} answered with an error of its own, again after several attempts`,
  next: 'Try again later, or look at the state of the store',
});
const wrongRegion: Explain = (_attempt, error) => {
  const region = regionOf(error);
  return {
    code: 'wrong-region',
    why: `the bucket is in ${region === undefined ? 'another region' : `the region "${region}"`}`,
    next: 'Correct the region (coolify_s3_region) or the endpoint in the settings',
  };
};
const notSupported: Explain = ({ endpoint, asked = [] }) => ({
  code: 'not-supported',
  why: `${endpoint} does not know a feature that the request used${asked.length === 0 ? '' : `; it asked for ${asked.join(' and ')}`}`,
  next: 'If the store rejects checksums, set coolify_s3_checksums: when-required; if it does not know If-None-Match, coolify_s3_conditional_writes: false',
});
const settingsRefused: Explain = ({ endpoint, asked = [] }) => ({
  code: 'settings-refused',
  why: `${endpoint} does not store what is put with ${asked.join(' and ')}`,
  next: asked.includes('an object lock')
    ? 'An object lock needs a bucket that was created with it; a storage class and an encryption have to be offered by the store'
    : 'Take a value that the store offers, or leave the setting out',
});
const keyManagement: Explain = () => ({
  code: 'key-management',
  why: 'the key management of the store does not let these credentials use the key',
  next: 'Check coolify_s3_kms_key_id, and that its policy allows kms:GenerateDataKey and kms:Decrypt',
});
const credentialsExpired: Explain = () => ({
  code: 'credentials-expired',
  why: 'these credentials were lent for some time, and that is over',
  next: 'Log in again (`aws sso login`), or use an access key that does not expire',
});
const accountSuspended: Explain = ({ endpoint }) => ({
  code: 'account-suspended',
  why: `${endpoint} has suspended the account of these credentials`,
  next: 'Look into the console of the provider: an unpaid bill is the usual reason',
});
const badDigest: Explain = () => ({
  code: 'damaged-in-transit',
  why: 'what arrived at the store is not what was sent',
  next: 'Try again; if it happens often, look at the network between here and the store',
});
const noCredentials: Explain = () => ({
  kind: 'usage',
  code: 'credentials-missing',
  why: 'no credentials were given, and none were found where the AWS SDK looks for them',
  next: 'Set HETZNER_S3_ACCESS_KEY and HETZNER_S3_SECRET_KEY, or AWS_PROFILE',
});
const noRegion: Explain = () => ({
  kind: 'usage',
  code: 'settings',
  why: 'neither an endpoint nor a region is set',
  next: 'Set the endpoint, or the region for AWS itself',
});
const unresolved: Explain = ({ endpoint }) => ({
  code: 'unreachable',
  why: `the name in ${endpoint} cannot be resolved`,
  next: 'Check the endpoint and the name service of this machine',
});
const refused: Explain = ({ endpoint }) => ({
  code: 'unreachable',
  why: `nothing accepts connections at ${endpoint}`,
  next: 'Check the endpoint, its port, and that the store is running',
});
const silent: Explain = ({ endpoint }) => ({
  code: 'unreachable',
  why: `${endpoint} does not answer in time`,
  next: 'Check the endpoint and the way to it (firewall, route)',
});
const lost: Explain = ({ endpoint }) => ({
  code: 'connection-lost',
  why: `the connection to ${endpoint} broke off, again after several attempts`,
  next: 'Try again; if it stays, look at the network between here and the store',
});
const untrusted: Explain = ({ endpoint }) => ({
  code: 'certificate',
  why: `the certificate of ${endpoint} is not to be trusted`,
  next: 'For a certificate authority of your own set coolify_s3_ca_file to its certificates',
});
const noTls: Explain = ({ endpoint }) => ({
  code: 'unreachable',
  why: `${endpoint} does not speak TLS`,
  next: 'Check the scheme and the port of the endpoint',
});

/** Maps, because the names come from a server: `constructor` must not be found. */
const BY_NAME: ReadonlyMap<string, Explain> = new Map(
  Object.entries({
    NoSuchBucket: noBucket,
    AccessDenied: denied,
    AllAccessDisabled: accountSuspended,
    AccountProblem: accountSuspended,
    UserSuspended: accountSuspended,
    Forbidden: denied,
    ExpiredToken: credentialsExpired,
    ExpiredTokenException: credentialsExpired,
    TokenRefreshRequired: credentialsExpired,
    'KMS.NotFoundException': keyManagement,
    'KMS.DisabledException': keyManagement,
    'KMS.KMSInvalidStateException': keyManagement,
    InvalidStorageClass: settingsRefused,
    ObjectLockConfigurationNotFoundError: settingsRefused,
    InvalidAccessKeyId: unknownKeyId,
    SignatureDoesNotMatch: signature,
    RequestTimeTooSkewed: skewed,
    RequestExpired: skewed,
    RequestInTheFuture: skewed,
    QuotaExceeded: noSpace,
    StorageFull: noSpace,
    XMinioStorageFull: noSpace,
    InsufficientStorage: noSpace,
    EntityTooLarge: tooLarge,
    SlowDown: busy,
    Throttling: busy,
    ThrottlingException: busy,
    TooManyRequests: busy,
    RequestLimitExceeded: busy,
    ServiceUnavailable: busy,
    InternalError: serverFailed,
    PermanentRedirect: wrongRegion,
    TemporaryRedirect: wrongRegion,
    AuthorizationHeaderMalformed: wrongRegion,
    IllegalLocationConstraintException: wrongRegion,
    NotImplemented: notSupported,
    XAmzContentSHA256Mismatch: badDigest,
    XAmzContentChecksumMismatch: badDigest,
    BadDigest: badDigest,
    InvalidDigest: badDigest,
    CredentialsProviderError: noCredentials,
    TimeoutError: silent,
  }),
);

const CERTIFICATE = [
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
];

const BY_ERRNO: ReadonlyMap<string, Explain> = new Map(
  Object.entries({
    ENOTFOUND: unresolved,
    EAI_AGAIN: unresolved,
    ECONNREFUSED: refused,
    EHOSTUNREACH: silent,
    ENETUNREACH: silent,
    ETIMEDOUT: silent,
    ECONNRESET: lost,
    EPIPE: lost,
    ERR_STREAM_PREMATURE_CLOSE: lost,
    EPROTO: noTls,
    ERR_SSL_WRONG_VERSION_NUMBER: noTls,
    ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
    ...Object.fromEntries(CERTIFICATE.map((code) => [code, untrusted])),
  }),
);

/** What a store answers to a request whose headers it does not like; Ceph RGW says no more than that. */
function refusedSettings(name: string, { asked = [] }: S3Attempt): Explain | undefined {
  const isVague = name === 'InvalidRequest' || name === 'InvalidArgument';
  return isVague && asked.length > 0 ? settingsRefused : undefined;
}

/** AWS tells the right region in a header. Only what can be a region is repeated. */
function regionOf(error: unknown): string | undefined {
  const region =
    error instanceof Error && '$response' in error
      ? headerOf(error.$response, 'x-amz-bucket-region')
      : undefined;
  return region !== undefined && /^[a-z0-9-]{2,40}$/.test(region) ? region : undefined;
}

function byStatus(status: number): Explain | undefined {
  if (status === 401 || status === 403) return denied;
  if (status === 507) return noSpace;
  if (status === 429 || status === 503) return busy;
  if (status === 501) return notSupported;
  if (status === 301 || status === 307) return wrongRegion;
  return status >= 500 ? serverFailed : undefined;
}

/** The two that the SDK throws without a name or a code. */
function byMessage(message: string, status: number): Explain | undefined {
  if (/region is missing/i.test(message)) return noRegion;
  return /credential/i.test(message) && status === 0 ? noCredentials : undefined;
}
