import { ARTIFACTS } from '../artifacts.js';
import type { Source } from '../restore/target.js';
import { compareFiles, type Difference } from './difference.js';

/** What became of one artifact between two states. */
export interface ArtifactComparison {
  readonly artifact: string;
  readonly title: string;
  /** Empty when it is the same. */
  readonly differences: readonly Difference[];
}

/** Compares two states of an instance artifact by artifact, in the order of the list; the earlier state first. */
export async function compareSources(
  before: Source,
  after: Source,
  wants: (artifact: string) => boolean,
  signal: AbortSignal,
): Promise<ArtifactComparison[]> {
  const comparisons: ArtifactComparison[] = [];
  for (const { name, title, compare = compareFiles(name) } of ARTIFACTS) {
    if (!wants(name)) continue;
    comparisons.push({ artifact: name, title, differences: await compare(before, after, signal) });
  }
  return comparisons;
}
