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
  /** Asked only when the server would accept the key. Undefined leaves the key out. */
  readonly passphrase?: (keyFile: string) => Promise<Secret | undefined>;
  /** For the methods `password` and `keyboard-interactive`. */
  readonly password?: Secret;
  /** Read together; the first is the one that new keys are written to. */
  readonly knownHostsFiles: readonly string[];
  /** `accept-new` writes an unknown host's key down and goes on; a changed key is refused in either case. */
  readonly hostKeyChecking: 'strict' | 'accept-new';
  /** `SHA256:...`. If there are any, the host must present one of these, and known_hosts is asked only for @revoked. */
  readonly pinnedFingerprints: readonly string[];
  /** The name to look up in known_hosts instead of address and port (`HostKeyAlias`). */
  readonly hostKeyAlias?: string;
  /** For the TCP connection, and again for the handshake. */
  readonly connectTimeoutMs: number;
  /** Pause between keepalives; four of them without an answer end the connection. 0 sends none. */
  readonly keepaliveMs: number;
  /** Hosts to go through, the first reached directly, each of the others through the one before it (`ProxyJump`). */
  readonly jumps?: readonly Endpoint[];
  /** Commands run as this user, by sudo, unless the login user is this user already. */
  readonly become?: Become;
}

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
  | { readonly type: 'authenticated'; readonly method: string };
