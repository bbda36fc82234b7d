import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Client, ClientChannel, SFTPWrapper } from 'ssh2';
import { StateError } from '../core/errors.js';
import { becomeFailure, becomeTimeout, sudoArguments } from './become.js';
import { ChosenFiles } from './chosen-files.js';
import { describe, type RemoteCommand, render, script } from './command.js';
import type { Connection, OpenOptions, RemoteProcess, RunOptions, RunResult } from './connection.js';
import type { Become, Endpoint } from './endpoint.js';
import type { HostFiles } from './files.js';
import type { HostKey } from './host-key.js';
import { ChannelProcess } from './remote-process.js';
import {
  commandFailed,
  connectionClosed,
  connectionLost,
  outputTooLarge,
  sessionRefused,
} from './run-failures.js';
import { Sessions } from './sessions.js';
import { BOOT, newMarker } from './start-marker.js';
import type { Transport } from './transport.js';

/** A connection over ssh2; see `Connection` for the contract. */
export class SshConnection implements Connection {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly hostKey: HostKey;
  readonly files: HostFiles;
  readonly #endpoint: Endpoint;
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #sessions = new Sessions(MAX_COMMANDS);
  readonly #running = new Set<ChannelProcess>();
  readonly #waiting = new Set<(error: unknown) => void>();
  readonly #leaveSignal: () => void;
  /** Why nothing can be done any more, for a command of this form and this progress. */
  #over: ((command?: string, process?: ChannelProcess) => unknown) | undefined;
  #becomeUser: Promise<Become | undefined> | undefined;
  #closed: Promise<void> | undefined;

