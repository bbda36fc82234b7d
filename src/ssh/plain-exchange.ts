import { createECDH, randomBytes } from 'node:crypto';
import { string, uint32, WireReader } from '../core/ssh-wire.js';

/**
 * The beginning of an SSH conversation (RFC 4253), as far as it goes in the clear: versions, the two lists of
 * algorithms, and the reply that carries the host's key or certificate. No secret is agreed on and nothing that is
 * read here is to be believed as such; ssh-keyscan does the same.
 */
export class PlainExchange {
  readonly #wanted: readonly string[];
  #received = Buffer.alloc(0);
  #greeted = false;

  /** @param wanted host key algorithms that are of interest, by preference */
  constructor(wanted: readonly string[]) {
    this.#wanted = wanted;
  }

  /** Whether the other side has told its version. */
  get greeted(): boolean {
    return this.#greeted;
  }

  /** What to say first. */
  start(): Buffer {
    return Buffer.concat([Buffer.from(VERSION), packet(kexInit(this.#wanted))]);
  }

  /**
   * Takes what the other side said.
   * @returns what to say next; the host's key once it has come; that the host has none of the wanted kinds, or says
   * something that is not SSH; or undefined, when there is more to hear
   */
  hear(chunk: Buffer): { readonly send: Buffer } | { readonly hostKey: Buffer } | 'nothing' | undefined {
    this.#received = Buffer.concat([this.#received, chunk]);
    if (!this.#greeted && !this.#skipGreeting()) {
      return this.#received.length > GREETING_LIMIT ? 'nothing' : undefined;
    }
    for (;;) {
      if (this.#received.length < 4) return undefined;
      const length = this.#received.readUInt32BE(0);
      if (length < 2 || length > PACKET_LIMIT) return 'nothing';
      if (this.#received.length < 4 + length) return undefined;
      const padding = this.#received[4] ?? 0;
      const payload = this.#received.subarray(5, Math.max(5, 4 + length - padding));
      this.#received = this.#received.subarray(4 + length);
      const outcome = this.#onPayload(payload);
      if (outcome) return outcome;
    }
  }

  /** Lines before the version are allowed; whether the version has come. */
  #skipGreeting(): boolean {
    const text = this.#received.toString('latin1');
    const match = /^SSH-(?:2\.0|1\.99)-[^\n]*\n/m.exec(text);
    if (!match) return false;
    this.#received = this.#received.subarray(match.index + match[0].length);
    this.#greeted = true;
    return true;
  }

  #onPayload(
    payload: Buffer,
  ): { readonly send: Buffer } | { readonly hostKey: Buffer } | 'nothing' | undefined {
    const reader = new WireReader(payload);
    const type = reader.byte();
    if (type === MESSAGE.kexInit) {
      reader.bytes(16);
      const [methods, keys] = [reader.text(), reader.text()].map((list) => list?.split(','));
      if (!this.#wanted.some((algorithm) => keys?.includes(algorithm))) return 'nothing';
      const method = METHODS.find((name) => methods?.includes(name));
      if (method === undefined) return 'nothing';
      return { send: packet(Buffer.concat([Buffer.from([MESSAGE.ecdhInit]), string(publicHalf(method))])) };
    }
    if (type === MESSAGE.ecdhReply) {
      const hostKey = reader.string();
      return hostKey ? { hostKey } : 'nothing';
    }
    return type === MESSAGE.disconnect ? 'nothing' : undefined;
  }
}

const VERSION = 'SSH-2.0-coolify_state\r\n';
const MESSAGE = { disconnect: 1, kexInit: 20, ecdhInit: 30, ecdhReply: 31 };
const GREETING_LIMIT = 64 * 1024;
const PACKET_LIMIT = 256 * 1024;

/** Elliptic curves alone: their messages are all alike (RFC 5656, RFC 8731). */
const METHODS = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
] as const;

/** A point for the exchange. Nobody keeps its private half: the answer is not used to agree on a key. */
function publicHalf(method: (typeof METHODS)[number]): Buffer {
  if (method === 'ecdh-sha2-nistp256') return createECDH('prime256v1').generateKeys();
  if (method === 'ecdh-sha2-nistp384') return createECDH('secp384r1').generateKeys();
  if (method === 'ecdh-sha2-nistp521') return createECDH('secp521r1').generateKeys();
  return randomBytes(32);
}

function kexInit(hostKeys: readonly string[]): Buffer {
  const both = (list: string): Buffer[] => [string(list), string(list)];
  return Buffer.concat([
    Buffer.from([MESSAGE.kexInit]),
    randomBytes(16),
    string(METHODS.join(',')),
    string(hostKeys.join(',')),
    ...both(
      'aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes256-ctr',
    ),
    ...both('hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512'),
    ...both('none'),
    ...both(''),
    Buffer.from([0]),
    uint32(0),
  ]);
}

/** RFC 4253, section 6, without a cipher and a code: blocks of eight bytes, at least four of padding. */
function packet(payload: Buffer): Buffer {
  const padding = 8 + 4 - ((5 + payload.length + 4) % 8);
  const head = Buffer.concat([uint32(1 + payload.length + padding), Buffer.from([padding])]);
  return Buffer.concat([head, payload, Buffer.alloc(padding)]);
}
