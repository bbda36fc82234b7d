import type { ChildProcess } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { z } from 'zod';
import { coolifyState, type Outcome, onHost, sha256 } from './lab.js';

/** What the tests look at from outside: trees of files, summaries of `--json`, processes on a host. */

/** Every file and folder below a folder, by path: type, mode and hash of the content. */
export async function treeOf(folder: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  for (const path of (await readdir(folder, { recursive: true })).sort()) {
    const at = join(folder, path);
    const { mode } = await stat(at);
    tree[path] = (mode & 0o170000) === 0o040000 ? `folder ${mode}` : `${mode} ${sha256(await readFile(at))}`;
  }
  return tree;
}

const summarySchema = z.object({
  type: z.literal('summary'),
  hosts: z.array(
    z.object({
      host: z.string(),
      error: z
        .object({
          kind: z.string(),
          code: z.string(),
          what: z.string(),
          why: z.string().default(''),
          next: z.string().default(''),
        })
        .optional(),
      generation: z.object({ id: z.string(), folder: z.string() }).optional(),
      // The answers of `verify` name no keys.
      snapshots: z.array(z.object({ id: z.string(), key: z.string().default('') })).default([]),
    }),
  ),
});
export type HostSummary = z.infer<typeof summarySchema>['hosts'][number];

/** The hosts of the last line that `--json` prints. */
export function hostsOf({ stdout, stderr }: Outcome): HostSummary[] {
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  expect(last, stderr).toMatch(/^\{/);
  return summarySchema.parse(JSON.parse(last)).hosts;
}

/** The one host of a run. */
export function hostOf(outcome: Outcome): HostSummary {
  const [host, ...others] = hostsOf(outcome);
  expect(others).toEqual([]);
  if (host === undefined) throw new Error('the summary names no host');
  return host;
}

/** Asks until the answer is yes; fails with `what` after a time that is long on any machine. */
export async function eventually(
  what: string,
  question: () => Promise<boolean>,
  seconds = 60,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await question())) {
    if (Date.now() > deadline) throw new Error(`in vain for ${seconds} s: ${what}`);
    await sleep(100);
  }
}

/** Sends a signal to a run as soon as `moment` has come. */
export async function signalled(
  args: readonly string[],
  signal: NodeJS.Signals,
  moment: () => Promise<void>,
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const { process, outcome } = begin(args, env);
  await whileRunning(outcome, moment());
  process.kill(signal);
  return await outcome;
}

/** Starts a run and returns while it works. */
export function begin(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { readonly process: ChildProcess; readonly outcome: Promise<Outcome> } {
  const running: ChildProcess[] = [];
  const outcome = coolifyState(args, { env, started: (child) => running.push(child) });
  const [process] = running;
  if (process === undefined) throw new Error('the program was not started');
  return { process, outcome };
}

/** Waits for a moment within a run, which must not end before. */
export async function whileRunning(outcome: Promise<Outcome>, moment: Promise<void>): Promise<void> {
  const early = outcome.then(({ status, stdout, stderr }) => {
    throw new Error(`the run ended with status ${status} before the moment came\n${stdout}\n${stderr}`);
  });
  early.catch(() => undefined);
  await Promise.race([moment, early]);
}

/** Command lines on a host that a run of ours started, its containers included. */
export async function oursOn(host: string): Promise<string[]> {
  const lines = (await onHost(host, 'ps -eww -o args=')).split('\n');
  return lines.filter((line) => /pg_dump|\bpsql\b|pg_restore|^docker exec|^sshd-session: |^sudo /.test(line));
}

/** Lock files and half-made folders that runs left in a state folder. */
export async function leftoversIn(state: string): Promise<string[]> {
  const paths = await readdir(state, { recursive: true });
  return paths.filter((path) => /^\.locks\/.|\/(staging|fetched)-[^/]*$|\.tmp$|commit\.json$/.test(path));
}
