import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Where this program keeps what it could find out again, if nobody says otherwise. As the XDG Base Directory Specification has
 * it: a relative path there does not count.
 */
export function usualCacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  const base = env['XDG_CACHE_HOME'];
  if (base !== undefined && isAbsolute(base)) return join(base, 'coolify-state');
  const home = env['HOME'];
  return join(home === undefined || home === '' ? homedir() : home, '.cache', 'coolify-state');
}
