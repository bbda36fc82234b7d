import { createPublicKey } from 'node:crypto';
import ssh2 from 'ssh2';
import { sshFingerprint } from '../core/ssh-fingerprint.js';
import { type PublicBlob, publicBlobOf } from '../core/ssh-public-key.js';
import type { KeyRing } from './app-key.js';
import { PAYLOAD_PREFIX } from './app-key.js';

/** A row of Coolify's table `private_keys`, as text. */
export interface KeyRow {
  readonly id: string;
  readonly uuid: string;
  readonly name: string;
  readonly team: string;
  /** Encrypted with APP_KEY (plain text in instances older than September 2024). */
  readonly privateKey: string;
}

/** A managed key whose private half could be opened and read. */
export interface ManagedKey {
  readonly row: Omit<KeyRow, 'privateKey'>;
  /** The private key as Coolify writes it to `ssh_key@<uuid>`. Secret: never shown, never kept. */
  readonly privateText: Buffer;
  /** `type base64`, without a comment: what Coolify shows in its UI. */
  readonly publicLine: string;
  /** `SHA256:...` as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
}

export type OpenedKey =
  | { readonly key: ManagedKey }
  | { readonly row: Omit<KeyRow, 'privateKey'>; readonly fault: string };

/** Opens a row with the instance's keys and derives the public half. */
export function openKeyRow({ privateKey, ...row }: KeyRow, ring: KeyRing): OpenedKey {
  let plain: Buffer;
  if (privateKey.startsWith(PAYLOAD_PREFIX)) {
    const opened = ring.open(privateKey);
    if (!opened.ok) {
      return {
        row,
        fault:
          opened.fault === 'mac-invalid'
            ? 'APP_KEY does not open it (The MAC is invalid)'
            : 'the payload is broken',
      };
    }
    plain = opened.plain;
  } else {
    plain = Buffer.from(privateKey);
  }
  const half = publicHalf(plain);
  return half === undefined
    ? { row, fault: 'what it holds is not a private key' }
    : { key: { row, privateText: plain, ...half } };
}

/** The public half of a private key's text, or undefined when it is not one that can be read. */
export function publicHalf(privateText: Buffer): { publicLine: string; fingerprint: string } | undefined {
  const parsed = ssh2.utils.parseKey(privateText);
  const own = Array.isArray(parsed) ? parsed[0] : parsed;
  // ssh2 does not know PKCS#8, node:crypto does not know OpenSSH's own form.
  const half =
    own === undefined || own instanceof Error
      ? byNode(privateText)
      : { type: own.type, blob: own.getPublicSSH() };
  if (half === undefined) return undefined;
  return {
    publicLine: `${half.type} ${half.blob.toString('base64')}`,
    fingerprint: sshFingerprint(half.blob),
  };
}

function byNode(privateText: Buffer): PublicBlob | undefined {
  try {
    return publicBlobOf(createPublicKey(privateText));
  } catch {
    return undefined;
  }
}

/** The key blobs (base64) of an authorized_keys file with the whole line each stands in. */
export function authorizedBlobs(text: string): Map<string, string> {
  const blobs = new Map<string, string>();
  for (const line of text.split('\n')) {
    const blob = authorizedBlob(line);
    if (blob !== undefined) blobs.set(blob, line);
  }
  return blobs;
}

/** The key blob of one line, past any options before it. Undefined for comments and empty lines. */
export function authorizedBlob(line: string): string | undefined {
  if (line.trimStart().startsWith('#')) return undefined;
  return /(?:^|\s)(?:ssh-|ecdsa-|sk-)[\w@.-]+\s+(AAAA[0-9A-Za-z+/=]+)/.exec(line)?.[1];
}

/**
 * File names for keys by their names in the UI, which are untrusted text: safe on any file system, each unique
 * (also where case does not count), and the same on every run: among keys whose names become the same, the one
 * with the lowest id keeps the plain name and the others carry their uuid.
 * @returns file name (with `.pub`) by uuid
 */
export function publicKeyFileNames(rows: readonly Omit<KeyRow, 'privateKey'>[]): Map<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  const order = [...rows].sort((a, b) => Number(a.id) - Number(b.id));
  for (const { uuid, name } of order) {
    const plain = safeName(name);
    let candidate = plain;
    for (let turn = 0; candidate === '' || taken.has(candidate.toLowerCase()); turn++) {
      candidate = [plain || 'key', safeName(uuid), ...(turn === 0 ? [] : [String(turn)])].join('~');
    }
    taken.add(candidate.toLowerCase());
    names.set(uuid, `${candidate}.pub`);
  }
  return names;
}

/** Letters, digits and marks of all scripts stay, with `._@+-` and single spaces; the rest becomes `_`. */
function safeName(name: string): string {
  const cleaned = name
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}\p{M}._@+ -]/gu, '_')
    .replace(/^[.\s-]+/, (lead) => '_'.repeat(lead.length))
    .trimEnd();
  return truncateBytes(cleaned, 180);
}

function truncateBytes(text: string, limit: number): string {
  let result = '';
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > limit) break;
    result += character;
  }
  return result;
}
