import { describe, expect, it } from 'vitest';
import { postgresOverride } from '../../../src/coolify/database/choose-postgres.js';
import type { FormerState } from '../../../src/coolify/restore/former-state.js';
import { treeChanges } from '../../../src/coolify/restore/rollback-files.js';
import type { Connection } from '../../../src/ssh/connection.js';
import { connectionThatMustNotBeUsed } from './silent-connection.js';

/** A host that answers every command with these lines. */
function saying(lines: readonly string[]): Connection {
  return {
    ...connectionThatMustNotBeUsed(),
    run: () => Promise.resolve({ code: 0, stdout: Buffer.from(lines.join('\n')), stderr: '' }),
  };
}

function former(tree: FormerState['tree']): FormerState {
  return { files: [], containers: [], volumes: [], networks: [], ...(tree !== undefined && { tree }) };
}

const { signal } = new AbortController();

describe('what a restore has left in a tree', () => {
  it('is everything where nothing stood, named by its topmost folder', async () => {
    const now = [
      '9999 0 700 /data/coolify',
      '9999 0 700 /data/coolify/source',
      '9999 0 600 /data/coolify/source/.env',
    ];
    expect(await treeChanges(saying(now), former([]), '/data/coolify', signal)).toEqual({
      surplus: ['/data/coolify'],
      altered: [],
    });
  });

  it('is what was not there, and what has another owner or mode than it had', async () => {
    const before = [
      { path: '/d', uid: 9999, gid: 0, mode: 0o700 },
      { path: '/d/kept', uid: 9999, gid: 0, mode: 0o600 },
      { path: '/d/with blank', uid: 0, gid: 0, mode: 0o644 },
    ];
    const now = [
      '9999 0 700 /d',
      '9999 0 600 /d/kept',
      '9999 0 700 /d/with blank',
      '0 0 755 /d/new',
      '0 0 644 /d/new/file',
      '0 0 644 /d/newer',
    ];
    expect(await treeChanges(saying(now), former(before), '/d', signal)).toEqual({
      surplus: ['/d/new', '/d/newer'],
      altered: [before[2]],
    });
  });

  it('is not known where the tree was too much to write down', async () => {
    expect(await treeChanges(saying([]), former(undefined), '/d', signal)).toBeUndefined();
  });
});

describe('the override that chooses a PostgreSQL', () => {
  it.each([
    [17, 'volumes:\n      - coolify-db:/var/lib/postgresql/data\n'],
    // In place of the compose file's own: with a volume where older versions have it the image of 18 does not begin.
    [18, 'volumes: !override\n      - coolify-db:/var/lib/postgresql\n'],
  ])('mounts the volume of %i where its image keeps the data', (major, mount) => {
    const text = postgresOverride(major);
    expect(text).toContain(mount);
    expect(text).toContain(`image: "postgres:${major}-alpine"`);
    expect(text).toContain(`name: "coolify-db-pg${major}"`);
  });
});
