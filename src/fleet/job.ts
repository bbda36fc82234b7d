import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseRound, type Round, roundAt } from '../operations/backup/round.js';
import type { HostConfig } from '../operations/hosts/host-config.js';
import { type FleetOperation, OPERATIONS } from './operations.js';

/**
 * Of what a job says. A version that changes what it means takes the next number, and with it queues of their own: workers
 * of the former version go on with what they know, and never see the new ones.
 */
export const JOB_FORMAT = 1;

/** One host and one operation. No secret and no setting: whoever works on it reads the inventory and the keys. */
const jobSchema = z.object({
  format: z.literal(JOB_FORMAT),
  operation: z.enum(OPERATIONS),
  host: z.string().min(1).max(1000),
  /** Left out of what a schedule makes: there it is the moment for which it was made. */
  round: z
    .string()
    .refine((id) => parseRound(id) !== undefined)
    .optional(),
  /** Of `verify`: open the snapshots. */
  readData: z.boolean().optional(),
});

export type FleetJob = Readonly<z.output<typeof jobSchema>>;

/** What was found in a queue. */
export type FoundJob =
  | { readonly kind: 'job'; readonly job: FleetJob }
  /** Of another version: to be left alone. */
  | { readonly kind: 'foreign' }
  | { readonly kind: 'invalid'; readonly why: string };

/** Whoever may write to Redis may have written it. */
export function readJob(data: unknown): FoundJob {
  const format = z.object({ format: z.number() }).safeParse(data);
  if (format.success && format.data.format !== JOB_FORMAT) return { kind: 'foreign' };
  const result = jobSchema.safeParse(data);
  if (result.success) return { kind: 'job', job: result.data };
  const [issue] = result.error.issues;
  return { kind: 'invalid', why: `${issue?.path.join('.')}: ${issue?.message}`.slice(0, 300) };
}

/** The round that a job belongs to; `scheduledFor` is the moment for which a schedule made it. */
export function roundOfJob({ round }: FleetJob, scheduledFor: number | undefined): Round | undefined {
  if (round !== undefined) return parseRound(round);
  return scheduledFor === undefined ? undefined : roundAt(new Date(scheduledFor));
}

/** The same for everybody who asks for the same: a job that is there is not added a second time. */
export function jobId(operation: FleetOperation, host: string, round: Round): string {
  return `${operation}-${round.id}-${hashOf(host)}`;
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Whether an operation opens snapshots, for which the private key has to be there. */
export function needsIdentity(operation: FleetOperation, readData: boolean): boolean {
  return operation === 'drill' || (operation === 'verify' && readData);
}

/** A job for a host. */
export function jobFor(
  operation: FleetOperation,
  { name, unattended }: HostConfig,
  { round, readData }: { readonly round?: Round | undefined; readonly readData?: boolean | undefined } = {},
): FleetJob {
  return {
    format: JOB_FORMAT,
    operation,
    host: name,
    ...(round !== undefined && { round: round.id }),
    ...(operation === 'verify' && { readData: readData ?? unattended.readData }),
  };
}
