import { spawn } from 'node:child_process';
import { errnoOf } from '../../core/errors.js';

export interface ProgramOutcome {
  /** Undefined when it was ended by a signal. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const OUTPUT_LIMIT = 1024 * 1024;

/** Runs a program of this machine, without a shell. Undefined when there is no such program. */
export function runLocally(
  program: string,
  args: readonly string[],
  { input, signal }: { readonly input?: string; readonly signal?: AbortSignal } = {},
): Promise<ProgramOutcome | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(signal !== undefined && { signal }),
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (output[name].length < OUTPUT_LIMIT) output[name] += text;
      });
    }
    child.on('error', (error) => (errnoOf(error) === 'ENOENT' ? resolve(undefined) : reject(error)));
    child.on('close', (code) => resolve({ status: code ?? undefined, ...output }));
    // A program that does not read its input says why by its status.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
  });
}
