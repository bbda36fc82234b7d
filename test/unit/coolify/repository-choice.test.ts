import { describe, expect, it } from 'vitest';
import { repositoryName, repositoryNamed } from '../../../src/coolify/settings/repository-choice.js';
import type { RepositorySettings } from '../../../src/repository/open.js';

const STORE = { kind: 's3', bucket: 'one', path: 'state', endpoint: 'https://store' } as const;
const OTHER = { kind: 's3', bucket: 'two', path: 'a', endpoint: 'https://store' } as const;
const FURTHER = { kind: 's3', bucket: 'two', path: 'b', endpoint: 'https://store' } as const;
const FOLDER = { kind: 'directory', path: '/srv/snapshots' } as const;
const KNOWN: readonly RepositorySettings[] = [STORE, OTHER, FURTHER, FOLDER];

const named = (text: string, known = KNOWN): RepositorySettings => repositoryNamed(text, known, '/srv');

describe('a repository named on the command line', () => {
  it('is the one of the inventory, however it is written', () => {
    expect(named('s3://one/state')).toBe(STORE);
    expect(named('s3://one/state/')).toBe(STORE);
    expect(named('s3://one')).toBe(STORE);
    for (const text of [
      'file:/srv/snapshots',
      'file:///srv/snapshots',
      '/srv/snapshots/',
      'file:../srv/snapshots',
    ])
      expect(named(text)).toBe(FOLDER);
  });

  it('may be one that the inventory does not have', () => {
    expect(named('file:usb')).toEqual({ kind: 'directory', path: '/srv/usb' });
    expect(named('s3://three/x')).toEqual({ ...STORE, bucket: 'three', path: 'x' });
    expect(named('s3://one/')).toEqual({ ...STORE, path: '' });
  });

  it('is refused where it cannot be told which is meant, with those there are', () => {
    for (const [text, why] of [
      ['s3://two', 'several repositories in that bucket'],
      ['usb', 'neither'],
      ['https://store/bucket', 'neither'],
    ] as const) {
      expect(() => named(text)).toThrow(
        expect.objectContaining({ code: 'settings.repository-named', kind: 'usage' }),
      );
      expect(() => named(text)).toThrow(why);
    }
    expect(() => named('s3://one/x', [FOLDER])).toThrow('no S3 store');
    expect(() => named('usb')).toThrow(
      expect.objectContaining({
        next: 'the host has: s3://one/state, s3://two/a, s3://two/b, file:/srv/snapshots',
      }),
    );
  });

  it('is found again by the name that it is given', () => {
    for (const settings of KNOWN) expect(named(repositoryName(settings))).toBe(settings);
  });
});
