import { z } from 'zod';
import type { FailureFacts, StateError } from '../core/errors.js';
import type { HostReport } from '../engine/run-host.js';
import { jsonOf } from './fleet.js';
import { JOB_FORMAT } from './job.js';
import { OPERATIONS } from './operations.js';

const text = z.string().max(10_000);

const failureSchema = z.object({
  kind: z.enum(['failed', 'usage', 'unreachable', 'proof', 'locked', 'interrupted']),
  code: text,
  what: text,
  why: text.optional(),
  next: text.optional(),
  host: text.optional(),
});

export type JobFailure = Readonly<z.output<typeof failureSchema>>;

/** What a job came to, as it is kept for some days. The report is that of the command. */
const resultSchema = z.object({
  format: z.literal(JOB_FORMAT),
  operation: z.enum(OPERATIONS),
  host: text,
  /** `already`: the round had its snapshot, and nothing was done. */
  outcome: z.enum(['done', 'already', 'cancelled']),
  worker: text,
  milliseconds: z.number(),
  snapshots: z.array(z.object({ id: text, location: text })).max(100),
});

export type JobResult = Readonly<z.output<typeof resultSchema>>;

export function readResult(value: unknown): JobResult | undefined {
  return resultSchema.safeParse(value).data;
}

/** An error as one line that can be read again. The cause and the output of commands stay with the worker. */
export function encodeFailure(error: StateError): string {
  const { cause: _cause, detail: _detail, ...facts }: FailureFacts = error.facts();
  return JSON.stringify(facts);
}

/** What BullMQ keeps as the reason; its own reasons are text. */
export function readFailure(reason: string): JobFailure {
  const result = failureSchema.safeParse(jsonOf(reason));
  if (result.success) return result.data;
  const what = /stalled/.test(reason) ? 'The job has lost its worker again and again' : 'The job failed';
  return { kind: 'failed', code: 'fleet.job-failed', what, why: reason.slice(0, 1000) };
}

/** What became of a host in a job. */
export interface Performed {
  readonly outcome: 'done' | 'already';
  readonly report: HostReport;
  readonly snapshots: readonly { readonly id: string; readonly location: string }[];
}
