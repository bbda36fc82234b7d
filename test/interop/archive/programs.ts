import { execFile, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);

/** Runs a foreign program to its end; a program that is missing is a failure that says so. */
export async function command(program: string, ...args: readonly string[]): Promise<string> {
  try {
    return (await execFileAsync(program, args)).stdout;
  } catch (error) {
    throw explained(program, error);
  }
}

/** The same with bytes in and bytes out. */
export async function filter(
  program: string,
  args: readonly string[],
  input: Readable,
  cwd?: string,
): Promise<Buffer> {
  const output: Buffer[] = [];
  await through(
    program,
    args,
    input,
    async (stdout) => {
      for await (const chunk of stdout) output.push(chunk);
    },
    cwd,
  );
  return Buffer.concat(output);
}

/** The same for streams that are too large to hold. */
export async function through(
  program: string,
  args: readonly string[],
  input: Readable,
  take: (stdout: Readable) => Promise<void>,
  cwd?: string,
): Promise<void> {
  const child = spawn(program, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(explained(program, error)));
    child.once('close', resolve);
  });
  // A program that stops reading early says why by its status.
  const fed = pipeline(input, child.stdin).catch(() => undefined);
  const [code] = await Promise.all([ended, take(child.stdout), fed]);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${Buffer.concat(errors).toString()}`);
}

function explained(program: string, error: unknown): unknown {
  const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  return missing
    ? new Error(`These tests compare with the program "${program}"; install it to run them`)
    : error;
}
