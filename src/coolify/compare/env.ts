import type { Source } from '../restore/target.js';
import { compareFiles, type Difference } from './difference.js';

/** `.env` key by key, values never shown; what is left then is order, comments, quoting, owner or mode. */
export async function compareEnv(before: Source, after: Source, signal: AbortSignal): Promise<Difference[]> {
  const keys = before.env.differences(after.env).map(({ key, change }) => ({ change, what: key }));
  if (keys.length > 0) return keys;
  return await compareFiles('env')(before, after, signal);
}
