import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { z } from 'zod';
import { type FaultyProxy, startProxy } from '../interop/ssh/proxy.js';
import { coolifyState, knownHostsOf, type Outcome, type Workplace } from './lab.js';
import { onTaskEnd, onTaskStart } from './task-events.js';

/** `reset`: both sides are told. `freeze`: nobody is; what ran on the host goes on waiting, and we find out by silence. */
export type Cut = 'reset' | 'freeze';

/** A line to a host of the lab that can be cut. What comes after a cut is a new line. */
export interface CutLine {
  readonly port: number;
  /** What is known of the host's keys at this port. */
  readonly knownHosts: string;
  /** Variables of the host in an inventory. */
  readonly vars: Readonly<Record<string, unknown>>;
  cut(how: Cut): void;
  /** Ends what is left of cut lines, as the host's own keepalive would in hours, and goes on at the same port. */
  mend(): Promise<void>;
  /** Learns the keys of a host that was made anew. */
  learn(): Promise<void>;
  close(): Promise<void>;
}

/** @param hostPort of the lab's host */
export async function lineTo(hostPort: number, place: Pick<Workplace, 'folder'>): Promise<CutLine> {
  let proxy: FaultyProxy = await startProxy(hostPort);
  const { port } = proxy;
  const knownHosts = join(place.folder, `known_hosts-${port}`);
  const learn = async (): Promise<void> => {
    const known = await readFile(knownHostsOf(hostPort), 'utf8');
    await writeFile(knownHosts, known.replaceAll(`]:${hostPort} `, `]:${port} `));
  };
  await learn();
  return {
    port,
    knownHosts,
    vars: {
      ansible_port: port,
      coolify_known_hosts_file: knownHosts,
      // A line that says nothing for ten seconds is taken for cut; an overloaded host says something.
      ansible_ssh_common_args: '-o ServerAliveInterval=2 -o ServerAliveCountMax=4',
    },
    cut: (how) => proxy[how](),
    mend: async () => {
      await proxy.close();
      proxy = await startProxy(hostPort, { port });
    },
    learn,
    close: () => proxy.close(),
  };
}

/**
 * Starts a run and cuts its line a moment after a step of it began, or when the step ends sooner than that. The run ends with
 * the step that was cut, or with a later one.
 */
export async function cutAt(
  line: CutLine,
  how: Cut,
  args: readonly string[],
  task: string,
  milliseconds: number,
): Promise<void> {
  let cut = false;
  const cutOnce = (): void => {
    if (!cut) line.cut(how);
    cut = true;
  };
  const isTask = (begun: string): boolean => begun === task;
  const outcome: Outcome = await coolifyState([...args, '--json'], {
    started: (child) => {
      onTaskStart(child, isTask, () => {
        if (milliseconds <= 0) cutOnce();
        else setTimeout(cutOnce, milliseconds);
      });
      onTaskEnd(child, isTask, cutOnce);
    },
  });
  expect(cut, `it never came to "${task}": ${outcome.stdout.slice(-2000)}${outcome.stderr}`).toBe(true);
  expect(outcome.status, `not cut at "${task}": ${outcome.stdout.slice(-2000)}`).toBe(3);
  const { error } = summaryOf(outcome.stdout);
  // A line that is opened anew in this step may have been cut before it was open.
  expect(['ssh.connection-lost', 'ssh.handshake-timeout']).toContain(error?.code);
}

/** The steps of a run as it began them, with the milliseconds that each took. */
export function stepsOf({ stdout }: Outcome): Map<string, number> {
  const steps = new Map<string, number>();
  for (const line of stdout.trim().split('\n')) {
    const { type, task, milliseconds } = endSchema.parse(JSON.parse(line));
    if (type === 'task-end' && task !== undefined) steps.set(task, milliseconds ?? 0);
  }
  return steps;
}

const endSchema = z.object({
  type: z.string(),
  task: z.string().optional(),
  milliseconds: z.number().optional(),
});

const summarySchema = z.object({
  hosts: z.array(z.object({ error: z.object({ code: z.string(), next: z.string().optional() }).optional() })),
});

function summaryOf(stdout: string): z.infer<typeof summarySchema>['hosts'][number] {
  const [host] = summarySchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).hosts;
  if (host === undefined) throw new Error('the summary names no host');
  return host;
}
