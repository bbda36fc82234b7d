import { describe, expect, it } from 'vitest';
import { compareFiles, type Difference } from '../../../src/coolify/compare/difference.js';
import type { Source } from '../../../src/coolify/restore/target.js';
import type { ManifestFile } from '../../../src/state/manifest.js';
import { sourceOf } from './file-sources.js';

const key = (path: string, title: string, content: string): ManifestFile => ({
  path,
  title,
  artifact: 'public-keys',
  size: 1,
  sha256: content.repeat(64),
});

const compared = (before: Source, after: Source): Promise<Difference[]> =>
  compareFiles('public-keys')(before, after, new AbortController().signal);

describe('the files of two states', () => {
  it('are the same in whatever order the manifests list them, also those of one name', async () => {
    const files = [key('a.pub', 'same name', 'a'), key('a~2.pub', 'same name', 'b'), key('c.pub', 'c', 'c')];
    expect(await compared(sourceOf(files), sourceOf([...files].reverse()))).toEqual([]);
  });

  it('differ when one of two files of one name does, and the path tells which', async () => {
    const before = [key('a.pub', 'same name', 'a'), key('a~2.pub', 'same name', 'b')];
    const after = [key('a.pub', 'same name', 'd'), key('a~2.pub', 'same name', 'b')];
    expect(await compared(sourceOf(before), sourceOf(after))).toEqual([
      { change: 'changed', what: 'same name (a.pub)', detail: 'other content' },
    ]);
  });

  it('are told by the name alone where that is enough', async () => {
    const before = [key('a.pub', 'one', 'a'), key('b.pub', 'two', 'b')];
    const after = [key('a.pub', 'one', 'c'), key('d.pub', 'three', 'b')];
    expect(await compared(sourceOf(before), sourceOf(after))).toEqual([
      { change: 'changed', what: 'one', detail: 'other content' },
      { change: 'removed', what: 'two' },
      { change: 'added', what: 'three' },
    ]);
  });
});
