import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import {
  isSafeRelativePath,
  type Manifest,
  parseManifest,
  renderManifest,
} from '../../../src/state/manifest.js';
import { damaged, FUZZ_TIMEOUT, fuzz } from '../fuzz.js';

const origin = {
  path: '/data/coolify/source/.env',
  uid: 9999,
  gid: 0,
  owner: '9999',
  group: 'root',
  mode: 0o600,
  mtime: 1_764_000_000,
};
const text = renderManifest({
  format: 1,
  id: '20261124T101112Z-a1b2c3',
  host: 'controller',
  createdAt: '2026-11-24T10:11:12.345Z',
  tool: { name: 'coolify-state', version: '0.1.0' },
  files: [
    { path: 'RESTORE.md', artifact: 'recovery-guide', size: 10, sha256: 'ab'.repeat(32) },
    { path: 'backups/coolify/.env', artifact: 'env', size: 999, sha256: 'cd'.repeat(32), origin },
    {
      path: 'backups/coolify/web_01.pub',
      artifact: 'keys',
      size: 80,
      sha256: 'ef'.repeat(32),
      title: 'web/01',
    },
  ],
  proofs: [{ name: 'rows', ok: true, detail: '59 tables' }],
  instance: { coolify: { version: '4.3.11' } },
});

function read(bent: string): Manifest | StateError {
  try {
    return parseManifest(bent, 'a test');
  } catch (error) {
    if (error instanceof StateError) return error;
    throw error;
  }
}

/** Refused, or every path in it stays where it belongs. */
function expectSound(outcome: Manifest | StateError): void {
  if (outcome instanceof StateError) {
    expect(outcome).toMatchObject({ kind: 'proof', code: 'manifest.invalid' });
    return;
  }
  for (const { path, size } of outcome.files) {
    expect(resolve('/state', path)).toBe(join('/state', path));
    expect(resolve('/state', path).startsWith('/state/')).toBe(true);
    expect(size).toBeGreaterThanOrEqual(0);
  }
  expect(new Set(outcome.files.map(({ path }) => path)).size).toBe(outcome.files.length);
}

describe('a manifest that came to harm', () => {
  it('is refused, or leads nowhere else', { timeout: FUZZ_TIMEOUT }, async () => {
    await fuzz(fc.property(damaged(Buffer.from(text)), (bent) => expectSound(read(bent.toString()))));
  });

  it('may hold any JSON in any of its fields', { timeout: FUZZ_TIMEOUT }, async () => {
    const field = fc.constantFrom('format', 'id', 'host', 'createdAt', 'tool', 'files', 'proofs', 'instance');
    await fuzz(
      fc.property(field, fc.jsonValue(), (name, value) => {
        expectSound(read(JSON.stringify({ ...JSON.parse(text), [name]: value })));
      }),
    );
  });

  it('may be any JSON, or no JSON', { timeout: FUZZ_TIMEOUT }, async () => {
    await fuzz(
      fc.property(fc.oneof(fc.json(), fc.string()), (any) => {
        expect(read(any)).toBeInstanceOf(StateError);
      }),
    );
  });
});

describe('a path in a manifest', () => {
  it('of any parts never leaves its folder', { timeout: FUZZ_TIMEOUT }, async () => {
    const part = fc.oneof(fc.constantFrom('..', '.', '', '/', '\\', '\0', '~', '%2e%2e', 'a'), fc.string());
    await fuzz(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const path = parts.join('/');
        if (!isSafeRelativePath(path)) return;
        expect(resolve('/state/host', path)).toBe(`/state/host/${path}`);
      }),
    );
  });
});
