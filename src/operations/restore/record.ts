import { z } from 'zod';
import { formerStateSchema } from '../../coolify/restore/former-state.js';
import type { Proof } from '../../state/manifest.js';
import type { RestoreFolders } from '../../state/restore-folders.js';

const proofSchema = z.object({ name: z.string(), ok: z.boolean(), detail: z.string() });

/**
 * What this machine keeps of a restore, beside the generations: what went where, what stood there before (the way
 * back), and the proofs on the target as they were seen.
 */
const recordSchema = z.object({
  format: z.literal(1),
  id: z.string(),
  host: z.string(),
  startedAt: z.string(),
  kind: z.enum(['bare', 'installed']),
  snapshot: z.object({ id: z.string(), host: z.string(), origin: z.string(), coolify: z.string() }),
  /** The safety generation of what stood there. */
  safety: z.string().optional(),
  former: formerStateSchema,
  /** Artifacts that were put back; all where it is not said. */
  parts: z.array(z.string()).optional(),
  /** Name and address of the original that was stopped for this restore. */
  fenced: z.string().optional(),
  outcome: z.enum(['under-way', 'complete', 'unproven', 'rolled-back']),
  finishedAt: z.string().optional(),
  proofs: z.array(proofSchema),
});

export type RestoreRecord = z.infer<typeof recordSchema>;

/** Records that are kept for each host. */
const KEPT = 5;

export async function writeRecord(folders: RestoreFolders, record: RestoreRecord): Promise<void> {
  await folders.write(record.id, `${JSON.stringify(record, undefined, 2)}\n`);
  await folders.rotate(KEPT);
}

/** A record by its id, or the newest; undefined when there is none that can be read. */
export async function readRecord(folders: RestoreFolders, id?: string): Promise<RestoreRecord | undefined> {
  const wanted = id ?? (await folders.ids())[0];
  const text = wanted === undefined ? undefined : await folders.read(wanted);
  if (text === undefined) return undefined;
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Writes down which original was stopped for a restore. */
export async function noteFenced(
  folders: RestoreFolders,
  id: string | undefined,
  fenced: string,
): Promise<void> {
  const record = id === undefined ? undefined : await readRecord(folders, id);
  if (record !== undefined) await writeRecord(folders, { ...record, fenced });
}

/** Writes down how a restore ended, with its proofs. Nothing when this machine did not begin it. */
export async function closeRecord(
  folders: RestoreFolders,
  id: string | undefined,
  outcome: RestoreRecord['outcome'],
  proofs: readonly Proof[],
  parts?: RestoreRecord['parts'],
): Promise<void> {
  if (id === undefined) return;
  const record = await readRecord(folders, id);
  if (record === undefined) return;
  const finishedAt = new Date().toISOString();
  await writeRecord(folders, {
    ...record,
    outcome,
    finishedAt,
    proofs: [...proofs],
    ...(parts !== undefined && { parts }),
  });
}
