import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

export interface Job {
  readonly kind: 'inventory' | 'hosts' | 'values';
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly args: readonly string[];
}

const Answer = z.strictObject({ status: z.number(), stdout: z.string(), stderr: z.string() });

export type Answer = z.output<typeof Answer>;

/** What Ansible answers, in the order of the jobs. Fails with a sentence when it is not installed. */
export async function askAnsible(jobs: readonly Job[]): Promise<Answer[]> {
  return z.array(Answer).parse(await runPython('ansible_oracle.py', jobs));
}

/** What functions of Python and Ansible make of inputs: the tagged answers, by function and in order. */
export async function askPython(
  questions: Readonly<Record<string, readonly unknown[]>>,
): Promise<Record<string, unknown[]>> {
  return z.record(z.string(), z.array(z.unknown())).parse(await runPython('python_functions.py', questions));
}

async function runPython(script: string, input: unknown): Promise<unknown> {
  const child = spawn(await ansiblePython(), [join(import.meta.dirname, script)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', HOME: '/nonexistent', PYTHONDONTWRITEBYTECODE: '1' },
  });
  const exit = once(child, 'close');
  child.stdin.end(JSON.stringify(input));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = await exit;
  if (status === 0) return JSON.parse(out);
  throw new Error(`${script} failed (${status}): ${err}`);
}

/** The Python that Ansible is installed in: the one in the first line of its command. */
async function ansiblePython(): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(':')) {
    const script = await readFile(join(folder, 'ansible-inventory'), 'utf8').catch(() => undefined);
    const python = script?.match(/^#!\s*(\S+)/)?.[1];
    if (python !== undefined) return python;
  }
  throw new Error('Ansible is missing: apt-get install ansible-core');
}
