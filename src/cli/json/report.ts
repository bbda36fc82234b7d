import { z } from 'zod';
import type { Standing } from '../../repository/retention/retention.js';
import { outcome, recap } from './events.js';
import { failure } from './failure.js';

/** Parts that the summaries of several commands share. */

export const time = z.string().describe('ISO 8601, UTC');
export const size = z.number().describe('bytes');

export const proof = z
  .strictObject({
    name: z.string(),
    ok: z.boolean(),
    detail: z.string().describe('one sentence with the figures'),
  })
  .meta({ id: 'Proof', description: 'a proof and how it came out' });

export const taskOutcome = outcome.meta({ id: 'TaskOutcome', description: 'a step and how it ended' });

/** What every command on hosts says of each. */
export const report = {
  host: z.string().describe('name of the host in the inventory'),
  recap,
  tasks: z.array(taskOutcome).describe('the steps, in order'),
  milliseconds: z.number(),
  error: failure.optional().describe('why the host failed; the steps after that did not run'),
};

export const proofs = z.array(proof);

export const uploaded = z
  .strictObject({
    id: z.string().describe('what `restore --from` takes'),
    location: z.string().describe('the repository'),
    key: z.string().describe('name of the object in it'),
    size,
    sha256: z.string().describe('of the stored object'),
    storeMilliseconds: z.number().describe('packing, encrypting and storing'),
    readBackMilliseconds: z.number().describe('reading it back'),
    requests: z
      .number()
      .optional()
      .describe('sent to the store for it, those of the lease included; absent for a folder'),
    already: z.literal(true).optional().describe('in a fleet: another run has stored it in the same round'),
  })
  .meta({ id: 'UploadedSnapshot', description: 'a snapshot that was stored and read back' });

/** Whether a generation or snapshot can be relied on. */
export const standing = z
  .enum(['good', 'unproven', 'missing', 'unreadable', 'unknown-format', 'aside'] satisfies Standing[])
  .describe('good, or what is wrong with it; aside: kept as the way back of a restore');

/** The last line of a command. */
export function summary<Command extends string, Shape extends z.core.$ZodLooseShape>(
  command: Command,
  shape: Shape,
) {
  return z.strictObject({ type: z.literal('summary'), command: z.literal(command), ...shape });
}

/** The last line of a command on hosts. */
export function hostsSummary<Command extends string, Shape extends z.core.$ZodLooseShape>(
  command: Command,
  shape: Shape,
) {
  return summary(command, { hosts: z.array(z.strictObject({ ...report, ...shape })) });
}
