import { whileRunning } from '../observations.js';
import { onTaskStart } from '../task-events.js';
import type { Running } from './stage.js';

/** Returns as soon as a run begins a task whose name begins so; fails when it ends before. */
export async function atTask({ process, outcome }: Running, task: string): Promise<void> {
  const begun = new Promise<void>((resolve) => {
    onTaskStart(process, (name) => name.startsWith(task), resolve);
  });
  await whileRunning(outcome, begun);
}
