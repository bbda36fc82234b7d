import { sshFingerprint } from '../core/ssh-fingerprint.js';
import { WireReader } from '../core/ssh-wire.js';

/** A host's public key as it stands on the wire (RFC 4253, section 6.6). */
export interface HostKey {
  /** `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256`, ... */
  readonly type: string;
  /** The whole key blob, the type included. */
  readonly blob: Buffer;
  /** As `ssh-keygen -l` shows it: `SHA256:` and unpadded base64. */
  readonly fingerprint: string;
}

/** Reads the type from a key blob; the rest is opaque. Undefined when it is not a key blob. */
export function hostKeyOf(blob: Buffer): HostKey | undefined {
  if (blob.length < 4) return undefined;
  const length = blob.readUInt32BE(0);
  if (length === 0 || length > 64 || blob.length < 4 + length) return undefined;
  const type = blob.toString('latin1', 4, 4 + length);
  return /^[\x21-\x7e]+$/.test(type) ? { type, blob, fingerprint: sshFingerprint(blob) } : undefined;
}

/** Whether a key has all the fields of its type and nothing else. Keys of types that nobody knows have not. */
export function isWholeKey({ type, blob }: HostKey): boolean {
  const fields = FIELDS[type];
  if (fields === undefined) return false;
  const reader = new WireReader(blob);
  const values = Array.from({ length: 1 + fields }, () => reader.string());
  const sizeFits = type !== 'ssh-ed25519' || values[1]?.length === 32;
  return sizeFits && reader.atEnd && values.every((value) => value !== undefined);
}

/** How many fields follow the type (RFC 4253, 5656, 8709; PROTOCOL.u2f of OpenSSH). */
const FIELDS: Readonly<Record<string, number>> = {
  'ssh-ed25519': 1,
  'ssh-rsa': 2,
  'ssh-dss': 4,
  'ecdsa-sha2-nistp256': 2,
  'ecdsa-sha2-nistp384': 2,
  'ecdsa-sha2-nistp521': 2,
  'sk-ssh-ed25519@openssh.com': 2,
  'sk-ecdsa-sha2-nistp256@openssh.com': 3,
};

/** The name under which a host's keys stand in known_hosts: the bare name on port 22, else `[name]:port`. */
export function knownHostsName(address: string, port: number): string {
  const name = address.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}
