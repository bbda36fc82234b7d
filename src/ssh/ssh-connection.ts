import type { Client, SFTPWrapper } from 'ssh2';
import { userIds } from './become.js';
import { ChosenFiles } from './chosen-files.js';
import { describe, type RemoteCommand } from './command.js';
import { seconds } from './connect-failures.js';
import type { Connection, OpenOptions, RemoteProcess, RunOptions, RunResult, Traffic } from './connection.js';
import { ConnectionLife, type EndReason } from './connection-life.js';
import { startElevated } from './elevation.js';
import type { Become, Endpoint } from './endpoint.js';
import { ExecChannels } from './exec-channels.js';
import type { HostFiles } from './files.js';
import type { HostKey } from './host-key.js';
import type { ChannelProcess } from './remote-process.js';
import { commandFailed, connectionClosed, connectionLost, outputTooLarge } from './run-failures.js';
import { sendTogether } from './send-together.js';
import { watchSilence } from './silence.js';
import { bootArguments, newMarker } from './start-marker.js';
import { destroyTransport, dropTransport, type Transport, trafficOf } from './transport.js';

/** A connection over ssh2; see `Connection` for the contract. */
export class SshConnection implements Connection {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly hostKey: HostKey;
  readonly files: HostFiles;
  readonly #endpoint: Endpoint;
  readonly #client: Client;
  readonly #transport: Transport;
  readonly #life = new ConnectionLife();
  readonly #channels: ExecChannels;
  readonly #leaveSignal: () => void;
  readonly #stopWatching: () => void;
  #becomeUser: Promise<Become | undefined> | undefined;
  #closed: Promise<void> | undefined;

  constructor(endpoint: Endpoint, transport: Transport, signal: AbortSignal) {
    const { client, socket, hostKey } = transport;
    this.#endpoint = endpoint;
    this.#client = client;
    this.#transport = transport;
    this.host = endpoint.host;
    this.address = endpoint.address;
    this.port = endpoint.port;
    this.hostKey = hostKey;
    this.#channels = new ExecChannels(endpoint.host, client, socket, this.#life);
    this.files = new ChosenFiles(this, () => this.#openSftp());

    client.on('error', (error: Error & { level?: string }) => {
      if (error.level !== 'agent') this.#lost(error);
    });
    client.on('close', () => this.#lost(undefined));
    // What the host allows to be sent is sent as soon as that is read, packet by packet.
    socket.prependListener('data', () => sendTogether(socket));
    const patience = endpoint.keepaliveCountMax ?? KEEPALIVE_COUNT;
    this.#stopWatching = watchSilence(socket, { intervalMs: endpoint.keepaliveMs, patience }, (silentMs) =>
      this.#lost(new Error(`nothing came from it for ${seconds(silentMs)}`)),
    );
    const onAbort = (): void => {
      this.#end(() => signal.reason);
      destroyTransport(transport);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#leaveSignal = () => signal.removeEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else if (socket.destroyed) this.#lost(undefined);
  }

  async run(remote: RemoteCommand, options: RunOptions = {}): Promise<RunResult> {
    const { input = '', limitBytes = OUTPUT_LIMIT, check = true } = options;
    const process = await this.#start(remote, options);
    process.stdin.end(input);
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of process.stdout) {
      size += chunk.length;
      if (size > limitBytes) {
        const error = outputTooLarge(this.host, describe(remote), limitBytes);
        process.fail(error);
        throw error;
      }
      chunks.push(chunk);
    }
    const { code, signal, stderr } = await process.done;
    if (check && code !== 0) throw commandFailed(this.host, describe(remote), { code, signal, stderr });
    return { code, stdout: Buffer.concat(chunks), stderr };
  }

  open(remote: RemoteCommand, options: OpenOptions = {}): Promise<RemoteProcess> {
    return this.#start(remote, options);
  }

  traffic(): Traffic | undefined {
    return trafficOf(this.#transport);
  }

  /** Ends an operation of another protocol on this connection when the connection ends, or the signal fires. */
  guard<T>(what: string, operation: Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#life.guard(what, operation, signal);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(remote: RemoteCommand, { become, signal }: OpenOptions): Promise<ChannelProcess> {
    const wanted = become ?? this.#endpoint.become !== undefined;
    const other = wanted ? await this.#otherUser() : undefined;
    if (other) {
      const elevation = { host: this.host, loginUser: this.#endpoint.user, become: other };
      return startElevated(this.#channels, elevation, remote, signal);
    }
    const marker = newMarker();
    return this.#channels.start({ argv: bootArguments(marker, remote.argv), marker, remote, signal });
  }

  /** Whom to become, asked once: nobody when we are that user already, whatever the names say. */
  #otherUser(): Promise<Become | undefined> {
    this.#becomeUser ??= this.#findOtherUser();
    return this.#becomeUser;
  }

  async #findOtherUser(): Promise<Become | undefined> {
    const become = this.#endpoint.become ?? { user: 'root' };
    if (become.user === this.#endpoint.user) return undefined;
    const { stdout } = await this.run(userIds(become.user), { become: false });
    const [own, theirs] = stdout.toString('latin1').trim().split('\n');
    return own !== undefined && own === theirs ? undefined : become;
  }

  /** The SFTP subsystem, when commands need nobody else's rights and the host offers it. */
  async #openSftp(): Promise<SFTPWrapper | undefined> {
    if (this.#endpoint.become !== undefined && (await this.#otherUser())) return undefined;
    const opening = new Promise<SFTPWrapper | undefined>((resolve) => {
      this.#client.sftp((error, session) => resolve(error ? undefined : session));
    });
    return this.guard('open SFTP', opening);
  }

  #lost(cause: Error | undefined): void {
    this.#end((command, process) =>
      connectionLost(this.host, { command, progress: process?.progress, cause }),
    );
    dropTransport(this.#transport);
  }

  #end(reason: EndReason): void {
    if (!this.#life.end(reason)) return;
    this.#leaveSignal();
    this.#stopWatching();
    this.#channels.abort(reason());
  }

  async #close(): Promise<void> {
    this.#end((command) => connectionClosed(this.host, command));
    const { socket } = this.#transport;
    let timer: NodeJS.Timeout | undefined;
    try {
      if (socket.destroyed) return;
      await new Promise<void>((resolve) => {
        socket.once('close', () => resolve());
        timer = setTimeout(resolve, CLOSE_LIMIT_MS);
        this.#client.end();
      });
    } finally {
      clearTimeout(timer);
      destroyTransport(this.#transport);
    }
  }
}

const OUTPUT_LIMIT = 16 * 1024 * 1024;
const CLOSE_LIMIT_MS = 500;
/** As OpenSSH's ServerAliveCountMax. */
const KEEPALIVE_COUNT = 3;
