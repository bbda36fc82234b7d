import { isAbsolute, resolve } from 'node:path';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { RepositorySettings } from '../../repository/open.js';

/**
 * The repository that a command line names, as the inventory names them: `file:/folder` (relative folders start at the
 * working directory) or `s3://bucket/path`; of a bucket in which the host has one repository the bucket is enough. One
 * that is not the host's own is taken all the same: a folder as it is, a bucket with endpoint, credentials and all else of
 * the host's first one.
 *
 * @throws StateError `settings.repository-named` (kind `usage`)
 */
export function repositoryNamed(
  text: string,
  known: readonly RepositorySettings[],
  cwd: string,
): RepositorySettings {
  const bucket = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(text);
  if (bucket !== null) return bucketNamed(bucket[1] ?? '', bucket[2], known, text);
  const folder = /^file:(?:\/\/(?=\/))?(.+)$/.exec(text)?.[1] ?? (isAbsolute(text) ? text : undefined);
  if (folder === undefined) throw refuse(text, 'it is neither "file:/folder" nor "s3://bucket/path"', known);
  const path = resolve(cwd, folder);
  return (
    known.find((one) => one.kind === 'directory' && resolve(one.path) === path) ?? { kind: 'directory', path }
  );
}

/** `s3://bucket/path` or `file:/folder`: what `repositoryNamed` reads. */
export function repositoryName(settings: RepositorySettings): string {
  if (settings.kind === 'directory') return `file:${resolve(settings.path)}`;
  const path = trimmed(settings.path);
  return `s3://${settings.bucket}${path === '' ? '' : `/${path}`}`;
}

function bucketNamed(
  bucket: string,
  path: string | undefined,
  known: readonly RepositorySettings[],
  text: string,
): RepositorySettings {
  const stores = known.filter((one) => one.kind === 's3');
  const here = stores.filter((one) => one.bucket === bucket);
  const [only, another] = here;
  if (path === undefined && another !== undefined)
    throw refuse(text, 'the host has several repositories in that bucket', known);
  if (path === undefined && only !== undefined) return only;
  const same = here.find((one) => trimmed(one.path) === trimmed(path));
  if (same !== undefined) return same;
  const [like] = stores;
  if (like === undefined)
    throw refuse(
      text,
      'the inventory names no S3 store whose endpoint and credentials could be taken',
      known,
    );
  return { ...like, bucket, path: trimmed(path) };
}

function trimmed(path: string | undefined): string {
  return (path ?? '').replace(/^\/+|(?<!\/)\/+$/g, '');
}

function refuse(text: string, why: string, known: readonly RepositorySettings[]): StateError {
  const names = known.map(repositoryName).join(', ');
  return new StateError({
    kind: 'usage',
    code: 'settings.repository-named',
    what: `"${printable(text.slice(0, 200))}" names no repository`,
    why,
    next: names === '' ? 'name one as coolify_repository does' : `the host has: ${names}`,
  });
}
