const MiB = 1024 * 1024;
/** Of one object, in S3 and in what is like it. */
const MOST_PARTS = 10_000;
/** What was expected grows by this at most: frames of what could not be compressed, age's tags, tar's headers. */
const MARGIN = 1.05;

/** Bytes a part: as it is set, or as much more as an object of that size takes. */
export function partSizeFor(usual: number, expectedSize = 0): number {
  const needed = Math.ceil((expectedSize * MARGIN) / MOST_PARTS / MiB) * MiB;
  return Math.max(usual, needed);
}
