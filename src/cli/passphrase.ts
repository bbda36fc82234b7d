import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { StateError } from '../core/errors.js';
import { Secret } from '../core/secret.js';
import { printable } from '../core/terminal-text.js';

/** The variable that answers for everybody who cannot be asked. */
const VARIABLE = 'COOLIFY_STATE_KEY_PASSPHRASE';

/** The passphrase of a key file: from the environment, or asked for on a terminal; undefined where neither is there. */
export async function passphraseOf(keyFile: string): Promise<Secret | undefined> {
  const given = process.env[VARIABLE];
  if (given !== undefined && given !== '') return new Secret(given);
  if (!process.stdin.isTTY) return undefined;
  // Typed characters are echoed by the interface to its output; this one shows none.
  const silent = new Writable({ write: (_chunk, _encoding, callback) => callback() });
  const prompt = createInterface({ input: process.stdin, output: silent, terminal: true });
  process.stderr.write(`Passphrase of ${printable(keyFile)}: `);
  try {
    return new Secret(await new Promise<string>((resolve) => prompt.question('', resolve)));
  } finally {
    prompt.close();
    process.stderr.write('\n');
  }
}

/** The same for those who cannot go on without. @throws StateError `identity.passphrase-needed` */
export async function requiredPassphraseOf(keyFile: string): Promise<Secret> {
  const passphrase = await passphraseOf(keyFile);
  if (passphrase !== undefined) return passphrase;
  throw new StateError({
    kind: 'usage',
    code: 'identity.passphrase-needed',
    what: `${printable(keyFile)} is protected by a passphrase`,
    why: 'there is no terminal to ask on',
    next: `set ${VARIABLE}`,
  });
}
