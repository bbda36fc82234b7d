import { hkdfSync } from 'node:crypto';
import { EnvFile } from '../env-file.js';
import { UNKNOWN_VERSION } from '../instance.js';
import type { OpenedDump } from './key.js';

/** What Coolify's installer would make up for a setting that is missing. */
const MADE: readonly (readonly [key: string, encoding: 'base64' | 'hex', bytes: number])[] = [
  ['APP_ID', 'hex', 16],
  ['DB_PASSWORD', 'base64', 32],
  ['REDIS_PASSWORD', 'base64', 32],
  ['PUSHER_APP_ID', 'hex', 32],
  ['PUSHER_APP_KEY', 'hex', 32],
  ['PUSHER_APP_SECRET', 'hex', 32],
];

/** What says which version is to run: without it the newest one would. Of another installation it would be a wrong one. */
const VERSION_KEYS = ['LATEST_IMAGE', 'COOLIFY_VERSION'] as const;

export interface LegacyEnv {
  readonly env: EnvFile;
  /** Of Coolify, as well as that is known. */
  readonly version: string;
  /** What was done to it; empty where it is as it was saved. */
  readonly notes: readonly string[];
}

/**
 * The `.env` that belongs to a dump: the saved one where its APP_KEY is the dump's, otherwise with that key put right. What a
 * fresh host cannot do without is filled in: a restore lays the file down as a whole, before the database is first made.
 * New passwords follow from APP_KEY, so that they are the same whenever the same archive is read.
 */
export function legacyEnv(
  saved: EnvFile | undefined,
  { ring, previous }: OpenedDump,
  saidVersion: string | undefined,
): LegacyEnv {
  const key = ring.current.text.reveal().trim();
  const isOwn = saved?.get('APP_KEY')?.trim() === key;
  const told = isOwn ? (saved.get('COOLIFY_VERSION') ?? saved.get('LATEST_IMAGE')) : undefined;
  const version = saidVersion ?? (told !== undefined && /^\d/.test(told) ? told : UNKNOWN_VERSION);
  const notes: string[] = [];
  if (saidVersion === undefined && version !== UNKNOWN_VERSION) {
    notes.push(
      `Coolify ${version} is what .env said when the role fetched it, at install time; where it was updated since, say so with --coolify-version`,
    );
  }
  let env = saved ?? EnvFile.parse('');
  if (!isOwn) {
    if (saved !== undefined)
      notes.push("its .env is of another installation: APP_KEY in it was replaced by the dump's");
    env = env.withLine('APP_KEY', `APP_KEY=${key}`);
    const others = previous.map((other) => other.reveal().trim()).join(',');
    if (others !== '') env = env.withLine('APP_PREVIOUS_KEYS', `APP_PREVIOUS_KEYS=${others}`);
  }
  if (!isOwn || version !== UNKNOWN_VERSION) env = withVersion(env, version);
  const { filled, missing } = fill(env, key);
  if (missing.length > 0) {
    const what = saved === undefined ? '.env was not in it' : `its .env lacks ${missing.length} settings`;
    notes.push(`${what}: a new host gets new passwords of its own (${missing.join(', ')})`);
  }
  return { env: filled, version, notes };
}

function withVersion(env: EnvFile, version: string): EnvFile {
  let changed = env;
  for (const key of VERSION_KEYS) {
    if (version === UNKNOWN_VERSION) changed = changed.without(key);
    else if (changed.get(key) !== version) changed = changed.withLine(key, `${key}=${version}`);
  }
  return changed;
}

function fill(
  env: EnvFile,
  appKey: string,
): { readonly filled: EnvFile; readonly missing: readonly string[] } {
  const missing: string[] = [];
  let filled = env;
  for (const [key, encoding, bytes] of MADE) {
    if ((env.get(key) ?? '') !== '') continue;
    const value = Buffer.from(hkdfSync('sha256', appKey, '', `coolify-state import ${key}`, bytes));
    filled = filled.withLine(key, `${key}=${value.toString(encoding)}`);
    missing.push(key);
  }
  if ((env.get('DB_USERNAME') ?? '') === '') filled = filled.withLine('DB_USERNAME', 'DB_USERNAME=coolify');
  if ((env.get('APP_NAME') ?? '') === '') filled = filled.withLine('APP_NAME', 'APP_NAME=Coolify');
  return { filled, missing };
}
