import { z } from 'zod';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';

/** More than that is no evidence of ours. Bytes. */
export const EVIDENCE_LIMIT = 256 * 1024;
/** What its signature is made for (`ssh-keygen -Y verify -n`): one for another purpose does not count. */
export const EVIDENCE_NAMESPACE = 'evidence@coolify-state';

const LONGEST_DETAIL = 2000;

/** Text from a store that others may write to: bounded, and safe to print. */
const text = (longest: number) =>
  z
    .string()
    .max(longest)
    .transform((value) => printable(value));
const time = z.iso.datetime();
const seconds = z.number().nonnegative();
const proof = z.object({ name: text(100), ok: z.boolean(), detail: text(LONGEST_DETAIL) });
const proofs = z.array(proof).max(500);

/** A figure and the limit that the inventory sets for it. */
const figure = z.object({
  seconds,
  /** Left out where there is no limit. */
  limitSeconds: seconds.optional(),
  ok: z.boolean(),
});

/**
 * The record of one drill: which bytes were restored onto what, what was proven, and how long it took. Nothing in it is
 * secret. Fields that are not known here are passed over: a newer version may have added some within the same format.
 */
export const evidenceSchema = z.object({
  type: z.literal('coolify-state.drill'),
  format: z.literal(1),
  /** Version of this program. */
  tool: text(100),
  /** Of this drill: eight hex digits. */
  drill: z.string().regex(/^[0-9a-f]{8}$/),
  /** Of the run that it was part of: what its log and its notifications bear too. */
  run: z
    .string()
    .regex(/^[0-9a-f]{8}$/)
    .optional(),
  startedAt: time,
  finishedAt: time,
  /**
   * - `passed`: restored and proven, within the limits;
   * - `late`: restored and proven, but a limit of the inventory was not kept;
   * - `failed`: could not be restored, or not be proven.
   */
  outcome: z.enum(['passed', 'late', 'failed']),
  snapshot: z.object({
    id: z.string().regex(/^[0-9a-f]{8}$/),
    host: text(1000),
    /** File name of the object. */
    object: text(1000),
    /** Of the encrypted bytes as they were read in this drill; of a drill that did not come so far, as the sidecar says. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    /** Whether this drill has read just these bytes to their end. */
    read: z.boolean(),
    size: z.int().nonnegative(),
    createdAt: time,
    coolify: text(100).optional(),
    postgres: text(100).optional(),
    recipients: z.array(text(300)).max(500),
  }),
  target: z.object({
    /** A throwaway container, or a machine of the inventory. */
    kind: z.enum(['container', 'machine']),
    name: text(300),
    /** `bare`: Coolify was installed in the drill; `prepared`: it stood there, empty. */
    began: z.enum(['bare', 'prepared']),
    image: text(300).optional(),
    imageId: text(100).optional(),
    engine: text(100).optional(),
  }),
  isolation: z.object({
    /** Whether it was made sure that nothing gets out. */
    guaranteed: z.boolean(),
    /** Before anything secret was copied there. */
    before: proofs,
    /** After the restore, from the restored instance's own networks. */
    after: proofs,
  }),
  /** What the snapshot proved to be, and what the restored instance did. */
  proofs: z.object({ snapshot: proofs, restored: proofs }),
  /** From the start of the fetch to the last proof, without the installation of Coolify. Left out where it did not come so far. */
  recovery: figure.optional(),
  /** Of the snapshot when the drill began. */
  dataAge: figure,
  /** Seconds of parts that `recovery` leaves out. */
  apart: z.object({
    /** Coolify's installer, within this drill. */
    installation: seconds.optional(),
    /** Coolify's installer, when the host was prepared. */
    preparation: seconds.optional(),
  }),
  /** Each step of the restore that took time, in order. */
  steps: z.array(z.object({ name: text(200), seconds })).max(200),
  failure: z
    .object({
      kind: text(50),
      code: text(200),
      what: text(LONGEST_DETAIL),
      why: text(LONGEST_DETAIL).optional(),
    })
    .optional(),
});

export type Evidence = Readonly<z.output<typeof evidenceSchema>>;

/** The bytes that are signed and stored. They go through the same schema, so that whatever is written can be read. */
export function encodeEvidence(evidence: Evidence): Buffer {
  return Buffer.from(`${JSON.stringify(evidenceSchema.parse(evidence), null, 2)}\n`);
}

/** @throws StateError `evidence.invalid` (kind `proof`) */
export function parseEvidence(name: string, content: Buffer): Evidence {
  const result = evidenceSchema.safeParse(content.length > EVIDENCE_LIMIT ? undefined : jsonOf(content));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new StateError({
    kind: 'proof',
    code: 'evidence.invalid',
    what: `${printable(name)} is no evidence of a drill`,
    why: printable(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not JSON'}`).slice(0, 300),
    next: 'drill the snapshot again',
  });
}

/** Text cut to what evidence may hold. */
export function boundedDetail(detail: string): string {
  return detail.length <= LONGEST_DETAIL ? detail : `${detail.slice(0, LONGEST_DETAIL - 1)}…`;
}

function jsonOf(content: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch {
    return undefined;
  }
}
