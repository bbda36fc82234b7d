import { z } from 'zod';
import type { ProcessIdentity } from '../../core/process-identity.js';
import { printable } from '../../core/terminal-text.js';

const FORMAT = 1;

/** More than that is not a lease of ours. Bytes. */
export const RECORD_LIMIT = 16 * 1024;

/** Longest time a lease can be asked to last; what a record says beyond that is not believed. Milliseconds. */
export const LONGEST_TERM = 3600_000;

/** Text from a store that others may write to: bounded, and safe to print. */
const text = (longest: number) =>
  z
    .string()
    .max(longest)
    .transform((value) => printable(value));

/** Fields that are not known here are passed over. */
const schema = z.object({
  format: z.literal(FORMAT),
  state: z.enum(['held', 'released']),
  /** Random; the same in every record of one holder. */
  holder: z.string().regex(/^[0-9a-f]{32}$/),
  purpose: text(100),
  machine: text(255),
  boot: z.string().max(64),
  pid: z.int().positive(),
  started: z.string().max(32),
  since: z.iso.datetime().transform((value) => new Date(value)),
  /** How long the lease lasts from the moment at which the store stamped this record. */
  termSeconds: z
    .number()
    .positive()
    .max(LONGEST_TERM / 1000),
});

/** What a lease object says: who holds the lease, since when, and how long this object is good for. */
export type LeaseRecord = Readonly<z.output<typeof schema>>;

/** Who asks for a lease. */
export interface LeaseHolder extends ProcessIdentity {
  readonly holder: string;
  readonly purpose: string;
  readonly since: Date;
  readonly termSeconds: number;
}

export function encodeLease(state: LeaseRecord['state'], holder: LeaseHolder): Buffer {
  return Buffer.from(`${JSON.stringify({ format: FORMAT, state, ...holder }, null, 2)}\n`);
}

/** `undefined` for what is not a lease of this format. */
export function parseLease(content: Buffer): LeaseRecord | undefined {
  if (content.length > RECORD_LIMIT) return undefined;
  try {
    const result = schema.safeParse(JSON.parse(content.toString('utf8')));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}
