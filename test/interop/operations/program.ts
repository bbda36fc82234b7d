import { expect, vi } from 'vitest';
import yargs from 'yargs';
import { definitionOf } from '../../../src/cli/commands.js';
import { lineFault } from '../../../src/cli/json/lines.js';

/** What a command of the program printed, and its exit status. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as it was written, for what is not text. */
  readonly bytes: Buffer;
}

/** Runs a command in this process as the command line does. */
export async function runProgram(args: readonly string[]): Promise<Outcome> {
  const define = await definitionOf(args);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const before = process.exitCode;
  // Each run listens anew, and its process ends with it.
  for (const output of [process.stdout, process.stderr]) output.setMaxListeners(0);
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(taking(stdout)),
    vi.spyOn(process.stderr, 'write').mockImplementation(taking(stderr)),
  ];
  try {
    await define(yargs([...args]))
      .strict()
      .exitProcess(false)
      .parseAsync();
    const status = Number(process.exitCode ?? 0);
    const bytes = Buffer.concat(stdout);
    if (args.includes('--json')) {
      const lines = bytes.toString().split('\n').slice(0, -1);
      expect(lines.flatMap((line) => lineFault(line) ?? [])).toEqual([]);
    }
    return { status, stdout: bytes.toString(), stderr: Buffer.concat(stderr).toString(), bytes };
  } finally {
    // The exit status of the tests is their own.
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}

function taking(pieces: Buffer[]): typeof process.stdout.write {
  return (chunk: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
    pieces.push(Buffer.from(chunk));
    const done = rest.at(-1);
    if (typeof done === 'function') done();
    return true;
  };
}
