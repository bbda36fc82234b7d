import { installerFiles } from '../../coolify/restore/former-state.js';
import { isHostKey } from '../../coolify/restore/rollback-files.js';
import type { RestoreContext } from '../restore/context.js';
import { partsOf } from '../restore/parts.js';

/** What a restore of some artifacts may have changed, and so all that is taken back of it. */
export interface Scope {
  /** Coolify was stopped and started, with database or settings that were restored. */
  readonly instance: boolean;
  readonly keyFiles: boolean;
  readonly hostKeys: boolean;
  readonly file: (path: string) => boolean;
}

export function scopeOf({ notes, config: { layout } }: Pick<RestoreContext, 'notes' | 'config'>): Scope {
  const parts = partsOf(notes ?? {});
  const instance = parts.includes('database') || parts.includes('env');
  const ofInstance = new Set([layout.env, layout.installer, ...installerFiles(layout)]);
  const isIdentity = (path: string): boolean =>
    isHostKey(layout, path) || /\/(id_|ssh_host_)[^/]*$/.test(path);
  return {
    instance,
    keyFiles: instance || parts.includes('managed-keys'),
    hostKeys: parts.includes('host-keys'),
    file: (path) => {
      if (ofInstance.has(path)) return instance;
      // The installer adds lines there, and deletes some.
      if (path === layout.authorizedKeys) return instance || parts.includes('authorized-keys');
      if (path === layout.token) return parts.includes('api-token');
      return parts.includes(isIdentity(path) ? 'host-keys' : 'extra-paths');
    },
  };
}
