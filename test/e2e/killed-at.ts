import { expect } from 'vitest';
import { coolifyState, type Outcome } from './lab.js';
import { onTaskStart } from './task-events.js';

/** Starts a run and kills it, as a power cut would, a moment after a step of it began. */
export async function killedAt(args: readonly string[], task: string, milliseconds: number): Promise<void> {
  let killed = false;
  const outcome: Outcome = await coolifyState([...args, '--json'], {
    started: (child) =>
      onTaskStart(
        child,
        (begun) => begun === task,
        () => {
          killed = true;
          setTimeout(() => child.kill('SIGKILL'), milliseconds);
        },
      ),
  });
  expect(killed, `it never came to "${task}": ${outcome.stdout.slice(-2000)}${outcome.stderr}`).toBe(true);
  expect(outcome.status, `it ended before it was killed: ${outcome.stdout.slice(-2000)}`).toBeNull();
}
