import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { StateError } from '../../core/errors.js';
import { throwIfAborted } from '../failures.js';
import { readSmall } from '../read-small.js';
import type { Cancellable, Repository } from '../repository.js';
import { sidecarKey } from './names.js';
import { parseSidecar, SIDECAR_LIMIT, type Sidecar } from './sidecar.js';
import { verifyStored } from './verify-stored.js';

export interface CopyOptions extends Cancellable {
  /** Runs right before the sidecar is written, which makes a snapshot of what was stored. Made for `Lease.confirm`. */
  readonly beforeListed?: (() => Promise<void>) | undefined;
  /** Bytes stored so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** What stands beside a snapshot: evidence of later proofs. More than that is none of ours. Bytes. */
const BESIDE_LIMIT = 1024 * 1024;

/**
 * What a copy would do; changes nothing. Throws as `copySnapshot` when something else has the snapshot's name there.
 */
export async function plannedCopy(
  from: Repository,
  to: Repository,
  key: string,
  options: Cancellable = {},
): Promise<{ readonly snapshot: boolean; readonly beside: number }> {
  const described = sidecarKey(key);
  if ((await to.stat(described, options)) === undefined) return { snapshot: true, beside: 0 };
  const sidecar = parseSidecar(described, await readSmall(from, described, SIDECAR_LIMIT, options));
  const same = await requireSame(to, key, sidecar, options);
  return { snapshot: false, beside: same ? (await missingBeside(from, to, key, options)).length : 0 };
}

/**
 * Copies a snapshot from one repository to another as it is: no key is needed, nothing is decrypted. The object's bytes
 * are held against the sidecar on the way and read back; the sidecar follows last, byte for byte, so that name, id and
 * all that is said of it stay. What stands beside it comes along.
 *
 * Of a copy that broke off the object is taken as it is when it is whole.
 *
 * @returns `present` when it was there already
 * @throws StateError of kind `proof` when the source is not what its sidecar says; `copy.other-snapshot` when something
 *   else has its name there; what reading and writing throw. Then no snapshot was made.
 */
export async function copySnapshot(
  from: Repository,
  to: Repository,
  key: string,
  options: CopyOptions = {},
): Promise<'copied' | 'present'> {
  const { signal } = options;
  const described = sidecarKey(key);
  const content = await readSmall(from, described, SIDECAR_LIMIT, { signal });
  const sidecar = parseSidecar(described, content);
  const there = await to.stat(described, { signal });
  if (there !== undefined) {
    const same = await requireSame(to, key, sidecar, { signal });
    if (same) await copyBeside(from, to, key, { signal });
    return 'present';
  }
  const stored = await copyObject(from, to, key, sidecar, options);
  try {
    await verifyStored(to, key, sidecar, { signal });
    throwIfAborted(signal);
    await options.beforeListed?.();
    await to.putSmall(described, content, { signal });
  } catch (error) {
    if (stored) await withdraw(to, key);
    throw error;
  }
  await copyBeside(from, to, key, { signal });
  return 'copied';
}

/** @returns whether it was stored now, and not by a copy that broke off before */
async function copyObject(
  from: Repository,
  to: Repository,
  key: string,
  sidecar: Sidecar,
  { signal, onProgress }: CopyOptions,
): Promise<boolean> {
  const before = await to.stat(key, { signal });
  if (before !== undefined) {
    if (before.size === sidecar.size) return false;
    throw other(to, key, `an object of ${before.size} bytes without sidecar stands there`);
  }
  const body = await from.get(key, { signal });
  const hash = createHash('sha256');
  let size = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of body) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
    }
    // Found here, so that the object does not even come about.
    const sha256 = hash.digest('hex');
    if (size !== sidecar.size || sha256 !== sidecar.sha256) throw changed(from, key, sidecar, size, sha256);
  };
  await to.put(key, Readable.from(counted(), { objectMode: false }), {
    signal,
    onProgress,
    expectedSize: sidecar.size,
  });
  return true;
}

/**
 * A snapshot of that name is there: the same one, or none that this may be taken for. A backup seals its generation for
 * each repository anew, so that the same snapshot may be other bytes.
 *
 * @returns whether it is the same to the byte
 */
async function requireSame(
  to: Repository,
  key: string,
  sidecar: Sidecar,
  { signal }: Cancellable,
): Promise<boolean> {
  const described = sidecarKey(key);
  const found = parseSidecar(described, await readSmall(to, described, SIDECAR_LIMIT, { signal }));
  if (contentOf(found) !== contentOf(sidecar)) throw other(to, key, 'its sidecar says something else');
  const object = await to.stat(key, { signal });
  if (object?.size === found.size) return found.sha256 === sidecar.sha256;
  throw other(to, key, object === undefined ? 'only its sidecar is left' : 'it has another size');
}

/** What a sidecar says of what is inside: of one generation always the same. */
function contentOf({ createdAt, plainSize, files, proofs }: Sidecar): string {
  return JSON.stringify([createdAt, plainSize, files, proofs]);
}

async function copyBeside(
  from: Repository,
  to: Repository,
  key: string,
  options: Cancellable,
): Promise<void> {
  for (const beside of await missingBeside(from, to, key, options))
    await to.putSmall(beside, await readSmall(from, beside, BESIDE_LIMIT, options), options);
}

async function missingBeside(
  from: Repository,
  to: Repository,
  key: string,
  options: Cancellable,
): Promise<string[]> {
  const missing: string[] = [];
  for await (const entry of from.list(`${key}.`, options)) {
    if (entry.key === sidecarKey(key) || entry.size > BESIDE_LIMIT) continue;
    if ((await to.stat(entry.key, options)) === undefined) missing.push(entry.key);
  }
  return missing;
}

async function withdraw(to: Repository, key: string): Promise<void> {
  try {
    await to.remove(key);
  } catch {
    // What went wrong before is the news. Without a sidecar the object is a leftover, which `prune` finds.
  }
}

function changed(from: Repository, key: string, sidecar: Sidecar, size: number, sha256: string): StateError {
  const differs = size === sidecar.size ? 'checksum-differs' : 'size-differs';
  return new StateError({
    kind: 'proof',
    code: `repository.${differs}`,
    what: `${key} in ${from.location} is not what was stored`,
    why:
      size === sidecar.size
        ? `its SHA-256 should be ${sidecar.sha256} and is ${sha256}`
        : `it should have ${sidecar.size} bytes and has ${size}`,
    next: 'Nothing was copied. Do not rely on this snapshot; look at the store, and take a new backup',
  });
}

function other(to: Repository, key: string, why: string): StateError {
  return new StateError({
    kind: 'failed',
    code: 'copy.other-snapshot',
    what: `${key} cannot be copied to ${to.location}`,
    why: `something else has its name there: ${why}`,
    next: 'Nothing there is ever overwritten: verify both, and remove the one that is wrong ("coolify-state prune" removes leftovers)',
  });
}
