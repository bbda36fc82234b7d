import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { S3Agents } from './agents.js';
import type { CheckedS3Settings } from './settings.js';

/** Milliseconds that one attempt to clean up may take: the user who pressed Ctrl-C is waiting. */
export const CLEANUP_TIMEOUT = 15_000;

/** The commands that make an object of what was sent, and how much of it that was. */
const MAKES_AN_OBJECT: ReadonlyMap<string, 'whole' | 'parts'> = new Map([
  ['PutObjectCommand', 'whole'],
  ['CompleteMultipartUploadCommand', 'parts'],
]);

/**
 * The client for everything but the body of an upload. `destroy()` it to close the connections. `onRequest` is called for
 * every request that is sent, repetitions and those of an `uploadClient` included.
 */
export function s3Client(settings: CheckedS3Settings, agents: S3Agents, onRequest: () => void): S3Client {
  const client = new S3Client({
    ...configOf(settings),
    ...credentialsOf(settings),
    requestHandler: {
      ...agents,
      connectionTimeout: settings.connectTimeout,
      // Of silence, not of the whole request: a part may take long over a thin line.
      socketTimeout: settings.idleTimeout,
    },
  });
  const { requestHandler } = client.config;
  const handle = requestHandler.handle.bind(requestHandler);
  requestHandler.handle = (...args: Parameters<typeof handle>) => {
    onRequest();
    return handle(...args);
  };
  return client;
}

export interface UploadClient {
  readonly client: S3Client;
  /** The first request that failed for good, which is why all others were ended. */
  failure(): unknown;
}

/**
 * A second client on the same connections and credentials, for one upload. lib-storage passes no signal to its requests
 * and, when aborted, reports before they have ended. Here sending of data ends with `stop`, while the requests that begin,
 * complete and abort a multipart upload always run to their end: so `done()` settles when nothing is in flight any more
 * and what was begun has been cleaned away. The first failure stops everything else, by `stop`.
 * `beforeLast` runs before the request that makes an object of what was sent, at once or in parts; when it throws, that is
 * not sent.
 */
export function uploadClient(
  shared: S3Client,
  settings: CheckedS3Settings,
  stop: AbortController,
  beforeLast: (sent: 'whole' | 'parts') => Promise<void>,
): UploadClient {
  const handler = shared.config.requestHandler;
  const bound: S3ClientConfig['requestHandler'] = {
    metadata: handler.metadata ?? { handlerProtocol: 'http/1.1' },
    updateHttpClientConfig: () => {},
    httpHandlerConfigs: () => ({}),
    handle: (request: { readonly method: string }, options?: object) => {
      if (request.method === 'PUT') return handler.handle(request, { ...options, abortSignal: stop.signal });
      if (request.method !== 'DELETE') return handler.handle(request, options);
      return handler.handle(request, { ...options, abortSignal: AbortSignal.timeout(CLEANUP_TIMEOUT) });
    },
  };
  const client = new S3Client({
    ...configOf(settings),
    credentials: shared.config.credentials,
    requestHandler: bound,
  });
  let failed: { readonly error: unknown } | undefined;
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        try {
          const sent = MAKES_AN_OBJECT.get(commandName ?? '');
          if (sent !== undefined) await beforeLast(sent);
          return await next(args);
        } catch (error) {
          // What fails after the stop fails because of it.
          if (!stop.signal.aborted) failed = { error };
          stop.abort(error);
          throw error;
        }
      },
    // Outside of the retries, so that only a failure for good is seen.
    { step: 'initialize', priority: 'high', name: 'stopAtFirstFailure' },
  );
  return { client, failure: () => failed?.error };
}

/** A signal as the SDK wants it. */
export function abortable(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

function configOf(settings: CheckedS3Settings): S3ClientConfig {
  return {
    ...(settings.endpoint !== undefined && { endpoint: settings.endpoint }),
    ...(settings.region !== undefined && { region: settings.region }),
    forcePathStyle: settings.pathStyle,
    maxAttempts: settings.maxAttempts,
    retryMode: 'standard',
    requestChecksumCalculation: settings.checksums === 'when-required' ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED',
    // Everything read is held against a SHA-256 or authenticated by age; a checksum here would only cost.
    responseChecksumValidation: 'WHEN_REQUIRED',
    // With it the SDK opens a new connection for each part.
    expectContinueHeader: false,
  };
}

function credentialsOf({ accessKeyId, secretAccessKey, sessionToken }: CheckedS3Settings): S3ClientConfig {
  if (accessKeyId === undefined || secretAccessKey === undefined) return {};
  return {
    credentials: {
      accessKeyId: accessKeyId.reveal(),
      secretAccessKey: secretAccessKey.reveal(),
      ...(sessionToken !== undefined && { sessionToken: sessionToken.reveal() }),
    },
  };
}