  constructor(endpoint: Endpoint, { client, socket, hostKey }: Transport, signal: AbortSignal) {
    this.#endpoint = endpoint;
    this.#client = client;
    this.#socket = socket;
    this.host = endpoint.host;
    this.address = endpoint.address;
    this.port = endpoint.port;
    this.hostKey = hostKey;
    this.files = new ChosenFiles(this, () => this.#openSftp());

    client.on('error', (error: Error & { level?: string }) => {
      if (error.level !== 'agent') this.#lost(error);
    });
    client.on('close', () => this.#lost(undefined));
    const onAbort = (): void => {
      this.#end(() => signal.reason);
      socket.destroy();
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

  /** Ends an operation of another protocol on this connection when the connection ends, or the signal fires. */
  async guard<T>(what: string, operation: Promise<T>, signal?: AbortSignal): Promise<T> {
    let refuse = (_reason: unknown): void => undefined;
    const onAbort = (): void => refuse(signal?.reason);
    operation.catch(() => undefined);
    try {
      return await new Promise<T>((resolve, reject) => {
        refuse = reject;
        if (this.#over) throw this.#over(what);
        this.#waiting.add(refuse);
        signal?.addEventListener('abort', onAbort, { once: true });
        operation.then(resolve, (error: unknown) => reject(this.#over?.(what) ?? error));
      });
    } finally {
      this.#waiting.delete(refuse);
      signal?.removeEventListener('abort', onAbort);
    }
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
    return other ? this.#startAs(other, remote, signal) : this.#startPlain(remote, signal);
  }

  #startPlain(remote: RemoteCommand, signal: AbortSignal | undefined): Promise<ChannelProcess> {
    const marker = newMarker();
    return this.#exec(['sh', '-c', BOOT, 'sh', marker, ...remote.argv], marker, remote, signal);
  }

  /** Runs as another user. Data may be sent only once sudo has let us in, or it would read it as the password. */
  async #startAs(
    become: Become,
    remote: RemoteCommand,
    signal: AbortSignal | undefined,
  ): Promise<ChannelProcess> {
    const marker = newMarker();
    const prompt = `@sudo:${randomBytes(12).toString('hex')}@`;
    const argv = sudoArguments(become, prompt, ['sh', '-c', BOOT, 'sh', marker, ...remote.argv]);
    const process = await this.#exec(argv, marker, remote, signal);
    let prompts = 0;
    const facts = () => ({
      host: this.host,
      loginUser: this.#endpoint.user,
      become,
      command: describe(remote),
      stderr: process.preamble.replaceAll(prompt, ''),
    });
    const onPreamble = (preamble: string): void => {
      const count = preamble.split(prompt).length - 1;
      if (count <= prompts) return;
      prompts = count;
      if (count === 1) process.sendFirst(`${become.password?.reveal() ?? ''}\n`);
      else process.fail(becomeFailure({ ...facts(), code: undefined, prompts }));
    };
    process.onPreamble = onPreamble;
    onPreamble(process.preamble);
    const timer = setTimeout(() => process.fail(becomeTimeout(facts())), BECOME_LIMIT_MS);
    try {
      await process.started;
    } catch (error) {
      if (!(error instanceof StateError) || error.code !== 'ssh.command-not-started') throw error;
      throw becomeFailure({ ...facts(), code: process.exitCode, prompts });
    } finally {
      clearTimeout(timer);
      process.onPreamble = undefined;
    }
    return process;
  }

  /** The SFTP subsystem, when commands need nobody else's rights and the host offers it. */
  async #openSftp(): Promise<SFTPWrapper | undefined> {
    if (this.#endpoint.become !== undefined && (await this.#otherUser())) return undefined;
    const opening = new Promise<SFTPWrapper | undefined>((resolve) => {
      this.#client.sftp((error, session) => resolve(error ? undefined : session));
    });
    return this.guard('open SFTP', opening);
  }

  /** Whom to become, asked once: nobody when we are that user already, whatever the names say. */
  async #otherUser(): Promise<Become | undefined> {
    this.#becomeUser ??= this.#findOtherUser();
    return this.#becomeUser;
  }

  async #findOtherUser(): Promise<Become | undefined> {
    const become = this.#endpoint.become ?? { user: 'root' };
    if (become.user === this.#endpoint.user) return undefined;
    const { stdout } = await this.run(script('id -u; id -u -- "$1" 2>/dev/null || :', become.user), {
      become: false,
    });
    const [own, theirs] = stdout.toString('latin1').trim().split('\n');
    return own !== undefined && own === theirs ? undefined : become;
  }

  /** Starts a command, when it is its turn. */
  async #exec(
    argv: readonly [string, ...string[]],
    marker: string,
    remote: RemoteCommand,
    signal: AbortSignal | undefined,
  ): Promise<ChannelProcess> {
    const line = render({ argv, summary: remote.summary });
    for (;;) {
      this.#throwIfOver(remote);
      const leave = await this.#sessions.enter(signal);
      try {
        return await this.#execNow(line, marker, remote, signal, leave);
      } catch (error) {
        const retry = isRefusedSession(error) && this.#over === undefined && this.#sessions.lower();
        leave();
        if (retry) continue;
        if (isRefusedSession(error)) throw sessionRefused(this.host, describe(remote), error);
        throw error;
      }
    }
  }

  async #execNow(
    line: string,
    marker: string,
    remote: RemoteCommand,
    signal: AbortSignal | undefined,
    leave: () => void,
  ): Promise<ChannelProcess> {
    this.#throwIfOver(remote);
    signal?.throwIfAborted();
    let refuse = (_reason: unknown): void => undefined;
    const onAbort = (): void => refuse(signal?.reason);
    try {
      return await new Promise<ChannelProcess>((resolve, reject) => {
        let refused = false;
        refuse = (reason) => {
          refused = true;
          reject(reason);
        };
        this.#waiting.add(refuse);
        signal?.addEventListener('abort', onAbort, { once: true });
        this.#client.exec(line, (error, channel) => {
          if (error) {
            reject(this.#over?.(describe(remote)) ?? error);
            return;
          }
          channel.once('close', leave);
          // Now, not a moment later: the exit status of a short command may stand in the same packet.
          if (refused) channel.resume().destroy();
          else resolve(this.#attach(channel, marker, remote, signal));
        });
      });
    } finally {
      this.#waiting.delete(refuse);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #attach(
    channel: ClientChannel,
    marker: string,
    remote: RemoteCommand,
    signal: AbortSignal | undefined,
  ): ChannelProcess {
    const process = new ChannelProcess({
      channel,
      socket: this.#socket,
      marker,
      host: this.host,
      command: describe(remote),
    });
    const onAbort = (): void => process.fail(signal?.reason);
    this.#running.add(process);
    signal?.addEventListener('abort', onAbort, { once: true });
    const forget = (): void => {
      this.#running.delete(process);
      signal?.removeEventListener('abort', onAbort);
    };
    process.done.then(forget, forget);
    return process;
  }

  #throwIfOver(remote: RemoteCommand): void {
    if (this.#over) throw this.#over(describe(remote));
  }

  #lost(cause: Error | undefined): void {
    this.#end((name, process) =>
      connectionLost(this.host, { command: name, progress: process?.progress, cause }),
    );
    this.#socket.destroy();
  }

  /** Fails everything that runs or waits; only the first reason counts. */
  #end(reason: (command?: string, process?: ChannelProcess) => unknown): void {
    if (this.#over) return;
    this.#over = reason;
    this.#leaveSignal();
    this.#sessions.abort(reason());
    for (const refuse of this.#waiting) refuse(reason());
    for (const process of this.#running) process.fail(reason(process.command, process));
  }

  async #close(): Promise<void> {
    this.#end((name) => connectionClosed(this.host, name));
    if (this.#socket.destroyed) return;
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve) => {
        this.#socket.once('close', () => resolve());
        timer = setTimeout(resolve, CLOSE_LIMIT_MS);
        this.#client.end();
      });
    } finally {
      clearTimeout(timer);
      this.#socket.destroy();
    }
  }
}

/** sshd's MaxSessions is 10; one is left for SFTP, one for chance. */
const MAX_COMMANDS = 8;
const OUTPUT_LIMIT = 16 * 1024 * 1024;
const BECOME_LIMIT_MS = 60_000;
const CLOSE_LIMIT_MS = 500;

/** SSH_OPEN_CONNECT_FAILED is what sshd answers beyond MaxSessions, SSH_OPEN_RESOURCE_SHORTAGE what others do. */
function isRefusedSession(error: unknown): boolean {
  return error instanceof Error && 'reason' in error && (error.reason === 2 || error.reason === 4);
}
