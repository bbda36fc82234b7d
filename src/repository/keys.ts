import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';

/** How files of a directory repository are called while they are written. No key may have such a segment. */
export const TEMPORARY_PREFIX = '.coolify-state-writing-';

/** S3 allows 1,024 bytes; file systems 255 for each segment. */
const MAX_KEY_BYTES = 1024;
const MAX_SEGMENT_BYTES = 255;

/**
 * Returns the key when it is safe as an S3 key and as a relative path alike: segments that are neither empty nor `.` or
 * `..`, without control characters or backslashes, within the length limits. Throws `repository.bad-key`.
 */
export function checkedKey(key: string): string {
  const problem = problemOf(key);
  if (problem === undefined) return key;
  throw new StateError({
    kind: 'failed',
    code: 'repository.bad-key',
    what: `"${printable(key.slice(0, 200))}" cannot be the key of an object`,
    why: problem,
    next: 'check coolify_s3_path and the name of the host, of which keys are made',
  });
}

/** Whether `checkedKey` would accept it: for names that come from a listing. */
export function isKey(key: string): boolean {
  return problemOf(key) === undefined;
}

/** The same for the beginning of keys: empty, a key, or a key followed by `/`. */
export function checkedPrefix(prefix: string): string {
  if (prefix !== '') checkedKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
  return prefix;
}

function problemOf(key: string): string | undefined {
  if (key === '') return 'it is empty';
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) return `it is longer than ${MAX_KEY_BYTES} bytes`;
  if (/[\p{Cc}\p{Cs}\\]/u.test(key)) return 'it has control characters or backslashes';
  for (const segment of key.split('/')) {
    if (segment === '') return 'it has an empty segment';
    if (segment === '.' || segment === '..') return `"${segment}" is not a name`;
    if (segment.startsWith(TEMPORARY_PREFIX)) return 'the name is reserved for files that are being written';
    if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) {
      return `a segment is longer than ${MAX_SEGMENT_BYTES} bytes`;
    }
  }
  return undefined;
}
