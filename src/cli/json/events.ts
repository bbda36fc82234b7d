import { z } from 'zod';

const host = z.string().describe('name of the host in the inventory');
const task = z.string().describe('name of the step');

export const taskStatus = z.enum(['ok', 'changed', 'skipped', 'failed', 'unreachable']);

/** How a step ended. */
export const outcome = z.strictObject({
  task,
  status: taskStatus,
  milliseconds: z.number(),
  note: z.string().optional().describe('one clause: what was done, or why not'),
  bytes: z.number().optional().describe('how much was moved'),
  diff: z.array(z.string()).optional().describe('lines of a difference, secrets redacted'),
});

export const recap = z
  .strictObject({
    ok: z.number(),
    changed: z.number(),
    skipped: z.number(),
    failed: z.number(),
    unreachable: z.number(),
  })
  .meta({ id: 'Recap', description: 'how many steps of a host ended in which way' });

/** What a command on hosts tells while it works, one a line. */
export const eventLine = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('host-start'), host }),
    z.strictObject({ type: z.literal('task-start'), host, task }),
    z.strictObject({ type: z.literal('task-end'), host, ...outcome.shape }),
    z.strictObject({ type: z.literal('warning'), host, message: z.string() }),
    z.strictObject({ type: z.literal('host-end'), host, recap }),
  ])
  .meta({ id: 'EventLine', description: 'told while the command works' });
