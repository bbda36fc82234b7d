import { createDecipheriv, createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { StateError } from '../core/errors.js';
import type { Secret } from '../core/secret.js';
import type { EnvFile } from './env-file.js';

/** How every payload begins: base64 of `{"iv":`. */
export const PAYLOAD_PREFIX = 'eyJpdiI6';

/** Why a payload could not be opened, in Laravel's own terms. */
export type PayloadFault = 'payload-invalid' | 'mac-invalid';

export type Opened =
  | { readonly ok: true; readonly plain: Buffer }
  | { readonly ok: false; readonly fault: PayloadFault };

/**
 * Laravel's `APP_KEY` and what it opens: AES-256-CBC under an HMAC-SHA256 that is checked first.
 * Source: Illuminate\Encryption\Encrypter; Coolify's config/app.php sets the cipher.
 */
export class AppKey {
  readonly #key: Buffer;
  /** The line as Coolify writes it: `base64:` and 32 bytes. */
  readonly text: Secret;

  private constructor(key: Buffer, text: Secret) {
    this.#key = key;
    this.text = text;
  }

  /** @throws StateError `app-key.invalid` (kind `proof`): a key of another shape opens nothing. */
  static parse(text: Secret, where: string): AppKey {
    const value = text.reveal().trim();
    const encoded = value.startsWith('base64:') ? value.slice('base64:'.length) : undefined;
    const key = encoded === undefined ? Buffer.alloc(0) : Buffer.from(encoded, 'base64');
    if (key.length !== 32 || unpadded(encoded ?? '') !== unpadded(key.toString('base64'))) {
      throw new StateError({
        kind: 'proof',
        code: 'app-key.invalid',
        what: `The APP_KEY in ${where} is not usable`,
        why: value === '' ? 'it is empty' : 'it is not "base64:" followed by 32 bytes',
        next: 'find the key that Coolify was installed with; older copies stand in /data/coolify/source/.env-*',
      });
    }
    return new AppKey(key, text);
  }

  /** Tells keys apart without giving them away (a hash of 256 random bits). */
  get fingerprint(): string {
    return `SHA256:${unpadded(createHash('sha256').update(this.#key).digest('base64'))}`;
  }

  /** Opens a payload as it stands in the database. */
  open(payload: string): Opened {
    const parts = parsePayload(payload);
    if (parts === undefined) return { ok: false, fault: 'payload-invalid' };
    const mac = createHmac('sha256', this.#key)
      .update(parts.iv + parts.value)
      .digest();
    if (mac.length !== parts.mac.length || !timingSafeEqual(mac, parts.mac)) {
      return { ok: false, fault: 'mac-invalid' };
    }
    try {
      const decipher = createDecipheriv('aes-256-cbc', this.#key, Buffer.from(parts.iv, 'base64'));
      return { ok: true, plain: Buffer.concat([decipher.update(parts.value, 'base64'), decipher.final()]) };
    } catch {
      return { ok: false, fault: 'payload-invalid' };
    }
  }
}

/** The keys that open an instance's data: APP_KEY, then those of APP_PREVIOUS_KEYS, tried in this order. */
export class KeyRing {
  readonly current: AppKey;
  readonly #keys: readonly AppKey[];

  constructor(current: AppKey, previous: readonly AppKey[]) {
    this.current = current;
    this.#keys = [current, ...previous];
  }

  /**
   * The fault of the current key is told when none opens the payload. `key` is the position of the one that did:
   * 0 for APP_KEY.
   */
  open(payload: string): Opened & { readonly key?: number } {
    let first: Opened | undefined;
    for (const [index, key] of this.#keys.entries()) {
      const opened = key.open(payload);
      if (opened.ok) return { ...opened, key: index };
      first ??= opened;
    }
    return first ?? { ok: false, fault: 'payload-invalid' };
  }
}

/** @throws StateError `app-key.invalid` */
export function keyRingOf(env: EnvFile, where: string, secret: (text: string) => Secret): KeyRing {
  const current = AppKey.parse(secret(env.get('APP_KEY') ?? ''), where);
  const previous = (env.get('APP_PREVIOUS_KEYS') ?? '')
    .split(',')
    .filter((key) => key.trim() !== '')
    .map((key) => AppKey.parse(secret(key), `${where} (APP_PREVIOUS_KEYS)`));
  return new KeyRing(current, previous);
}

function unpadded(base64: string): string {
  return base64.replace(/={1,2}$/, '');
}

/** The text in PHP's serialised form of a string, `s:5:"hello";`; other text is returned as it is. */
export function unserialised(plain: Buffer): Buffer {
  const head = /^s:(\d{1,10}):"/.exec(plain.subarray(0, 16).toString('latin1'));
  if (head?.[1] === undefined) return plain;
  const start = head[0].length;
  const end = start + Number(head[1]);
  return plain.subarray(end).toString('latin1') === '";' ? plain.subarray(start, end) : plain;
}

function parsePayload(payload: string): { iv: string; value: string; mac: Buffer } | undefined {
  let data: unknown;
  try {
    data = JSON.parse(Buffer.from(payload, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
  if (
    typeof data !== 'object' ||
    data === null ||
    !('iv' in data) ||
    !('value' in data) ||
    !('mac' in data)
  ) {
    return undefined;
  }
  const { iv, value, mac } = data;
  if (typeof iv !== 'string' || typeof value !== 'string' || typeof mac !== 'string') return undefined;
  if (Buffer.from(iv, 'base64').length !== 16 || !/^[0-9a-f]{64}$/.test(mac)) return undefined;
  return { iv, value, mac: Buffer.from(mac, 'hex') };
}
