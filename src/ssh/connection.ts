import type { Readable, Writable } from 'node:stream';
import type { RemoteCommand } from './command.js';
import type { ConnectionEvent, Endpoint } from './endpoint.js';
import type { HostFiles } from './files.js';
import type { HostKey } from './host-key.js';
import { withRetries } from './retry.js';
import { SshConnection } from './ssh-connection.js';
import { openTransport } from './transport.js';

export type { Endpoint } from './endpoint.js';

/**
 * One SSH connection to one host; many commands at once on it. When it is lost, everything that runs on it fails at
 * once with `ssh.connection-lost` (kind `unreachable`), and so does every later call: it is never opened again.
 * Only connecting is tried again (`connectRetries`), commands only by whoever knows them to be repeatable.
 * Whoever connects closes (`await using`, or `close()` in a `finally`).
 */
export interface Connection extends AsyncDisposable {
  /** The inventory's name of the host. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** The key that the host proved to have. */
  readonly hostKey: HostKey;
  /**
   * Runs a command to its end and keeps its output.
   * @throws StateError `ssh.command-failed` for any exit status but 0 (unless `check` is false),
   * `ssh.output-too-large`, `ssh.command-not-started`, `ssh.become-*`, `ssh.connection-lost`; the signal's reason
   */
  run(command: RemoteCommand, options?: RunOptions): Promise<RunResult>;
  /**
   * Starts a command and streams to and from it. Returns when it runs (as the other user, if there is one). At most
   * eight run at once, further ones wait for their turn.
   * @throws StateError `ssh.become-*`, `ssh.session-refused`, `ssh.connection-lost`; the signal's reason
   */
  open(command: RemoteCommand, options?: OpenOptions): Promise<RemoteProcess>;
  readonly files: HostFiles;
  /** What has gone over the wire so far; undefined where that cannot be told, as through a proxy command. */
  traffic?(): Traffic | undefined;
  /** Ends what still runs and closes the connection, within a second. May be called twice. */
  close(): Promise<void>;
}

/** Bytes on the wire, encrypted and with all that belongs to the protocol. */
export interface Traffic {
  readonly received: number;
  readonly sent: number;
}

export interface OpenOptions {
  /** Run as the endpoint's `become` user (root when it names none). Default: when it names one. */
  readonly become?: boolean;
  /** Stops the command; `done` and both streams fail with its reason. */
  readonly signal?: AbortSignal;
}

export interface RunOptions extends OpenOptions {
  /** Given on standard input. Otherwise the command finds it empty. */
  readonly input?: string | Buffer;
  /** Most bytes of standard output to keep. Default 16 MiB. */
  readonly limitBytes?: number;
  /** Whether an exit status other than 0 is an error. Default true. */
  readonly check?: boolean;
}

export interface RunResult {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: Buffer;
  /** At most its last 64 KiB. As the host wrote it: make it printable before it is shown. */
  readonly stderr: string;
}

export interface RemoteProcess {
  /**
   * End it, also when there is nothing to send. An input that breaks off looks to the command like one that ended:
   * what must not happen then has to be another command.
   */
  readonly stdin: Writable;
  /** Read it or destroy it. Destroying stops a command that does not end by itself soon. */
  readonly stdout: Readable;
  /** The command's end; never rejects for its exit status. Need not be awaited before the output is read. */
  readonly done: Promise<Exit>;
  /**
   * Stops the command: SIGTERM where the host allows it, and its input and output are closed. sshd allows it to nobody who
   * logs in as root, nor does it reach across sudo: what has to end with us must read its input or write.
   */
  kill(): void;
}

export interface Exit {
  /** Undefined when a signal ended the command. */
  readonly code: number | undefined;
  /** `SIGTERM`, ... */
  readonly signal?: string;
  /** Its last 64 KiB, as the host wrote it. */
  readonly stderr: string;
}

export interface ConnectOptions {
  /** Ends the connection and everything on it whenever it fires. */
  readonly signal: AbortSignal;
  readonly onEvent?: (event: ConnectionEvent) => void;
}

/**
 * Connects to a host, checks its key and logs in. What may pass (a host that is restarting, a full door) is tried again
 * as often as the endpoint says; a refused key, password or host key never is.
 * @throws StateError kind `unreachable`: `ssh.refused`, `ssh.name-unknown`, `ssh.unreachable`, `ssh.connect-timeout`,
 * `ssh.silent`, `ssh.handshake-timeout`, `ssh.not-ssh`, `ssh.closed-early`, `ssh.no-common-algorithm`,
 * `ssh.host-key-unknown`, `ssh.host-key-changed`, `ssh.host-key-revoked`, `ssh.host-key-not-pinned`,
 * `ssh.host-key-uncheckable`, `ssh.host-certificate-invalid`, `ssh.auth-failed`, `ssh.password-expired`, `ssh.login-timeout`,
 * `ssh.closed-during-login`, `ssh.jump-refused`, `ssh.jump-forbidden`; `ssh.known-hosts-unreadable` or `-unwritable`; the signal's reason
 */
export async function connect(endpoint: Endpoint, options: ConnectOptions): Promise<Connection> {
  const { signal, onEvent } = options;
  const patient = askingOnce(endpoint);
  const of = endpoint.connectRetries ?? 0;
  const transport = await withRetries(() => openTransport(patient, options), {
    retries: of,
    signal,
    onRetry: (error, retry, pauseMs) => onEvent?.({ type: 'retry', error, retry, of, pauseMs }),
  });
  return new SshConnection(endpoint, transport, signal);
}

/** A person is asked for a passphrase once, however often the connection is tried. */
function askingOnce(endpoint: Endpoint): Endpoint {
  const { passphrase: ask, jumps } = endpoint;
  const answers = new Map<string, ReturnType<NonNullable<typeof ask>>>();
  return {
    ...endpoint,
    ...(jumps && { jumps: jumps.map(askingOnce) }),
    ...(ask && {
      passphrase: (keyFile: string, attempt: number) => {
        const question = `${attempt} ${keyFile}`;
        const answer = answers.get(question) ?? ask(keyFile, attempt);
        answers.set(question, answer);
        return answer;
      },
    }),
  };
}
