import { z } from 'zod';
import { StateError } from '../core/errors.js';
import type { Manifest } from '../state/manifest.js';

/** What a manifest tells of the instance it was made from: enough to rebuild it and to tell it apart. */
const instanceSchema = z.object({
  coolify: z.object({
    /** Image tag, for example `4.3.11`: what the installer is asked for at a restore. */
    version: z.string().regex(/^[0-9A-Za-z][0-9A-Za-z._-]{0,127}$/),
    image: z.string(),
  }),
  /** Tells instances apart without giving the key away. */
  appKeyFingerprint: z.string(),
  system: z.object({ name: z.string(), architecture: z.string(), docker: z.string() }),
  /** Where the host was reached: a restore elsewhere asks there whether it still runs. */
  reachedAt: z.object({ address: z.string(), port: z.number().int() }).optional(),
  database: z.object({
    /** `server_version_num`, for example 150013. */
    versionNumber: z.number().int(),
    version: z.string(),
    name: z.string(),
    user: z.string(),
    encoding: z.string(),
    dataChecksums: z.boolean(),
    volume: z.string().optional(),
    /** Size on the disk when it was dumped. Not in manifests of the first versions. */
    sizeBytes: z.number().int().nonnegative().optional(),
    tables: z.array(
      z.object({
        schema: z.string(),
        name: z.string(),
        rows: z.number().int().nonnegative(),
        /** Over the table's COPY lines in the order of the dump. */
        sha256: z.string(),
      }),
    ),
    sequences: z.array(
      z.object({ schema: z.string(), name: z.string(), lastValue: z.string(), isCalled: z.boolean() }),
    ),
  }),
  keys: z.array(
    z.object({
      id: z.string(),
      uuid: z.string(),
      name: z.string(),
      team: z.string(),
      fingerprint: z.string(),
    }),
  ),
  /** The archive of the replaced role that this was made from: nobody looked at the instance itself. */
  imported: z.object({ file: z.string(), sha256: z.string() }).optional(),
});

/** What stands for Coolify's version where nothing tells it. */
export const UNKNOWN_VERSION = 'unknown';

export type Instance = z.infer<typeof instanceSchema>;

/** @throws StateError `manifest.instance` (kind `proof`) */
export function instanceOf(manifest: Manifest): Instance {
  const parsed = instanceSchema.safeParse(manifest.instance);
  if (parsed.success) return parsed.data;
  throw new StateError({
    kind: 'proof',
    code: 'manifest.instance',
    what: `The manifest of ${manifest.host} (${manifest.id}) does not describe its Coolify instance`,
    why: z.prettifyError(parsed.error).replaceAll('\n', '; '),
    next: 'use another generation or snapshot',
  });
}

/**
 * For a restore, which has to know what to install.
 * @throws StateError `instance.version-unknown` (kind `usage`)
 */
export function requireKnownVersion({ coolify, imported }: Instance, host: string): void {
  if (coolify.version !== UNKNOWN_VERSION) return;
  throw new StateError({
    kind: 'usage',
    code: 'instance.version-unknown',
    what: 'The snapshot does not tell which version of Coolify it was taken of',
    why: `${imported?.file ?? 'what it was made from'} holds no .env that says it`,
    next: `coolify-state import FILE --host ${host} --coolify-version VERSION, then restore that snapshot`,
  });
}
