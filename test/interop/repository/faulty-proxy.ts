import { createHash } from 'node:crypto';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { buffer } from 'node:stream/consumers';

/** What befalls a request on its way; nothing: it passes. */
export type Fault =
  /** The proxy answers itself, with the error document of S3. */
  | {
      readonly answer: number;
      readonly code?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** The connection is reset after so many bytes of the answer's body. */
  | { readonly cutAfter: number }
  /** The store does what it is asked, and its answer is lost. */
  | { readonly loseAnswer: true }
  /** No answer ever comes. */
  | { readonly hang: true }
  /** A byte of the answer's body is changed. */
  | { readonly bendByte: number }
  /** The connection is reset when so many bytes of the request's body have come. */
  | { readonly cutRequestAfter: number }
  /** A byte of the request's body is changed on its way. */
  | { readonly bendRequestByte: number }
  /** The store never hears of it, and the client is told that it was done. */
  | { readonly swallow: true }
  /** As the store last answered the same question when it was let through: a listing that lags. */
  | { readonly stale: true };

export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly range: string | undefined;
}

export interface FaultyProxy {
  readonly endpoint: string;
  readonly seen: SeenRequest[];
  /** Asked for each request. */
  faults: (request: SeenRequest) => Fault | undefined;
  stop(): Promise<void>;
}

/** Stands between a client and a store, and lets through what the test does not want to go wrong. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const seen: SeenRequest[] = [];
  const answered = new Map<string, Awaited<ReturnType<typeof forward>>>();
  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  const port = await listening(server);
  const proxy: FaultyProxy = {
    endpoint: `http://127.0.0.1:${port}`,
    seen,
    faults: () => undefined,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return proxy;

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = incoming;
    const request = { method, url, range: headers.range };
    seen.push(request);
    const fault = proxy.faults(request);
    if (fault !== undefined && 'cutRequestAfter' in fault) {
      cutAfter(incoming, fault.cutRequestAfter);
      return;
    }
    const body = await buffer(incoming);
    if (fault !== undefined && 'hang' in fault) return;
    if (fault !== undefined && 'bendRequestByte' in fault && body.length > 0) {
      bend(body, fault.bendRequestByte % body.length);
    }
    if (fault !== undefined && 'answer' in fault) {
      outgoing.writeHead(fault.answer, { 'content-type': 'application/xml', ...fault.headers });
      outgoing.end(method === 'HEAD' ? '' : errorDocument(fault.code ?? ''));
      return;
    }
    if (fault !== undefined && 'swallow' in fault) {
      const etag = createHash('md5').update(body).digest('hex');
      outgoing.writeHead(200, { etag: `"${etag}"` }).end();
      return;
    }
    const former = fault !== undefined && 'stale' in fault ? answered.get(url) : undefined;
    const answer = former ?? (await forward(target, incoming, body));
    if (former === undefined && method === 'GET' && url.includes('list-type=2')) answered.set(url, answer);
    if (fault !== undefined && 'loseAnswer' in fault) {
      outgoing.destroy();
      return;
    }
    outgoing.writeHead(answer.status, answer.headers);
    if (fault !== undefined && 'cutAfter' in fault) {
      outgoing.write(answer.body.subarray(0, fault.cutAfter), () => outgoing.destroy());
      return;
    }
    if (fault !== undefined && 'bendByte' in fault) bend(answer.body, fault.bendByte);
    outgoing.end(answer.body);
  }
}

function bend(body: Buffer, at: number): void {
  body.writeUInt8(body.readUInt8(at) ^ 1, at);
}

function cutAfter(incoming: IncomingMessage, bytes: number): void {
  let left = bytes;
  incoming.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left <= 0) incoming.socket.resetAndDestroy();
  });
  incoming.on('end', () => incoming.socket.resetAndDestroy());
  incoming.on('error', () => {});
}

async function forward(target: string, incoming: IncomingMessage, body: Buffer) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest(
      new URL(incoming.url ?? '/', target),
      // The host as it was signed.
      { method: incoming.method ?? 'GET', headers: incoming.headers },
      resolve,
    );
    request.on('error', reject);
    request.end(body);
  });
  return { status: response.statusCode ?? 502, headers: response.headers, body: await buffer(response) };
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

function errorDocument(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>said by the test</Message></Error>`;
}
