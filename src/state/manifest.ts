import { z } from 'zod';
import { StateError } from '../core/errors.js';

/** Name of the manifest inside a generation. It describes every other file and is written last. */
export const MANIFEST = 'manifest.json';

const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

/** A path below a generation: relative, forward slashes, no empty, `.` or `..` parts, no control characters. */
const relativePath = z
  .string()
  .min(1)
  .max(4096)
  .refine((path) => isSafeRelativePath(path), 'a relative path without "." or ".." parts');

const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);
const mode = z.number().int().min(0).max(0o7777);

/** Where a file stood on the host, and as whose. */
const originSchema = z.object({
  path: z.string().min(1),
  uid: z.number().int().nonnegative(),
  gid: z.number().int().nonnegative(),
  owner: z.string(),
  group: z.string(),
  mode,
  /** Seconds since the epoch. */
  mtime: z.number(),
});

const fileSchema = z.object({
  path: relativePath,
  /** Name of the artifact this file belongs to. */
  artifact: z.string().min(1),
  size: z.number().int().nonnegative(),
  sha256: sha256Hex,
  /** Absent for files that were made here (a public key from a database row, the recovery guide). */
  origin: originSchema.optional(),
  /** The real name of what the file holds, where the file name had to be made safe. */
  title: z.string().optional(),
});

const proofSchema = z.object({
  name: z.string().min(1),
  ok: z.boolean(),
  /** One sentence with the figures. Never a secret. */
  detail: z.string(),
});

const manifestSchema = z.object({
  format: z.literal(1),
  /** Identifier of the generation; a snapshot made of it bears the same. */
  id: z.string().regex(/^[0-9A-Za-z][0-9A-Za-z._-]{0,127}$/),
  host: z.string().min(1),
  createdAt: z.iso.datetime(),
  tool: z.object({ name: z.string(), version: z.string() }),
  files: z.array(fileSchema),
  proofs: z.array(proofSchema),
  /** What the backed-up instance is; its shape belongs to the room that wrote it. */
  instance: z.unknown(),
});

export type FileOrigin = z.infer<typeof originSchema>;
export type ManifestFile = z.infer<typeof fileSchema>;
export type Proof = z.infer<typeof proofSchema>;
export type Manifest = z.infer<typeof manifestSchema>;

/**
 * Parses the text of a manifest.
 * @throws StateError `manifest.invalid` (kind `proof`) when it is not one, or names a file twice.
 */
export function parseManifest(text: string, where: string): Manifest {
  const invalid = (why: string, cause?: unknown): StateError =>
    new StateError({
      kind: 'proof',
      code: 'manifest.invalid',
      what: `The manifest of ${where} cannot be used`,
      why,
      next: 'use another generation or snapshot; this one is damaged or was not made by coolify-state',
      cause,
    });
  if (Buffer.byteLength(text) > MAX_MANIFEST_BYTES) throw invalid('it is absurdly large');
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw invalid('it is not JSON', error);
  }
  const parsed = manifestSchema.safeParse(data);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error).replaceAll('\n', '; '));
  const seen = new Set<string>();
  for (const file of parsed.data.files) {
    if (seen.has(file.path)) throw invalid(`it names ${file.path} twice`);
    seen.add(file.path);
  }
  return parsed.data;
}

export function renderManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** Whether a path can be joined to a folder without ever leaving it. */
export function isSafeRelativePath(path: string): boolean {
  if (path === '' || /[\p{Cc}\\]/u.test(path)) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}
