import { expect } from 'vitest';
import { z } from 'zod';
import { coolifyState, type Outcome } from './lab.js';

const eventSchema = z.object({ type: z.string(), task: z.string().optional() });

/** Starts a run and kills it, as a power cut would, a moment after a step of it began. */
export async function killedAt(args: readonly string[], task: string, milliseconds: number): Promise<void> {
  let killed = false;
  const outcome: Outcome = await coolifyState([...args, '--json'], {
    started: (child) => {
      let text = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        const lines = text.split('\n');
        text = lines.pop() ?? '';
        if (killed || !lines.some((line) => startOf(line) === task)) return;
        killed = true;
        setTimeout(() => child.kill('SIGKILL'), milliseconds);
      });
    },
  });
  expect(killed, `it never came to "${task}": ${outcome.stdout.slice(-2000)}${outcome.stderr}`).toBe(true);
  expect(outcome.status, `it ended before it was killed: ${outcome.stdout.slice(-2000)}`).toBeNull();
}

function startOf(line: string): string | undefined {
  const { type, task } = eventSchema.parse(JSON.parse(line));
  return type === 'task-start' ? task : undefined;
}
