import { Readable, Writable } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import type { Exit, RemoteProcess } from './connection.js';
import { commandNotStarted, inputRefused } from './run-failures.js';
import { sendTogether } from './send-together.js';
import { StartMarker } from './start-marker.js';

export interface ProcessSettings {
  readonly channel: ClientChannel;
  /** What the channel writes to. */
  readonly socket: Writable;
  readonly marker: string;
  readonly host: string;
  /** Printable form of the command. */
  readonly command: string;
}

/** How much has passed, for the message of a transfer that broke off. */
export interface Progress {
  readonly received: number;
  readonly sent: number;
}

/**
 * A process on a host over one exec channel. ssh2's own channel stream never ends a pending write when the channel
 * closes and takes `destroy` for "finish and close", so callers get streams of ours that do what Node's should.
 */
export class ChannelProcess implements RemoteProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly done: Promise<Exit>;
  /** Resolves when the command itself runs; rejects with `done` when it never did. */
  readonly started: Promise<void>;
  /** Hears standard error as long as the command has not started: sudo's prompt comes there. */
  onPreamble: ((preamble: string) => void) | undefined;

  readonly #settings: ProcessSettings;
  readonly #out: StartMarker;
  readonly #err: StartMarker;
  readonly #settle: PromiseWithResolversOf<Exit>;
  readonly #start: PromiseWithResolversOf<void>;
  #stderr = Buffer.alloc(0);
  #exit: { readonly code: number | undefined; readonly signal?: string } | undefined;
  #outEnded = false;
  #errEnded = false;
  #settled = false;
  #killed = false;
  #preambleBytes = 0;
  #received = 0;
  #sent = 0;
  #grace: NodeJS.Timeout | undefined;

  constructor(settings: ProcessSettings) {
    const { channel, marker } = settings;
    this.#settings = settings;
    this.#out = new StartMarker(marker);
    this.#err = new StartMarker(marker);
    this.#settle = withResolvers();
    this.#start = withResolvers();
    this.done = this.#settle.promise;
    this.started = this.#start.promise;

    this.stdout = new Readable({
      highWaterMark: BUFFER,
      read: () => {
        channel.resume();
      },
      destroy: (error, callback) => {
        this.#dropOutput();
        callback(error);
      },
    });
    this.stdin = new Writable({
      highWaterMark: BUFFER,
      write: (chunk: Buffer, _encoding, callback) => this.#write(chunk, callback),
      final: (callback) => {
        // Not `end`: a channel that has ended both ways is closed by ssh2 at once, and an exit status that is still
        // on its way (sshd sends it when the command was reaped, after the end of its output) would be lost.
        channel.eof();
        callback();
      },
      destroy: (error, callback) => {
        // Closing is all that SSH can do to an input that is not complete; the command must not take it for an end.
        if (!this.stdin.writableFinished && !this.#exit) this.kill();
        callback(error);
      },
    });
    // Whoever does not use one of the two need not listen to it; `done` tells.
    for (const stream of [this.stdin, this.stdout]) stream.on('error', () => undefined);
    for (const promise of [this.done, this.started]) promise.catch(() => undefined);

    channel.on('error', () => undefined);
    channel.on('data', (chunk: Buffer) => this.#onOutput(chunk));
    channel.on('end', () => this.#onOutputEnd());
    channel.stderr.on('data', (chunk: Buffer) => this.#onError(chunk));
    channel.stderr.on('end', () => {
      this.#errEnded = true;
      this.#maybeFinish();
    });
    channel.on('exit', (code: number | null, signal?: string) => {
      this.#exit = { code: code ?? undefined, ...(signal !== undefined && { signal }) };
      this.#maybeFinish();
    });
    channel.on('close', () => {
      this.#exit ??= { code: undefined };
      this.#outEnded = true;
      this.#errEnded = true;
      this.#maybeFinish();
    });
  }

  /** Printable form of the command. */
  get command(): string {
    return this.#settings.command;
  }

  get progress(): Progress {
    return { received: this.#received, sent: this.#sent };
  }

  get exitCode(): number | undefined {
    return this.#exit?.code;
  }

  /** What was said before the command began. */
  get preamble(): string {
    return `${this.#out.preamble}\n${this.#err.preamble}`;
  }

  kill(): void {
    if (this.#settled) return;
    this.#killed = true;
    this.#close();
    this.#finish({ ...(this.#exit ?? { code: undefined, signal: 'SIGTERM' }), stderr: this.#stderrText() });
  }

  /** Ends everything at once with an error: the connection is lost, or the caller gave up. */
  fail(error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#grace);
    this.#close();
    this.#start.reject(error);
    this.#settle.reject(error);
    const cause = error instanceof Error ? error : new Error(String(error));
    this.stdin.destroy(cause);
    this.stdout.destroy(cause);
  }

  /** Sends something to the command's input from outside of `stdin`: a password, before the data. */
  sendFirst(text: string): void {
    this.#settings.channel.write(text);
  }

  #write(chunk: Buffer, callback: () => void): void {
    this.#sent += chunk.length;
    sendTogether(this.#settings.socket);
    // It fails only when the channel has closed: the end of the process, which follows, then fails this input too.
    this.#settings.channel.write(chunk, (error) => {
      if (!error) callback();
    });
  }

  #onOutput(chunk: Buffer): void {
    const started = this.#out.seen;
    const data = this.#out.push(chunk);
    if (!this.#out.seen) this.#countPreamble(chunk.length);
    if (!started && this.#out.seen) {
      this.#start.resolve();
      this.#maybeFinish();
    }
    if (data.length === 0 || this.stdout.destroyed) return;
    this.#received += data.length;
    if (!this.stdout.push(data)) this.#settings.channel.pause();
  }

  #onOutputEnd(): void {
    this.#outEnded = true;
    if (this.#out.seen && !this.stdout.destroyed) this.stdout.push(null);
    this.#maybeFinish();
  }

  #onError(chunk: Buffer): void {
    const data = this.#err.push(chunk);
    if (data.length > 0) this.#stderr = Buffer.concat([this.#stderr, data]).subarray(-STDERR_LIMIT);
    if (!this.#err.seen) {
      this.#countPreamble(chunk.length);
      this.onPreamble?.(this.#err.preamble);
    }
  }

  /** A host that talks without end and never begins would be listened to for ever. */
  #countPreamble(bytes: number): void {
    this.#preambleBytes += bytes;
    if (this.#preambleBytes > PREAMBLE_LIMIT)
      this.fail(commandNotStarted(this.#settings, undefined, this.preamble));
  }

  /** The exit status can overtake the output, so both outputs are waited for as far as they decide anything. */
  #maybeFinish(): void {
    if (this.#settled || this.#exit === undefined || !this.#errEnded) return;
    if (this.#out.seen) this.#finish({ ...this.#exit, stderr: this.#stderrText() });
    else if (this.#outEnded) this.fail(commandNotStarted(this.#settings, this.#exit.code, this.preamble));
  }

  #finish(exit: Exit): void {
    this.#settled = true;
    clearTimeout(this.#grace);
    this.#start.resolve();
    this.#settle.resolve(exit);
    // Later than whoever waits for `done`: the exit status explains more than the broken input.
    setImmediate(() => {
      if (!this.stdin.writableFinished) this.stdin.destroy(inputRefused(this.#settings, exit.code));
      if (this.#killed && !this.stdout.readableEnded) this.stdout.destroy();
    });
  }

  /** The reader left. The command may be at its end already; if it is not, it is stopped. */
  #dropOutput(): void {
    if (this.#outEnded) return;
    this.#settings.channel.resume();
    if (!this.#settled) this.#grace ??= setTimeout(() => this.kill(), GRACE_MS);
  }

  #close(): void {
    const { channel } = this.#settings;
    try {
      channel.signal('TERM');
      channel.close();
    } catch {
      // The connection is gone, and the channel with it.
    }
    channel.resume();
  }

  #stderrText(): string {
    return this.#err.seen ? this.#stderr.toString('utf8') : this.#err.preamble;
  }
}

const BUFFER = 1024 * 1024;
/** Of a banner and sudo's lecture, far more than anybody reads. */
const PREAMBLE_LIMIT = 1024 * 1024;
const STDERR_LIMIT = 64 * 1024;
const GRACE_MS = 500;

interface PromiseWithResolversOf<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** `Promise.withResolvers` of Node 22. */
function withResolvers<T>(): PromiseWithResolversOf<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
