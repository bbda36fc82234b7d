import type { ChildProcess } from 'node:child_process';
import { z } from 'zod';

const eventSchema = z.object({ type: z.string(), task: z.string().optional() });

/** Calls `then` once, as soon as a run with `--json` begins a task of which this is true. */
export function onTaskStart(
  process: Pick<ChildProcess, 'stdout'>,
  isWanted: (task: string) => boolean,
  then: () => void,
): void {
  let text = '';
  let seen = false;
  process.stdout?.on('data', (chunk: Buffer) => {
    const lines = (text + chunk.toString()).split('\n');
    text = lines.pop() ?? '';
    if (seen || !lines.some((line) => begins(line, isWanted))) return;
    seen = true;
    then();
  });
}

function begins(line: string, isWanted: (task: string) => boolean): boolean {
  const { type, task } = eventSchema.parse(JSON.parse(line));
  return type === 'task-start' && task !== undefined && isWanted(task);
}
