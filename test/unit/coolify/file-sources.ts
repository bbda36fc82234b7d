import { keyRingOf } from '../../../src/coolify/app-key.js';
import { EnvFile } from '../../../src/coolify/env-file.js';
import type { Source } from '../../../src/coolify/restore/target.js';
import { Secret } from '../../../src/core/secret.js';
import type { ManifestFile } from '../../../src/state/manifest.js';

/** A state of an instance of which only the list of files matters. */
export function sourceOf(files: readonly ManifestFile[]): Source {
  const env = EnvFile.parse(`APP_KEY=base64:${Buffer.alloc(32, 7).toString('base64')}\n`);
  const database = {
    ...{ versionNumber: 150013, version: '15.13', name: 'coolify', user: 'coolify', encoding: 'UTF8' },
    ...{ dataChecksums: false, tables: [], sequences: [] },
  };
  const instance = {
    coolify: { version: '4.3.11', image: 'coolify:4.3.11' },
    appKeyFingerprint: 'SHA256:',
    system: { name: 'Debian', architecture: 'x86_64', docker: '26' },
    database,
    keys: [],
  };
  return {
    env,
    instance,
    ring: keyRingOf(env, '.env', (text) => new Secret(text)),
    generation: {
      host: 'h',
      folder: '/nowhere',
      manifest: {
        format: 1,
        id: 'one',
        host: 'h',
        createdAt: '2026-11-25T00:00:00.000Z',
        tool: { name: 'coolify-state', version: '0' },
        files: [...files],
        proofs: [],
        instance,
      },
    },
  };
}
