import { connect, Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { messageOf, StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';

export interface TunnelTarget {
  readonly host: string;
  readonly port: number;
  /** Milliseconds for the proxy to answer. */
  readonly timeout: number;
}

const LONGEST_ANSWER = 16 * 1024;

/**
 * A connection through an HTTP proxy by CONNECT (RFC 9110, 9.3.6). The callback is called once; with an error the socket is
 * already destroyed. No message holds the proxy's password.
 */
export function openTunnel(
  proxy: string,
  target: TunnelTarget,
  callback: (error: Error | null, socket: Socket) => void,
): void {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const secure = url?.protocol === 'https:';
  if (url === undefined || (url.protocol !== 'http:' && !secure)) {
    callback(unusable(), new Socket().destroy());
    return;
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port === '' ? (secure ? 443 : 80) : url.port);
  const where = printable(`${url.hostname}:${port}`);
  const socket = secure ? tlsConnect({ host, port, servername: host }) : connect({ host, port });
  let received = Buffer.alloc(0);

  const end = (error: Error | null) => {
    socket.setTimeout(0);
    socket.off('data', read).off('timeout', silent).off('error', broken).off('close', closed);
    if (error !== null) socket.on('error', () => {}).destroy();
    callback(error, socket);
  };
  const broken = (error: unknown) => end(unreachable(where, target, printable(messageOf(error))));
  const silent = () => end(unreachable(where, target, 'it does not answer in time'));
  const closed = () => end(unreachable(where, target, 'it closed the connection'));
  const read = (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const head = received.indexOf('\r\n\r\n');
    if (head < 0) {
      if (received.length > LONGEST_ANSWER) end(unreachable(where, target, 'it does not speak HTTP'));
      return;
    }
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(received.toString('latin1', 0, head))?.[1]);
    if (!(status >= 200 && status < 300)) return end(refused(where, target, status));
    socket.pause();
    // A store speaks only when it is spoken to, but what did come belongs to the connection.
    if (received.length > head + 4) socket.unshift(received.subarray(head + 4));
    end(null);
  };
  socket.setTimeout(target.timeout);
  socket.on('data', read).on('timeout', silent).on('error', broken).on('close', closed);
  socket.once(secure ? 'secureConnect' : 'connect', () => socket.write(requestFor(target, url)));
}

function requestFor({ host, port }: TunnelTarget, { username, password }: URL): string {
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization =
    username === '' ? '' : `Proxy-Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`;
  return `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`;
}

function unusable(): StateError {
  return new StateError({
    kind: 'usage',
    code: 'repository.settings',
    what: 'The proxy of the environment cannot be used',
    why: 'its address is neither http nor https',
    next: 'Correct HTTPS_PROXY (or HTTP_PROXY, ALL_PROXY), or name the store in NO_PROXY',
  });
}

/** The SDK tries again what carries this mark. */
const AGAIN = { $retryable: {} };

function unreachable(where: string, { host }: TunnelTarget, why: string): Error {
  return Object.assign(
    new StateError({
      kind: 'failed',
      code: 'repository.proxy-unreachable',
      what: `Could not reach ${printable(host)} through the proxy ${where}`,
      why,
      next: 'Check HTTPS_PROXY (or HTTP_PROXY, ALL_PROXY), or name the store in NO_PROXY',
    }),
    AGAIN,
  );
}

function refused(where: string, { host }: TunnelTarget, status: number): Error {
  const isAuthentication = status === 407;
  const error = new StateError({
    kind: 'failed',
    code: 'repository.proxy-refused',
    what: `Could not reach ${printable(host)} through the proxy ${where}`,
    why: isAuthentication
      ? 'the proxy wants to know who asks'
      : `the proxy answered ${Number.isNaN(status) ? 'something that is not HTTP' : `with status ${status}`}`,
    next: isAuthentication
      ? 'Put user and password into the address of the proxy: HTTPS_PROXY=http://user:password@proxy:3128'
      : 'Ask who runs the proxy to allow this host and port, or name the store in NO_PROXY',
  });
  return status >= 500 ? Object.assign(error, AGAIN) : error;
}
