import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { S3Client } from '@aws-sdk/client-s3';
import type { S3Agents } from './agents.js';
import type { CheckedS3Settings } from './settings.js';
import { escapedPath, ReadSigner } from './signature.js';

/**
 * Reads small objects without the SDK, on its connections and with its credentials, at a seventh of the work: listing
 * thousands of snapshots reads as many sidecars. It knows success and nothing else. Whatever is not, is left to the SDK,
 * which tries again and knows why.
 */
export class SmallReader {
  readonly #client: S3Client;
  readonly #settings: CheckedS3Settings;
  readonly #agents: S3Agents;
  readonly #endpoint: URL;
  readonly #signer: ReadSigner;
  readonly #onRequest: () => void;
  /** After a refusal nothing is tried again here: it would be refused twice each time. */
  #isWelcome = true;

  private constructor(
    client: S3Client,
    settings: CheckedS3Settings,
    agents: S3Agents,
    endpoint: URL,
    region: string,
    onRequest: () => void,
  ) {
    this.#client = client;
    this.#settings = settings;
    this.#agents = agents;
    this.#endpoint = endpoint;
    this.#signer = new ReadSigner(region);
    this.#onRequest = onRequest;
  }

  /** `undefined` for AWS itself: where its buckets are, the SDK alone knows. */
  static for(
    client: S3Client,
    settings: CheckedS3Settings,
    agents: S3Agents,
    onRequest: () => void,
  ): SmallReader | undefined {
    const { endpoint, region } = settings;
    if (endpoint === undefined || region === undefined) return undefined;
    return new SmallReader(client, settings, agents, new URL(endpoint), region, onRequest);
  }

  /** The whole object; `undefined` when it could not be read like that, has more than `limit` bytes, or is not there. */
  async read(objectKey: string, limit: number, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
    if (!this.#isWelcome) return undefined;
    try {
      const credentials = await this.#client.config.credentials();
      return await this.#exchanged(objectKey, credentials, limit, signal);
    } catch {
      return undefined;
    }
  }

  #exchanged(
    objectKey: string,
    credentials: Parameters<ReadSigner['headers']>[0],
    limit: number,
    signal: AbortSignal | undefined,
  ): Promise<Buffer | undefined> {
    const { hostname, path, headers } = this.#requestFor(objectKey, credentials);
    const { httpAgent, httpsAgent } = this.#agents;
    const isSecure = this.#endpoint.protocol === 'https:';
    const options = {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: this.#endpoint.port === '' ? (isSecure ? 443 : 80) : Number(this.#endpoint.port),
      path,
      headers,
      agent: isSecure ? httpsAgent : httpAgent,
      ...(signal !== undefined && { signal }),
    };
    this.#onRequest();
    return new Promise((resolve, reject) => {
      const request: ClientRequest = isSecure ? httpsRequest(options) : httpRequest(options);
      request.setTimeout(this.#settings.idleTimeout, () => request.destroy());
      request.on('error', reject).on('close', () => resolve(undefined));
      request.on('response', (response) => {
        if (response.statusCode !== 200) {
          this.#isWelcome = response.statusCode === 404 || (response.statusCode ?? 0) >= 500;
          response.resume();
          return resolve(undefined);
        }
        collect(response, limit, resolve, reject);
      });
      request.end();
    });
  }

  #requestFor(objectKey: string, credentials: Parameters<ReadSigner['headers']>[0]) {
    const { bucket, pathStyle } = this.#settings;
    const hostname = pathStyle ? this.#endpoint.hostname : `${bucket}.${this.#endpoint.hostname}`;
    const folder = this.#endpoint.pathname.replace(/\/$/, '');
    const path = `${folder}/${pathStyle ? `${bucket}/` : ''}${escapedPath(objectKey)}`;
    const host = this.#endpoint.port === '' ? hostname : `${hostname}:${this.#endpoint.port}`;
    // What the SDK has learned of the store's clock counts here too.
    const at = new Date(Date.now() + this.#client.config.systemClockOffset);
    return { hostname, path, headers: this.#signer.headers(credentials, { host, path, at }) };
  }
}

function collect(
  response: IncomingMessage,
  limit: number,
  resolve: (content: Buffer | undefined) => void,
  reject: (error: unknown) => void,
): void {
  const pieces: Buffer[] = [];
  let size = 0;
  response.on('data', (piece: Buffer) => {
    pieces.push(piece);
    size += piece.length;
    if (size > limit) response.destroy();
  });
  response.on('error', reject);
  response.on('end', () => resolve(response.complete ? Buffer.concat(pieces) : undefined));
}
