import { z } from 'zod';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import { type Compression, objectOfSidecar, parseSnapshotKey, snapshotId } from './names.js';

/** More than that is not a sidecar of ours. Bytes. */
export const SIDECAR_LIMIT = 256 * 1024;

const SIDECAR_FORMAT = 1;
const LONGEST_DETAIL = 2000;

/** Text from a store that others may write to: bounded, and safe to print. */
const text = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .transform((value) => printable(value));
const time = z.iso.datetime().transform((value) => new Date(value));
const count = z.int().nonnegative();
const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

/** Fields that are not known here are passed over: a newer version may have added some within the same format. */
const schema = z.object({
  format: z.literal(SIDECAR_FORMAT),
  id: z.string().regex(/^[0-9a-f]{8}$/),
  host: z.string().min(1).max(1000),
  /** File name of the object. */
  object: z.string().min(1).max(1000),
  createdAt: time,
  finishedAt: time,
  size: count,
  sha256: sha256Hex,
  plainSize: count.optional(),
  files: count,
  /** Since 0.1.0; the object's name says the same. */
  compression: z.enum(['gzip', 'zstd']).optional(),
  recipients: z.array(text(300)).max(500),
  tool: text(100),
  coolify: text(100).optional(),
  postgres: text(100).optional(),
  proofs: z
    .array(z.object({ name: text(100), ok: z.boolean(), detail: text(LONGEST_DETAIL).optional() }))
    .max(500),
  rekeyedFrom: z.object({ id: z.string().regex(/^[0-9a-f]{8}$/), sha256: sha256Hex }).optional(),
  importedFrom: z.object({ file: text(300), sha256: sha256Hex }).optional(),
  round: text(100).optional(),
});

/**
 * What stands beside every snapshot, readable without a key and without a secret in it. Whoever may write to the
 * repository may have written it: it says what to expect, only decrypting the snapshot proves it.
 */
export type Sidecar = Readonly<z.output<typeof schema>>;

/** What the maker of a snapshot has to say about it. */
export interface SidecarFacts {
  readonly finishedAt: Date;
  /** Bytes of the archive before compression and encryption. */
  readonly plainSize?: number | undefined;
  /** How many files are in it. */
  readonly files: number;
  readonly compression?: Compression | undefined;
  /** Fingerprints of those who can open it. */
  readonly recipients: readonly string[];
  /** Version of this program. */
  readonly tool: string;
  readonly coolify?: string | undefined;
  readonly postgres?: string | undefined;
  readonly proofs: readonly Proof[];
  /** The snapshot that this one was made from for other recipients: the same payload under another header. */
  readonly rekeyedFrom?: { readonly id: string; readonly sha256: string } | undefined;
  /** The archive of the replaced role that it was made from: its file name and SHA-256 (hex). */
  readonly importedFrom?: { readonly file: string; readonly sha256: string } | undefined;
  /** The round of backups of a fleet that it was made in: one snapshot for each. */
  readonly round?: string | undefined;
}

interface Proof {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string | undefined;
}

/** What the repository itself knows. */
export interface SidecarSubject {
  /** Key of the snapshot's object. */
  readonly key: string;
  readonly createdAt: Date;
  /** Bytes and SHA-256 (hex) of the object as stored. */
  readonly size: number;
  readonly sha256: string;
}

/**
 * The sidecar's content. Whatever is written here can be read again: it goes through the same schema, and a long detail of
 * a proof is cut rather than refused.
 */
export function encodeSidecar({ key, createdAt, size, sha256 }: SidecarSubject, facts: SidecarFacts): Buffer {
  const sidecar = {
    format: SIDECAR_FORMAT,
    id: snapshotId(key),
    host: parseSnapshotKey(key)?.host,
    object: fileName(key),
    createdAt,
    finishedAt: facts.finishedAt,
    size,
    sha256,
    plainSize: facts.plainSize,
    files: facts.files,
    compression: facts.compression,
    recipients: facts.recipients,
    tool: facts.tool,
    coolify: facts.coolify,
    postgres: facts.postgres,
    proofs: facts.proofs.map(({ name, ok, detail }) => ({
      name,
      ok,
      detail: detail === undefined || detail === '' ? undefined : detail.slice(0, LONGEST_DETAIL),
    })),
    rekeyedFrom: facts.rekeyedFrom,
    importedFrom: facts.importedFrom,
    round: facts.round,
  };
  const content = Buffer.from(`${JSON.stringify(sidecar, null, 2)}\n`);
  parseSidecar(`${key}.json`, content);
  return content;
}

/**
 * Reads a sidecar and holds it against the key it was found under. Throws `repository.sidecar-invalid`,
 * `repository.sidecar-format` (a format this version does not know) or `repository.sidecar-disagrees`, all of kind
 * `proof`: the snapshot beside it may be good, but nothing that is said about it can be relied on.
 */
export function parseSidecar(key: string, content: Buffer): Sidecar {
  if (content.length > SIDECAR_LIMIT) {
    throw badSidecar(key, 'invalid', `it is larger than ${SIDECAR_LIMIT} bytes`);
  }
  const result = schema.safeParse(parsedJson(key, content));
  if (!result.success) {
    const issue = result.error.issues[0];
    const where = issue?.path.join('.') ?? '';
    if (where === 'format') {
      throw badSidecar(
        key,
        'format',
        'it has a format that this version does not know',
        'Update coolify-state',
      );
    }
    throw badSidecar(
      key,
      'invalid',
      printable(`${where}: ${issue?.message ?? 'not a sidecar'}`).slice(0, 300),
    );
  }
  const disagreement = disagreementOf(key, result.data);
  if (disagreement !== undefined) throw badSidecar(key, 'disagrees', disagreement);
  return result.data;
}

function parsedJson(key: string, content: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch (error) {
    throw badSidecar(key, 'invalid', 'it is not JSON', undefined, error);
  }
}

function disagreementOf(key: string, sidecar: Sidecar): string | undefined {
  const object = objectOfSidecar(key);
  const name = object === undefined ? undefined : parseSnapshotKey(object);
  if (object === undefined || name === undefined) return 'its name is not that of a snapshot';
  if (sidecar.object !== fileName(object)) return 'it belongs to another object';
  if (sidecar.host !== name.host) return `it speaks of the host "${printable(sidecar.host.slice(0, 200))}"`;
  if (sidecar.id !== snapshotId(object)) return `it has the id of another snapshot, ${sidecar.id}`;
  if (sidecar.compression !== undefined && sidecar.compression !== name.compression)
    return `it says that the object is compressed with ${sidecar.compression}`;
  // The name has whole seconds.
  const offset = sidecar.createdAt.getTime() - name.createdAt.getTime();
  if (offset < 0 || offset >= 1000) return `it speaks of another time, ${sidecar.createdAt.toISOString()}`;
  return undefined;
}

/** An error of kind `proof` about a sidecar. */
export function badSidecar(
  key: string,
  code: 'invalid' | 'format' | 'disagrees',
  why: string,
  next = 'Use another snapshot, or check this one with its key: `coolify-state verify --read-data`',
  cause?: unknown,
): StateError {
  return new StateError({
    kind: 'proof',
    code: `repository.sidecar-${code}`,
    what: `The sidecar ${key} cannot be relied on`,
    why,
    next,
    cause,
  });
}

function fileName(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
