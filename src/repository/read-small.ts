import { throwIfAborted } from './failures.js';
import type { Cancellable, Repository } from './repository.js';

/** An object of which no more than `limit` bytes are expected, and one chunk beyond that is read. Throws as `get` does. */
export async function readSmall(
  repository: Repository,
  key: string,
  limit: number,
  { signal }: Cancellable = {},
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  const body = await repository.get(key, { signal });
  try {
    for await (const piece of body) {
      pieces.push(piece);
      size += piece.length;
      if (size > limit) break;
    }
  } finally {
    body.destroy();
  }
  throwIfAborted(signal);
  return Buffer.concat(pieces);
}
