import { z } from 'zod';
import { whileRunning } from '../observations.js';
import type { Running } from './stage.js';

const eventSchema = z.object({ type: z.string(), task: z.string().optional() });

/** Returns as soon as a run begins a task whose name begins so; fails when it ends before. */
export async function atTask({ process, outcome }: Running, task: string): Promise<void> {
  const begun = new Promise<void>((resolve) => {
    let text = '';
    process.stdout?.on('data', (chunk: Buffer) => {
      const lines = (text + chunk.toString()).split('\n');
      text = lines.pop() ?? '';
      if (lines.some((line) => startOf(line)?.startsWith(task) === true)) resolve();
    });
  });
  await whileRunning(outcome, begun);
}

function startOf(line: string): string | undefined {
  const { type, task } = eventSchema.parse(JSON.parse(line));
  return type === 'task-start' ? task : undefined;
}
