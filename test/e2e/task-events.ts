import type { ChildProcess } from 'node:child_process';
import { z } from 'zod';

type Watched = Pick<ChildProcess, 'stdout'>;
type Event = 'task-start' | 'task-end';

const eventSchema = z.object({ type: z.string(), task: z.string().optional() });

/** Calls `then` once, as soon as a run with `--json` begins a task of which this is true. */
export function onTaskStart(process: Watched, isWanted: (task: string) => boolean, then: () => void): void {
  onTask(process, 'task-start', isWanted, then);
}

/** Calls `then` once, as soon as a run with `--json` has ended a task of which this is true. */
export function onTaskEnd(process: Watched, isWanted: (task: string) => boolean, then: () => void): void {
  onTask(process, 'task-end', isWanted, then);
}

function onTask(process: Watched, event: Event, isWanted: (task: string) => boolean, then: () => void): void {
  let text = '';
  let seen = false;
  const tells = (line: string): boolean => {
    const { type, task } = eventSchema.parse(JSON.parse(line));
    return type === event && task !== undefined && isWanted(task);
  };
  process.stdout?.on('data', (chunk: Buffer) => {
    const lines = (text + chunk.toString()).split('\n');
    text = lines.pop() ?? '';
    if (seen || !lines.some(tells)) return;
    seen = true;
    then();
  });
}
