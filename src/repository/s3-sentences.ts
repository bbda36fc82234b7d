import { errnoOf, messageOf } from '../core/errors.js';

export interface S3Attempt {
  /** `Could not store x`: the sentence's beginning; the place is added. */
  readonly what: string;
  readonly location: string;
  readonly bucket: string;
  /** For people: the endpoint, or `AWS`. */
  readonly endpoint: string;
  readonly key?: string;
  readonly removing?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Sentence {
  /** Without `repository.` before it. */
  readonly code: string;
  readonly kind?: 'usage';
  readonly why: string;
  readonly next?: string;
}

/** Why an attempt failed, for people; `undefined` where nothing is known about the error. */
export function sentenceFor(error: unknown, attempt: S3Attempt): Sentence | undefined {
  const { name, status } = answerOf(error);
  const explain =
    BY_NAME.get(name) ??
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
  const theirs = serverTimeOf(error);
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
const wrongRegion: Explain = () => ({
  code: 'wrong-region',
  why: 'the bucket is in another region',
  next: 'Correct the region or the endpoint in the settings',
});
const notSupported: Explain = ({ endpoint }) => ({
  code: 'not-supported',
  why: `${endpoint} does not know a feature that the request used`,
  next: 'If the store rejects checksums, set them to when-required',
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
  next: 'For a certificate authority of your own set NODE_EXTRA_CA_CERTS to its file',
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
    AllAccessDisabled: denied,
    AccountProblem: denied,
    Forbidden: denied,
    InvalidAccessKeyId: unknownKeyId,
    SignatureDoesNotMatch: signature,
    RequestTimeTooSkewed: skewed,
    RequestExpired: skewed,
    QuotaExceeded: noSpace,
    StorageFull: noSpace,
    XMinioStorageFull: noSpace,
    InsufficientStorage: noSpace,
    EntityTooLarge: () => ({ code: 'too-large', why: 'the store does not take an object of this size' }),
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

function serverTimeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('$response' in error)) return undefined;
  const response = error.$response;
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined;
  const headers = response.headers;
  if (typeof headers !== 'object' || headers === null || !('date' in headers)) return undefined;
  const time = new Date(String(headers.date));
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
