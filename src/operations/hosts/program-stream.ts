import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { Duplex, type Readable, type Writable } from 'node:stream';

/**
 * Standard input and output of a program of this machine as one stream, as `ProxyCommand` uses them. Ends when the program's
 * output does, and takes the program along when it is destroyed. What the program says on its standard error is kept, for
 * whoever has to tell why it ended.
 */
export class ProgramStream extends Duplex {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #complaint = '';

  constructor(program: string, args: readonly string[]) {
    super({ allowHalfOpen: false });
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const { stdin, stdout, stderr } = this.#child;
    this.#child.on('error', (error) => this.destroy(error));
    // What was pushed is still read; a write that waits for a program that is gone ends here too.
    this.#child.on('close', () =>
      this.readableEnded ? this.destroy() : this.once('end', () => this.destroy()),
    );
    stdin.on('error', () => undefined); // the program has ended, which its output tells
    stdout.on('error', (error) => this.destroy(error));
    stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stdout.pause();
    });
    stdout.on('end', () => this.push(null));
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = `${this.#complaint}${text}`.slice(-COMPLAINT_LIMIT);
    });
  }

  /** The last that the program said on its standard error. */
  get complaint(): string {
    return this.#complaint;
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (this.#child.stdin.write(chunk, encoding)) callback();
    else this.#child.stdin.once('drain', callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#child.stdin.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
    this.#child.kill();
    callback(error);
  }
}

const COMPLAINT_LIMIT = 4096;
