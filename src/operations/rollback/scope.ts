import { isHostIdentity } from '../../coolify/artifacts/host-keys.js';
import type { Layout } from '../../coolify/layout.js';
import { installerFiles } from '../../coolify/restore/former-state.js';
import type { RestoreNotes } from '../../coolify/restore/notes.js';
import { partsOf } from '../restore/parts.js';

/** What a restore of some artifacts may have changed, and so all that is taken back of it. */
export interface Scope {
  /** Coolify was stopped and started, with database or settings that were restored. */
  readonly instance: boolean;
  readonly keyFiles: boolean;
  readonly hostKeys: boolean;
  readonly file: (path: string) => boolean;
}

export function scopeOf(notes: Pick<RestoreNotes, 'parts'>, layout: Layout): Scope {
  const parts = partsOf(notes);
  const instance = parts.includes('database') || parts.includes('env');
  const ofInstance = new Set([layout.env, layout.installer, ...installerFiles(layout)]);
  return {
    instance,
    keyFiles: instance || parts.includes('managed-keys'),
    hostKeys: parts.includes('host-keys'),
    file: (path) => {
      if (ofInstance.has(path)) return instance;
      // The installer adds lines there, and deletes some.
      if (path === layout.authorizedKeys) return instance || parts.includes('authorized-keys');
      if (path === layout.token) return parts.includes('api-token');
      return parts.includes(isHostIdentity(layout, path) ? 'host-keys' : 'extra-paths');
    },
  };
}
