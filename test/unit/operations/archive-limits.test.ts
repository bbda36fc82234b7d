import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extractFiles, packEntries } from '../../../src/archive/tar.js';
import { DEFAULT_LIMITS } from '../../../src/archive/tar-rules.js';
import { limitsOf, ManifestWatch } from '../../../src/operations/backup/archive-limits.js';
import { MANIFEST, renderManifest } from '../../../src/state/manifest.js';

let target: string;
beforeEach(async () => {
  target = await mkdtemp(join(tmpdir(), 'archive-limits-'));
});
afterEach(() => rm(target, { recursive: true, force: true }));

const GUIDE = ['RESTORE.md', 'read me'] as const;
const KEY = ['backups/coolify/APP_KEY', 'base64:abc'] as const;
const manifest = [MANIFEST, manifestOf([GUIDE, KEY])] as const;

describe('what may come out of a snapshot', () => {
  it('is what its sidecar says, with room for the manifest, or else what no controller holds', () => {
    expect(limitsOf()).toEqual(DEFAULT_LIMITS);
    expect(limitsOf({ files: 10 })).toEqual(DEFAULT_LIMITS);
    expect(limitsOf({ files: 10, plainSize: 5000 })).toMatchObject({
      files: 12,
      bytes: 5000 + 64 * 1024 ** 2,
    });
  });

  it('is what its manifest names, each in its size', async () => {
    expect(await unpacked([GUIDE, manifest, KEY])).toEqual(['RESTORE.md', MANIFEST, KEY[0]]);
  });

  it('is nothing of another size than the manifest says', async () => {
    await expect(unpacked([GUIDE, manifest, [KEY[0], 'longer than that']])).rejects.toMatchObject({
      kind: 'proof',
      code: 'snapshot.size-differs',
      why: 'it has 16 bytes, and the manifest says 10',
    });
    expect(await readdir(target)).not.toContain('backups');
  });

  it('leaves out what the manifest does not name', async () => {
    const paths = await unpacked([manifest, ['.ssh/authorized_keys', 'mine'], GUIDE, KEY]);
    expect(paths).toEqual([MANIFEST, 'RESTORE.md', KEY[0]]);
    expect((await readdir(target)).sort()).toEqual(['RESTORE.md', 'backups', MANIFEST]);
  });

  it('is nothing more once the manifest turned out to be none', async () => {
    await expect(unpacked([[MANIFEST, '{}'], KEY])).rejects.toMatchObject({ code: 'manifest.invalid' });
    expect(await readdir(target)).toEqual([MANIFEST]);
  });

  it('is left to the proofs where the manifest comes last, or in a folder, as by hand', async () => {
    expect(await unpacked([KEY, ['more', ''], manifest])).toEqual([KEY[0], 'more', MANIFEST]);
    await rm(target, { recursive: true });
    await mkdir(target);
    const inFolder = [manifest, KEY, ['more', ''] as const].map(
      ([path, text]) => [`host/${path}`, text] as const,
    );
    expect(await unpacked(inFolder)).toHaveLength(3);
  });
});

async function unpacked(files: readonly (readonly [string, string])[]): Promise<string[]> {
  const rest = { mode: 0o600, uid: 0, gid: 0, uname: '', gname: '', mtime: 0 };
  const entries = files.map(([path, text]) => ({
    header: { path, type: 'file' as const, size: Buffer.byteLength(text), ...rest },
    content: Buffer.from(text),
  }));
  const watch = new ManifestWatch(target);
  const extracted = await extractFiles(packEntries(entries), target, { wants: (file) => watch.wants(file) });
  return extracted.map(({ path }) => path);
}

function manifestOf(files: readonly (readonly [string, string])[]): string {
  return renderManifest({
    format: 1,
    id: 'test',
    host: 'controller',
    createdAt: '2026-11-24T10:11:12.345Z',
    tool: { name: 'coolify-state', version: '0.1.0' },
    files: files.map(([path, text]) => ({
      path,
      artifact: 'test',
      size: Buffer.byteLength(text),
      sha256: createHash('sha256').update(text).digest('hex'),
    })),
    proofs: [],
    instance: {},
  });
}
