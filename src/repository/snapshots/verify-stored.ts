import { createHash } from 'node:crypto';
import { StateError } from '../../core/errors.js';
import { abortFailure } from '../failures.js';
import type { PutOptions, Repository } from '../repository.js';

export interface ExpectedObject {
  /** Bytes. */
  readonly size: number;
  /** SHA-256, hex. */
  readonly sha256: string;
}

/**
 * Reads an object back from the store, to its last byte, and holds it against what it should be. Nothing is kept but a
 * hash. Throws `repository.size-differs` or `repository.checksum-differs`, both of kind `proof`; trouble with reading is
 * not a proof and throws as `get` does.
 */
export async function verifyStored(
  repository: Repository,
  key: string,
  expected: ExpectedObject,
  { signal, onProgress }: PutOptions = {},
): Promise<void> {
  const hash = createHash('sha256');
  let size = 0;
  const body = await repository.get(key, { signal });
  try {
    for await (const chunk of body) {
      hash.update(chunk);
      size += chunk.length;
      onProgress?.(size);
      if (size > expected.size) break;
    }
  } catch (error) {
    throw signal?.aborted === true ? abortFailure(signal) : error;
  } finally {
    body.destroy();
  }
  if (size !== expected.size) {
    const found = size > expected.size ? 'more' : `${size}`;
    throw disagreement(
      repository,
      key,
      'size-differs',
      `it should have ${expected.size} bytes and has ${found}`,
    );
  }
  const sha256 = hash.digest('hex');
  if (sha256 !== expected.sha256.toLowerCase()) {
    throw disagreement(
      repository,
      key,
      'checksum-differs',
      `its SHA-256 should be ${expected.sha256} and is ${sha256}`,
    );
  }
}

function disagreement(repository: Repository, key: string, code: string, why: string): StateError {
  return new StateError({
    kind: 'proof',
    code: `repository.${code}`,
    what: `${key} in ${repository.location} is not what was stored`,
    why,
    next: 'Do not rely on this snapshot; look at the store, and take a new backup',
  });
}
