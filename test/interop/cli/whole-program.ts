import { vi } from 'vitest';
import { program } from '../../../src/cli/program.js';

/** What the program printed, and its exit status. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the whole program in this process, as a command line starts it. */
export async function wholeProgram(args: readonly string[]): Promise<Outcome> {
  const printed = { stdout: '', stderr: '' };
  const before = process.exitCode;
  process.exitCode = undefined;
  // Each run listens anew, and its process ends with it.
  for (const output of [process.stdout, process.stderr]) output.setMaxListeners(0);
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk, ...rest: readonly unknown[]) => {
      printed[name] += chunk;
      const done = rest.at(-1);
      if (typeof done === 'function') done();
      return true;
    }),
  );
  // yargs writes its help there.
  const log = vi.spyOn(console, 'log').mockImplementation((text: string) => {
    printed.stdout += `${text}\n`;
  });
  try {
    await program(args);
    return { status: Number(process.exitCode ?? 0), ...printed };
  } finally {
    // The exit status of the tests is their own.
    process.exitCode = before;
    log.mockRestore();
    for (const spy of spies) spy.mockRestore();
  }
}
