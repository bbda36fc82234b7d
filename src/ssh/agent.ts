import ssh2, {
  type IdentityCallback,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
} from 'ssh2';
import { messageOf } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import {
  type AgentKey,
  identitiesRequest,
  readIdentities,
  readSignature,
  signRequest,
} from './agent-protocol.js';
import { askAgent } from './agent-socket.js';
import type { Identity } from './identities.js';

export interface AgentIdentities {
  readonly identities: readonly Identity[];
  /** One sentence for each key that cannot be offered. */
  readonly skipped: readonly string[];
}

/**
 * The keys of a running agent. Certificates and hardware keys (FIDO) are left out, because ssh2 cannot offer them.
 * @throws StateError `ssh.agent-missing`, `ssh.agent-answer`, `ssh.agent-refused`, `ssh.agent-silent`; the signal's
 * reason
 */
export async function agentIdentities(socketPath: string, signal: AbortSignal): Promise<AgentIdentities> {
  const answer = await askAgent(socketPath, identitiesRequest(), { signal, limitMs: LIST_LIMIT_MS });
  const identities: Identity[] = [];
  const skipped: string[] = [];
  for (const found of readIdentities(answer)) {
    const label = `agent key ${printable(found.comment) || printable(found.type)}`;
    const key = parsed(found);
    if (!key) {
      skipped.push(`${label}: keys of type ${printable(found.type)} cannot be used`);
      continue;
    }
    identities.push({
      label,
      key,
      sign: async (data, hash) =>
        readSignature(
          await askAgent(socketPath, signRequest(found.blob, data, hash), { signal, limitMs: SIGN_LIMIT_MS }),
          found.type,
          hash,
        ),
    });
  }
  return { identities, skipped };
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

/** An agent answers at once, unless it is broken. */
const LIST_LIMIT_MS = 10_000;
/** Some ask a person before they sign; sshd gives up at the same time. */
const SIGN_LIMIT_MS = 120_000;

/** ssh2 would read a certificate as the plain key in it, which the server may not know. */
function parsed({ type, blob }: AgentKey): ParsedKey | undefined {
  if (!OFFERED.includes(type)) return undefined;
  const key = ssh2.utils.parseKey(`${type} ${blob.toString('base64')}`);
  if (key instanceof Error) return undefined;
  const first = Array.isArray(key) ? key[0] : key;
  return first?.getPublicSSH().equals(blob) === true ? first : undefined;
}

const OFFERED: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
];
