import { verifySignature } from '../core/ssh-signature.js';
import { string, WireReader } from '../core/ssh-wire.js';
import { type HostKey, hostKeyOf } from './host-key.js';

/**
 * A host certificate (PROTOCOL.certkeys of OpenSSH): an authority's word that a key belongs to some names. It is no
 * secret and need not come over a channel that is trusted: what counts is the authority's signature, and that the
 * host proves later to have the key that is certified.
 */
export interface HostCertificate {
  /** The plain key that is certified. */
  readonly key: HostKey;
  readonly authority: HostKey;
  /** `host` or `user`, as certificates are not interchangeable. */
  readonly purpose: 'host' | 'user' | 'other';
  /** What the authority calls it, for messages. */
  readonly keyId: string;
  /** Names it is for; without any it is for every host. */
  readonly principals: readonly string[];
  /** Seconds since 1970: from the first up to, and without, the second. */
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  /** Restrictions that whoever does not know them must not pass over. */
  readonly criticalOptions: readonly string[];
  readonly signedPart: Buffer;
  readonly signature: Buffer;
}

/** Reads a certificate in wire form; undefined for anything else. Never throws. */
export function readHostCertificate(blob: Buffer): HostCertificate | undefined {
  const reader = new WireReader(blob);
  const type = reader.text();
  const plainType = PLAIN_TYPES.get(type ?? '');
  if (plainType === undefined || !reader.string()) return undefined;
  const parts = Array.from({ length: plainType === 'ssh-ed25519' ? 1 : 2 }, () => reader.string());
  const serial = reader.uint64();
  const purpose = reader.uint32();
  const keyId = reader.string();
  const principals = strings(reader.string());
  const validAfter = reader.uint64();
  const validBefore = reader.uint64();
  const critical = strings(reader.string());
  const extensions = reader.string();
  const reserved = reader.string();
  const authority = keyOf(reader.string());
  const signedPart = blob.subarray(0, reader.position);
  const signature = reader.string();
  const fields = parts.filter((part) => part !== undefined);
  if (fields.length !== parts.length || serial === undefined || !extensions || !reserved) return undefined;
  if (!keyId || !principals || !critical || !authority || !signature || !reader.atEnd) return undefined;
  if (validAfter === undefined || validBefore === undefined) return undefined;
  const key = keyOf(Buffer.concat([string(plainType), ...fields.map(string)]));
  if (!key) return undefined;
  return {
    key,
    authority,
    purpose: purpose === 2 ? 'host' : purpose === 1 ? 'user' : 'other',
    keyId: keyId.toString('utf8'),
    principals,
    validAfter,
    validBefore,
    // Names and values in turn.
    criticalOptions: critical.filter((_, index) => index % 2 === 0),
    signedPart,
    signature,
  };
}

/**
 * Why a certificate does not vouch for a host, in a clause; undefined when it does. Whether its authority is to be
 * believed is another question.
 * @param name the host's name or alias, without a port
 * @param now seconds since 1970
 */
export function certificateProblem(
  certificate: HostCertificate,
  name: string,
  now: number,
): string | undefined {
  const { purpose, principals, validAfter, validBefore, criticalOptions } = certificate;
  if (!verifySignature(certificate.authority.blob, certificate.signedPart, certificate.signature)) {
    return 'its signature is not right, or of a kind that is not supported';
  }
  if (purpose !== 'host') return 'it is not for a host';
  const time = BigInt(Math.floor(now));
  if (time < validAfter) return `it is valid only from ${date(validAfter)}`;
  if (time >= validBefore) return `it has expired on ${date(validBefore)}`;
  if (principals.length > 0 && !principals.includes(name.toLowerCase())) {
    return `it is for ${principals.join(', ')}, not for ${name}`;
  }
  if (criticalOptions.length > 0)
    return `it has restrictions that are not known: ${criticalOptions.join(', ')}`;
  return undefined;
}

/** Algorithms that ask a host for a certificate, the preferred one first. */
export const CERTIFICATE_ALGORITHMS = [
  'ssh-ed25519-cert-v01@openssh.com',
  'ecdsa-sha2-nistp256-cert-v01@openssh.com',
  'ecdsa-sha2-nistp384-cert-v01@openssh.com',
  'ecdsa-sha2-nistp521-cert-v01@openssh.com',
  'rsa-sha2-512-cert-v01@openssh.com',
  'rsa-sha2-256-cert-v01@openssh.com',
] as const;

/** The type that a certificate bears, and that of the key in it. */
const PLAIN_TYPES: ReadonlyMap<string, string> = new Map(
  ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa'].map(
    (type) => [`${type}-cert-v01@openssh.com`, type],
  ),
);

function keyOf(blob: Buffer | undefined): HostKey | undefined {
  return blob && hostKeyOf(blob);
}

/** A string that consists of strings. */
function strings(packed: Buffer | undefined): string[] | undefined {
  if (!packed) return undefined;
  const reader = new WireReader(packed);
  const list: string[] = [];
  while (!reader.atEnd) {
    const entry = reader.string();
    if (!entry) return undefined;
    list.push(entry.toString('utf8'));
  }
  return list;
}

function date(seconds: bigint): string {
  const milliseconds = Number(seconds) * 1000;
  return milliseconds > 8.64e15 ? 'a day that never comes' : new Date(milliseconds).toISOString();
}
