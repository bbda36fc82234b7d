import { createHash } from 'node:crypto';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';

/** How the archive inside was compressed; part of the object's name, so that a person knows how to open it. */
export type Compression = 'gzip' | 'zstd';

export interface SnapshotName {
  /** Inventory name, decoded. */
  readonly host: string;
  /** Whole seconds, UTC: that is what the name holds. */
  readonly createdAt: Date;
  /** 1, or more for a further snapshot of the same host within the same second. */
  readonly ordinal: number;
  readonly compression: Compression;
}

const EXTENSION: Readonly<Record<Compression, string>> = { gzip: 'tar.gz.age', zstd: 'tar.zst.age' };
const SIDECAR_EXTENSION = '.json';
const LONGEST_HOST = 180;

/**
 * Where everything of a host lies: its inventory name as a path segment, and a slash. Names of letters, digits, `.`, `_`
 * and `-` stand as they are; other bytes, and a leading dot, are percent-encoded, so that every name is one segment and
 * can be told from it again. Throws `repository.bad-host` for a name that is empty or too long.
 */
export function hostPrefix(host: string): string {
  return `${segmentOf(host)}/`;
}

/** `<host>/coolify-state-<host>-20261124T101112Z.tar.gz.age`; a further one of that second: `...112Z-2.tar.gz.age`. */
export function snapshotKey({ host, createdAt, ordinal, compression }: SnapshotName): string {
  const suffix = ordinal === 1 ? '' : `-${ordinal}`;
  return `${timePrefix(host, createdAt)}${suffix}.${EXTENSION[compression]}`;
}

/** What the keys of all snapshots of a host within one second begin with. */
export function timePrefix(host: string, createdAt: Date): string {
  const segment = segmentOf(host);
  return `${segment}/coolify-state-${segment}-${basicTime(createdAt)}`;
}

/** The sidecar of an object: its key and `.json`. */
export function sidecarKey(key: string): string {
  return `${key}${SIDECAR_EXTENSION}`;
}

/** The object that a sidecar's key belongs to, `undefined` when it is not one. */
export function objectOfSidecar(key: string): string | undefined {
  return key.endsWith(SIDECAR_EXTENSION) ? key.slice(0, -SIDECAR_EXTENSION.length) : undefined;
}

/** Where the evidence of a drill stands: beside the snapshot that was restored. Its signature has the same name and `.sig`. */
export function drillKey(key: string, at: Date, ordinal = 1): string {
  return `${key}.drill-${basicTime(at)}${ordinal === 1 ? '' : `-${ordinal}`}${SIDECAR_EXTENSION}`;
}

/** What the key of a drill's evidence says; `undefined` for every other key. */
export function parseDrillKey(key: string): { readonly snapshot: string; readonly at: Date } | undefined {
  const match = /^(.+)\.drill-(\d{8}T\d{6}Z)(?:-[1-9]\d{0,3})?\.json$/.exec(key);
  const at = parseBasicTime(match?.[2] ?? '');
  const snapshot = match?.[1];
  if (at === undefined || snapshot === undefined || parseSnapshotKey(snapshot) === undefined)
    return undefined;
  return { snapshot, at };
}

/** What the key of a snapshot says; `undefined` for every other key: foreign objects are no business of ours. */
export function parseSnapshotKey(key: string): SnapshotName | undefined {
  const [segment = '', file = '', ...more] = key.split('/');
  const host = hostOf(segment);
  const start = `coolify-state-${segment}-`;
  if (host === undefined || more.length > 0 || !file.startsWith(start)) return undefined;
  const match = /^(\d{8}T\d{6}Z)(?:-([1-9]\d{0,3}))?\.tar\.(gz|zst)\.age$/.exec(file.slice(start.length));
  const createdAt = parseBasicTime(match?.[1] ?? '');
  if (match === null || createdAt === undefined || match[2] === '1') return undefined;
  const compression = match[3] === 'gz' ? 'gzip' : 'zstd';
  return { host, createdAt, ordinal: Number(match[2] ?? 1), compression };
}

/**
 * Eight hex digits, for people to type: the beginning of the SHA-256 of the object's file name. So a listing knows it
 * without opening anything, and it stays when the snapshot is copied to another repository.
 */
export function snapshotId(key: string): string {
  return createHash('sha256')
    .update(key.slice(key.lastIndexOf('/') + 1))
    .digest('hex')
    .slice(0, 8);
}

/** `20261124T101112Z`, ISO 8601 basic format. */
export function basicTime(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

function parseBasicTime(text: string): Date | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // The thirtieth of February would be taken for a day in March.
  return !Number.isNaN(time.getTime()) && basicTime(time) === text ? time : undefined;
}

function segmentOf(host: string): string {
  const segment = host.replace(/[^A-Za-z0-9._-]/gu, percentEncoded).replace(/^\./, percentEncoded);
  const problem =
    host === '' ? 'it is empty' : segment.length > LONGEST_HOST ? 'it is too long' : wellFormed(host);
  if (problem === undefined) return segment;
  throw new StateError({
    kind: 'usage',
    code: 'repository.bad-host',
    what: `"${printable(host.slice(0, 200))}" cannot be the name of a host in a repository`,
    why: problem,
    next: 'give the host another name in the inventory; its address stands in ansible_host',
  });
}

function hostOf(segment: string): string | undefined {
  try {
    const host = decodeURIComponent(segment);
    // Only what we write ourselves: one name for each host.
    return segmentOf(host) === segment ? host : undefined;
  } catch {
    return undefined;
  }
}

function wellFormed(host: string): string | undefined {
  return Buffer.from(host).toString() === host ? undefined : 'it is not valid Unicode';
}

function percentEncoded(character: string): string {
  return Array.from(
    Buffer.from(character),
    (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');
}
