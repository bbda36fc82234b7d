import type { Duplex } from 'node:stream';
import ssh2, { type CipherAlgorithm, type Client } from 'ssh2';
import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import { authenticator } from './authentication.js';
import {
  authenticationFailure,
  closedDuringLogin,
  handshakeFailure,
  loginTimeout,
  passwordExpired,
  silent,
} from './connect-failures.js';
import { Deadline } from './deadline.js';
import type { ConnectionEvent, Endpoint } from './endpoint.js';
import { type HostKey, hostKeyOf } from './host-key.js';
import type { HostKeyPolicy } from './host-key-policy.js';
import type { FoundIdentities } from './identities.js';
import type { HostKeyAlgorithm } from './known-hosts.js';
import { nativeCryptoAvailable } from './native-crypto.js';

export interface LoginSettings {
  readonly endpoint: Endpoint;
  readonly policy: HostKeyPolicy;
  readonly identities: FoundIdentities;
  readonly algorithms: readonly HostKeyAlgorithm[];
  /** Writes down a key that is new and may be trusted from now on. */
  readonly acceptHostKey: (key: HostKey) => Promise<void>;
  /** Tells the time limit in force, so that a question to a person can stop it. */
  readonly onDeadline: (deadline: Deadline | undefined) => void;
  readonly onEvent?: ((event: ConnectionEvent) => void) | undefined;
  readonly signal: AbortSignal;
}

export interface Login {
  readonly client: Client;
  readonly hostKey: HostKey;
}

/**
 * Handshake, host key and authentication over a connected socket, which is destroyed on failure.
 * @throws StateError kind `unreachable`
 */
export async function logIn(socket: Duplex, settings: LoginSettings): Promise<Login> {
  const { endpoint, policy, identities, signal, onEvent } = settings;
  const client = new ssh2.Client();
  // An 'error' nobody hears would end the process; whoever owns the client adds its own listener.
  client.on('error', () => undefined);
  let hostKey: HostKey | undefined;
  let phase: 'handshake' | 'authentication' = 'handshake';
  let deadline: Deadline | undefined;
  let onAbort = (): void => undefined;
  let greeting = '';
  const listen = (chunk: Buffer): void => {
    if (greeting.length < 1024) greeting += chunk.toString('latin1');
  };

  try {
    await new Promise<void>((resolve, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      const { handler, log } = authenticator(endpoint, identities, () =>
        reject(authenticationFailure(endpoint, log)),
      );
      deadline = new Deadline(endpoint.connectTimeoutMs, () =>
        reject(
          phase === 'handshake'
            ? silent(endpoint, greeting !== '')
            : loginTimeout(endpoint, log, LOGIN_LIMIT_MS),
        ),
      );
      settings.onDeadline(deadline);
      let accepting: Promise<void> | undefined;
      const judge = (blob: Buffer): boolean => {
        // The host may agree on new session keys at any time; it must stay the same host.
        if (hostKey) return hostKey.blob.equals(blob);
        try {
          const presented = hostKeyOf(blob);
          if (!presented) throw handshakeFailure(endpoint, new Error('its host key is malformed'), greeting);
          if (policy.judge(presented) === 'new') accepting = settings.acceptHostKey(presented);
          accepting?.catch(reject);
          hostKey = presented;
          return true;
        } catch (error) {
          reject(error);
          return false;
        }
      };

      client.on('banner', (text) => {
        log.banner = text;
        onEvent?.({ type: 'banner', text: printable(text, { multiline: true }) });
      });
      client.on('change password', () => reject(passwordExpired(endpoint)));
      client.once('handshake', ({ kex, cs }) => {
        phase = 'authentication';
        socket.off('data', listen);
        deadline?.restart(LOGIN_LIMIT_MS);
        onEvent?.({
          type: 'handshake',
          cipher: cs.cipher,
          keyExchange: kex,
          native: nativeCryptoAvailable(),
        });
      });
      client.once('ready', () => {
        onEvent?.({ type: 'authenticated', method: log.current });
        (accepting ?? Promise.resolve()).then(resolve, reject);
      });
      client.on('error', (error: Error & { level?: string }) => {
        if (error.level === 'agent') return;
        if (phase === 'handshake') reject(handshakeFailure(endpoint, error, greeting));
        else if (error.level === 'client-socket') reject(closedDuringLogin(endpoint, log, error));
        else reject(authenticationFailure(endpoint, log, error));
      });
      client.on('close', () => {
        if (phase === 'handshake') reject(handshakeFailure(endpoint, new Error('it hung up'), greeting));
        else reject(closedDuringLogin(endpoint, log, undefined));
      });
      socket.on('data', listen);
      client.connect({
        sock: socket,
        username: endpoint.user,
        readyTimeout: 0,
        keepaliveInterval: endpoint.keepaliveMs,
        // ssh2 would give up when answers stay out although data flows; silence.ts listens better.
        keepaliveCountMax: Number.MAX_SAFE_INTEGER,
        algorithms: { serverHostKey: [...settings.algorithms], cipher: [...CIPHERS], compress: ['none'] },
        // At once, never by callback: ssh2 breaks the connection when that happens while data flows (a rekey).
        hostVerifier: judge,
        authHandler: handler,
      });
    });
    if (!hostKey)
      throw new StateError({ kind: 'failed', code: 'unexpected', what: 'No host key was checked' });
    return { client, hostKey };
  } catch (error) {
    client.end();
    socket.destroy();
    throw error;
  } finally {
    deadline?.clear();
    settings.onDeadline(undefined);
    signal.removeEventListener('abort', onAbort);
    for (const event of ['ready', 'handshake', 'close', 'banner', 'change password'])
      client.removeAllListeners(event);
  }
}

/** What sshd itself grants for logging in (LoginGraceTime). */
const LOGIN_LIMIT_MS = 120_000;

/** By speed, measured (AES with the CPU's help first). CBC, RC4 and the like stay off. */
const CIPHERS: readonly CipherAlgorithm[] = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'chacha20-poly1305@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
];
