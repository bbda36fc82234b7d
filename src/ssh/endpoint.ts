import type { Duplex } from 'node:stream';
import type { StateError } from '../core/errors.js';
import type { Secret } from '../core/secret.js';

/** Everything that is needed to reach and enter one host. */
export interface Endpoint {
  /** The inventory's name for it, used in messages. */
  readonly host: string;
  /** Name or address to connect to; also the name looked up in known_hosts, unless `hostKeyAlias` is given. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Private keys (OpenSSH or PEM), tried in order, before those of the agent. */
  readonly identityFiles: readonly string[];
  /** Socket of a running agent (`SSH_AUTH_SOCK`). */
  readonly agentSocket?: string;
  /** Offer none of the agent's keys but those of `identityFiles` (`IdentitiesOnly`). */
  readonly identitiesOnly?: boolean;
  /**
   * Try all that the agent holds before files that it does not hold. So with files that nobody named; named ones come
   * first, or a full agent would use up the patience of the server.
   */
  readonly agentFirst?: boolean;
  /**
   * Asked only when the server would accept the key. Undefined leaves the key out. `attempt` is 1, and more when the
   * answer before did not open the key; after the third the key is left out.
   */
  readonly passphrase?: (keyFile: string, attempt: number) => Promise<Secret | undefined>;
  /** For the methods `password` and `keyboard-interactive`. */
  readonly password?: Secret;
  /** Which ways of logging in are tried, in this order. Default: all of them, keys first (`PreferredAuthentications`). */
  readonly methods?: readonly AuthenticationMethod[];
  /** Read together; the first is the one that new keys are written to. */
  readonly knownHostsFiles: readonly string[];
  /** `accept-new` writes an unknown host's key down and goes on; a changed key is refused in either case. */
  readonly hostKeyChecking: 'strict' | 'accept-new';
  /** `SHA256:...`. If there are any, the host must present one of these, and known_hosts is asked only for @revoked. */
  readonly pinnedFingerprints: readonly string[];
  /** The name to look up in known_hosts instead of address and port (`HostKeyAlias`). */
  readonly hostKeyAlias?: string;
  /** Connect by addresses of this family only (`AddressFamily`). */
  readonly addressFamily?: 4 | 6;
  /** The address of this machine to connect from (`BindAddress`). */
  readonly bindAddress?: string;
  /** For the TCP connection, and again for the handshake. */
  readonly connectTimeoutMs: number;
  /** Further attempts to connect after one that failed for a reason that may pass. Default 0. */
  readonly connectRetries?: number;
  /** Pause between keepalives (`ServerAliveInterval`). 0 sends none, and waits for a silent host without end. */
  readonly keepaliveMs: number;
  /** So many pauses in a row in which nothing was heard are borne; one more ends the connection. Default 3. */
  readonly keepaliveCountMax?: number;
  /** Hosts to go through, the first reached directly, each of the others through the one before it (`ProxyJump`). */
  readonly jumps?: readonly Endpoint[];
  /**
   * Reaches the host's sshd by other means than TCP, such as a program that speaks to it on its standard input and output
   * (as `ProxyCommand` does). Address and port are then names only. Called anew for every attempt; jumps are not used.
   */
  readonly dial?: (signal: AbortSignal) => Promise<Duplex>;
  /** Commands run as this user, by sudo, unless the login user is this user already. */
  readonly become?: Become;
}

export type AuthenticationMethod = 'publickey' | 'password' | 'keyboard-interactive';

export interface Become {
  readonly user: string;
  /** Without it sudo must not ask for one (NOPASSWD). */
  readonly password?: Secret;
}

/** What a connection tells while it lives. Nothing in it is secret. */
export type ConnectionEvent =
  | {
      readonly type: 'handshake';
      readonly cipher: string;
      readonly keyExchange: string;
      readonly native: boolean;
    }
  | { readonly type: 'host-key-accepted'; readonly fingerprint: string; readonly file: string }
  | { readonly type: 'banner'; readonly text: string }
  | { readonly type: 'authenticated'; readonly method: string }
  /** An attempt to connect failed for a reason that may pass; another one follows after the pause. */
  | {
      readonly type: 'retry';
      readonly error: StateError;
      /** From 1. */
      readonly retry: number;
      readonly of: number;
      readonly pauseMs: number;
    };
