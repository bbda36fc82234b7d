import { throwIfAborted } from './failures.js';
import type { Cancellable, Repository } from './repository.js';

/** `getSmall` by means of `get`: reads one chunk beyond `limit` at most. */
export async function readSmall(
  repository: Pick<Repository, 'get'>,
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
