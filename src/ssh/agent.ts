import ssh2, {
  type IdentityCallback,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
} from 'ssh2';
import { messageOf } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import type { Identity } from './identities.js';

/**
 * The keys of a running agent. Keys that ssh2 cannot read (certificates, FIDO) are left out.
 * @throws Error when the agent does not answer
 */
export async function agentIdentities(socketPath: string | undefined): Promise<Identity[]> {
  if (socketPath === undefined) return [];
  const agent = new ssh2.OpenSSHAgent(socketPath);
  const keys = await new Promise<readonly unknown[]>((resolve, reject) => {
    agent.getIdentities((error, found) => (error ? reject(error) : resolve(found ?? [])));
  });
  return keys.filter(isParsedKey).map((key) => ({
    label: `agent key ${printable(key.comment) || key.type}`,
    key,
    sign: (data, hash) =>
      new Promise((resolve, reject) => {
        agent.sign(key, data, signingOptions(hash), (error, signature) => {
          if (signature) resolve(signature);
          else reject(error ?? new Error('the agent did not sign'));
        });
      }),
  }));
}

/**
 * Hands one key to ssh2, which takes keys that sign asynchronously only from an agent.
 * `onFailure` hears why a key that the server would have accepted could not sign.
 */
export class OneKeyAgent extends ssh2.BaseAgent<ParsedKey> {
  readonly #identity: Identity;
  readonly #onFailure: (why: string) => void;

  constructor(identity: Identity, onFailure: (why: string) => void) {
    super();
    this.#identity = identity;
    this.#onFailure = onFailure;
  }

  override getIdentities(callback: IdentityCallback<ParsedKey>): void {
    callback(null, [this.#identity.key]);
  }

  override sign(
    _key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const done = typeof options === 'function' ? options : callback;
    const hash = typeof options === 'function' ? undefined : options.hash;
    this.#identity.sign(data, hash).then(
      (signature) => done?.(null, signature),
      (error: unknown) => {
        this.#onFailure(messageOf(error));
        done?.(error instanceof Error ? error : new Error(messageOf(error)));
      },
    );
  }
}

function signingOptions(hash: string | undefined): SigningRequestOptions {
  return hash === 'sha256' || hash === 'sha512' ? { hash } : {};
}

function isParsedKey(value: unknown): value is ParsedKey {
  return typeof value === 'object' && value !== null && 'getPublicSSH' in value;
}
