import { createHmac, timingSafeEqual } from 'node:crypto';
import { fitsWildcard } from '../core/wildcard.js';
import { type HostKey, hostKeyOf, isWholeKey, knownHostsName } from './host-key.js';

/** One line of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
export interface KnownHost {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly marker: 'revoked' | 'cert-authority' | undefined;
  /** The first field: a comma list of patterns, or one hashed name. */
  readonly names: string;
  readonly key: HostKey;
}

/** The host to look up. */
export interface HostName {
  readonly address: string;
  readonly port: number;
  /** Looked up instead of address and port. */
  readonly alias?: string;
}

export type HostKeyVerdict =
  | { readonly verdict: 'match'; readonly entry: KnownHost }
  /** The host has no entries. */
  | { readonly verdict: 'unknown' }
  /** The host has entries and this key is none of them, whatever its type. */
  | { readonly verdict: 'changed'; readonly known: readonly KnownHost[] }
  | { readonly verdict: 'revoked'; readonly entry: KnownHost }
  /** Only an authority is known for the host, and this is a plain key. */
  | { readonly verdict: 'certificate-only'; readonly entry: KnownHost };

/** Reads one file. Lines that make no sense are no entries, as in OpenSSH. */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  return text.split('\n').flatMap((line, index) => {
    const fields = splitLine(line);
    const key = fields && hostKeyFrom(fields.type, fields.blob);
    return fields && key ? [{ file, line: index + 1, marker: fields.marker, names: fields.names, key }] : [];
  });
}

/** Judges a key that a host presented. `entries` are those of all files together. */
export function checkHostKey(entries: readonly KnownHost[], host: HostName, key: HostKey): HostKeyVerdict {
  const { exact, bare } = entriesFor(entries, host);
  const isSame = (entry: KnownHost): boolean => entry.key.blob.equals(key.blob);
  const same = [...exact, ...bare].filter(isSame);
  const revoked = same.find((entry) => entry.marker === 'revoked');
  if (revoked) return { verdict: 'revoked', entry: revoked };
  const match = same.find((entry) => entry.marker === undefined);
  if (match) return { verdict: 'match', entry: match };
  const known = exact.filter((entry) => entry.marker === undefined);
  if (known.length > 0) return { verdict: 'changed', known };
  const authority = exact.find((entry) => entry.marker === 'cert-authority');
  if (authority) return { verdict: 'certificate-only', entry: authority };
  return { verdict: 'unknown' };
}

/**
 * The entries that speak of a host: `exact` under its name, `bare` under its name without the port. As in OpenSSH
 * the latter are asked only when the former say nothing, and only a match counts.
 */
export function entriesFor(
  entries: readonly KnownHost[],
  host: HostName,
): { readonly exact: readonly KnownHost[]; readonly bare: readonly KnownHost[] } {
  const name = host.alias?.toLowerCase() ?? knownHostsName(host.address, host.port);
  const exact = entries.filter((entry) => namesMatch(entry.names, name));
  const asksBare =
    host.alias === undefined && host.port !== 22 && exact.every((entry) => entry.marker === 'revoked');
  const bareName = host.address.toLowerCase();
  return { exact, bare: asksBare ? entries.filter((entry) => namesMatch(entry.names, bareName)) : [] };
}

/** The authorities whose certificates a host may show: those under its name, or else those under the name alone. */
export function authoritiesFor(entries: readonly KnownHost[], host: HostName): readonly KnownHost[] {
  const { exact, bare } = entriesFor(entries, host);
  return [...exact, ...bare].filter((entry) => entry.marker === 'cert-authority');
}

/**
 * Signature algorithms to ask a host for, those of its known keys first, so that it presents a key that can be
 * compared. Without known keys: the default order.
 */
export function hostKeyAlgorithms(known: readonly KnownHost[]): HostKeyAlgorithm[] {
  const types = new Set(known.filter((entry) => entry.marker === undefined).map((entry) => entry.key.type));
  const rank = (algorithm: HostKeyAlgorithm): number => (types.has(keyTypeOf(algorithm)) ? 0 : 1);
  return [...HOST_KEY_ALGORITHMS].sort((a, b) => rank(a) - rank(b));
}

/** The type of the keys that an algorithm signs with. */
export function keyTypeOf(algorithm: HostKeyAlgorithm): string {
  return algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm;
}

/** SHA-1 signatures and DSA are out, as in current OpenSSH. */
export const HOST_KEY_ALGORITHMS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const;
export type HostKeyAlgorithm = (typeof HOST_KEY_ALGORITHMS)[number];

/** Whether a first field names a host (`name` or `[name]:port`, in lower case). */
export function namesMatch(names: string, name: string): boolean {
  if (names.startsWith('|')) return hashMatches(names, name);
  let matched = false;
  for (const part of names.split(',')) {
    const negated = part.startsWith('!');
    if (!fitsWildcard((negated ? part.slice(1) : part).toLowerCase(), name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

/** The fields of a line; undefined for comments, blank and malformed lines. */
export function splitLine(
  line: string,
): { marker: KnownHost['marker']; names: string; type: string; blob: string } | undefined {
  const fields = line.replace(/^[ \t]+|(?<![ \t\r\n])[ \t\r\n]+$/g, '').split(/[ \t]+/);
  let marker: KnownHost['marker'];
  if (fields[0]?.startsWith('@')) {
    if (fields[0] === '@revoked') marker = 'revoked';
    else if (fields[0] === '@cert-authority') marker = 'cert-authority';
    else return undefined;
    fields.shift();
  }
  const [names, type, blob] = fields;
  if (names === undefined || names === '' || names.startsWith('#')) return undefined;
  if (type === undefined || blob === undefined) return undefined;
  return { marker, names, type, blob };
}

function hostKeyFrom(type: string, base64: string): HostKey | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  const key = hostKeyOf(Buffer.from(base64, 'base64'));
  return key?.type === type && isWholeKey(key) ? key : undefined;
}

/** `|1|salt|HMAC-SHA1(salt, name)`, both in base64. */
function hashMatches(names: string, name: string): boolean {
  const [, version, salt, hash, rest] = names.split('|');
  if (version !== '1' || salt === undefined || hash === undefined || rest !== undefined) return false;
  const expected = Buffer.from(hash, 'base64');
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
