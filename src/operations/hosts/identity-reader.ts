import { identitiesFromFile, type NamedIdentity } from '../../archive/identities.js';
import { StateError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';

/** Reads files of identities at first use, each once, so that a passphrase is asked for one time in a run. */
export class IdentityReader {
  readonly #passphrase: ((path: string) => Promise<Secret>) | undefined;
  readonly #read = new Map<string, Promise<readonly NamedIdentity[]>>();

  constructor(passphrase: ((path: string) => Promise<Secret>) | undefined) {
    this.#passphrase = passphrase;
  }

  /** @throws StateError `identity.*`, `key-file.*` */
  of(path: string): Promise<readonly NamedIdentity[]> {
    const known = this.#read.get(path);
    if (known !== undefined) return known;
    const reading = identitiesFromFile(
      path,
      this.#passphrase === undefined ? {} : { passphrase: this.#passphrase },
    );
    this.#read.set(path, reading);
    return reading;
  }
}

/** An error of a wrong key, with whom the sidecar of the snapshot names; any other error as it is. */
export function withRecipients(error: unknown, recipients: readonly string[]): unknown {
  if (!(error instanceof StateError) || error.code !== 'archive.no-identity') return error;
  return new StateError({
    ...error.facts(),
    why: `${error.why}; its sidecar names as recipients: ${recipients.join(', ')}`,
    next: 'name the private key of one of them with coolify_backup_identity_path; "coolify-state keys" tells which opens what',
  });
}
