import { createDecipheriv, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { Secret } from '../core/secret.js';
import { fault, faultAt, type Place } from './place.js';

/** A password for vault values, under the id that their header may name. */
export interface VaultPassword {
  /** `default` when none was given. */
  readonly id: string;
  readonly password: Secret;
}

const HEADER = '$ANSIBLE_VAULT';

/** Whether text is a vault envelope: Ansible knows a file by its first bytes. */
export function isVault(text: string): boolean {
  return text.startsWith(HEADER);
}

/** Opens vault values and files. The key is derived anew for each (PBKDF2, some milliseconds), as each has its salt. */
export class Vault {
  constructor(private readonly passwords: readonly VaultPassword[]) {}

  /**
   * Opens an envelope: the password with the id of its header first, then every other.
   * @param what what is being opened, for the error
   * @throws StateError `inventory.vault-format`, `inventory.vault-password-missing`, `inventory.vault-password-wrong`
   */
  open(envelope: string, what: string, at: Place | undefined): Secret {
    const wrong = (code: string, why: string, next?: string): Error => {
      const facts = { code, what: `${what} cannot be opened: ${why}`, next };
      return at === undefined ? fault(facts) : faultAt(at, facts);
    };
    const { body, id } = parseEnvelope(envelope, (why) => wrong('vault-format', why));
    if (this.passwords.length === 0) {
      throw wrong(
        'vault-password-missing',
        `no vault password was given${id === undefined ? '' : ` (its id is "${id}")`}`,
        'Give one with --vault-password-file FILE or ANSIBLE_VAULT_PASSWORD_FILE',
      );
    }
    const order = [...this.passwords].sort((a, b) => Number(b.id === id) - Number(a.id === id));
    for (const { password } of order) {
      const plain = decrypt(body, password);
      if (plain !== undefined) return new Secret(plain);
    }
    const tried = order.map((one) => one.id).join(', ');
    throw wrong(
      'vault-password-wrong',
      `none of the vault passwords fits (tried: ${tried})`,
      'Name the file with the right one: --vault-password-file FILE, or --vault-id ID@FILE',
    );
  }
}

interface Body {
  readonly salt: Buffer;
  readonly mac: Buffer;
  readonly ciphertext: Buffer;
}

/** The format is Ansible's: a header line, then hex of three lines of hex. Source: its user guide, "Vault format". */
function parseEnvelope(
  envelope: string,
  wrong: (why: string) => Error,
): { readonly body: Body; readonly id: string | undefined } {
  const [header = '', ...lines] = envelope.split(/\r?\n/).map((line) => line.trim());
  const [magic, version, cipher, id] = header.split(';').map((part) => part.trim());
  if (magic !== HEADER) throw wrong(`it does not begin with ${HEADER}`);
  if (version !== '1.1' && version !== '1.2')
    throw wrong(`its format ${version ?? ''} is unknown (1.1 and 1.2 are known)`);
  if (cipher !== 'AES256') throw wrong(`its cipher ${cipher ?? ''} is unknown (AES256 is known)`);
  const outer = hex(lines.join(''));
  const [salt, mac, ciphertext] = (outer?.toString('latin1') ?? '').split('\n').map(hex);
  if (salt === undefined || mac === undefined || ciphertext === undefined || ciphertext.length % 16 !== 0) {
    throw wrong('it is damaged or cut off');
  }
  return { body: { salt, mac, ciphertext }, id: id === '' ? undefined : id };
}

function hex(text: string): Buffer | undefined {
  return text.length > 0 && text.length % 2 === 0 && /^[\da-fA-F]+$/.test(text)
    ? Buffer.from(text, 'hex')
    : undefined;
}

/** AES-256-CTR under HMAC-SHA256; undefined when the password does not fit. */
function decrypt({ salt, mac, ciphertext }: Body, password: Secret): string | undefined {
  const derived = pbkdf2Sync(password.reveal(), salt, 10_000, 80, 'sha256');
  const expected = createHmac('sha256', derived.subarray(32, 64)).update(ciphertext).digest();
  if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) return undefined;
  const cipher = createDecipheriv('aes-256-ctr', derived.subarray(0, 32), derived.subarray(64, 80));
  const padded = Buffer.concat([cipher.update(ciphertext), cipher.final()]);
  const padding = padded.at(-1) ?? 0;
  return padded.subarray(0, padded.length - padding).toString('utf8');
}
