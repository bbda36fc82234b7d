import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type Instance, UNKNOWN_VERSION } from '../../../src/coolify/instance.js';
import { layoutOf } from '../../../src/coolify/layout.js';
import { recoveryGuide } from '../../../src/coolify/restore/recovery-guide.js';
import { filter } from '../archive/programs.js';
import { shellBlocks } from './shell-blocks.js';

const INSTANCE: Instance = {
  coolify: { version: UNKNOWN_VERSION, image: '' },
  appKeyFingerprint: 'SHA256:abc',
  system: { name: 'Debian', architecture: 'x86_64', docker: '26' },
  database: {
    versionNumber: 170_004,
    version: '17.4',
    name: 'the "database"',
    user: "o'brien",
    encoding: 'UTF8',
    dataChecksums: false,
    tables: [],
    sequences: [],
  },
  keys: [],
};

describe('RESTORE.md of an instance with odd names', () => {
  const layout = layoutOf({
    dataPath: "/srv/my data/it's $HOME",
    installScript: '/root/install.sh',
    databaseContainer: 'db;1',
  });
  const guide = recoveryGuide('web', '20261124T101112Z-a1b2c3', INSTANCE, layout);
  const commands = shellBlocks(guide).map((block) => block.commands);

  it('has commands that a shell understands', async () => {
    expect(commands.length).toBeGreaterThan(8);
    for (const text of commands) await filter('bash', ['-n'], Readable.from([Buffer.from(text)]));
  });

  it('names paths, users and databases as single words', async () => {
    const install = commands.find((text) => text.startsWith('install -d -m 0700 -o 9999')) ?? '';
    const shown = `install() { printf '<%s>\\n' "$@"; }\n${install}`;
    const words = (await filter('bash', [], Readable.from([Buffer.from(shown)]))).toString();
    expect(words).toContain("</srv/my data/it's $HOME/source/.env>");
    const swap = commands.find((text) => text.includes('RENAME')) ?? '';
    expect(swap).toContain('ALTER DATABASE "the ""database""" RENAME TO former;');
    const echo = `docker() { cat >/dev/null; printf '<%s>\\n' "$@"; }\nd=$(mktemp -d); trap "rm -rf $d" EXIT; cd "$d"; mkdir -p backups/coolify; : >backups/coolify/coolify_db.dump\n${swap}`;
    const asked = (await filter('bash', [], Readable.from([Buffer.from(echo)]))).toString();
    expect(asked).toContain("<o'brien>");
    expect(asked).toContain('<db;1>');
  });

  it('asks for a recent enough pg_restore, and for a version that is not known', () => {
    expect(guide).toContain('pg_restore of 17 or newer reads it');
    expect(guide).toContain('bash -s VERSION');
  });
});
