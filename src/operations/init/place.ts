import { homedir } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';

/** Where snapshots go, as the inventory will say it. */
export type Place =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly path: string | undefined }
  /** Backups stay on this machine only. */
  | { readonly kind: 'none' };

/**
 * Reads a folder (`/srv/snapshots`, `~/snapshots`, `file:/srv/snapshots`), a bucket (`s3://bucket/path`) or `none`.
 * @throws StateError `init.repository`
 */
export function parsePlace(text: string, cwd: string): Place {
  const plain = text.trim();
  if (plain === 'none') return { kind: 'none' };
  if (/[\p{Cc}]|\{\{|\{%/u.test(plain)) throw noPlace(text, 'it has characters that a place cannot have');
  const bucket = /^s3:\/\/([A-Za-z0-9][A-Za-z0-9._-]{2,254})(?:\/(.*?))?\/*$/.exec(plain);
  if (bucket?.[1] !== undefined) return { kind: 's3', bucket: bucket[1], path: bucket[2] || undefined };
  if (/^s3:/.test(plain))
    throw noPlace(text, 'after s3:// comes the name of a bucket, of three characters or more');
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(plain) && !plain.startsWith('file://'))
    throw noPlace(text, 'only folders and s3:// are known');
  const path = plain.startsWith('file://') ? fileURLToPath(plain) : plain.replace(/^file:/, '');
  if (path === '') throw noPlace(text, 'it is empty');
  return { kind: 'directory', path: absolute(path, cwd) };
}

/** A path as a person would write it down: with `~` where it is in the home. */
export function withTilde(path: string, home: string = homedir()): string {
  const below = relative(home, path);
  const isBelow = below !== '' && below !== '..' && !below.startsWith(`..${sep}`);
  return isBelow ? `~/${below}` : path;
}

/** The same the other way round; relative paths start at the working directory. */
export function absolute(path: string, cwd: string): string {
  return resolve(cwd, path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path);
}

function noPlace(text: string, why: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'init.repository',
    what: `"${printable(text)}" is no place for snapshots`,
    why,
    next: 'give a folder, s3://bucket/path, or "none" to keep backups on this machine only',
  });
}
