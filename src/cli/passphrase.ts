import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { credentialIn } from '../core/credentials.js';
import { interrupted, StateError } from '../core/errors.js';
import { Secret } from '../core/secret.js';
import { printable } from '../core/terminal-text.js';
import { withoutLiveView } from './live/live-view.js';

/** The variable that answers for everybody who cannot be asked. */
const VARIABLE = 'COOLIFY_STATE_KEY_PASSPHRASE';

/** The passphrase of a key file: from the environment, or asked for on a terminal; undefined where neither is there. */
export async function passphraseOf(keyFile: string): Promise<Secret | undefined> {
  const given = credentialIn(process.env, VARIABLE);
  if (given !== undefined) return new Secret(given);
  return process.stdin.isTTY ? await askSecret(`Passphrase of ${printable(keyFile)}`) : undefined;
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

/** Asks on the terminal without showing what is typed. @throws StateError `cli.no-terminal` */
export async function askSecret(question: string): Promise<Secret> {
  if (!process.stdin.isTTY) {
    throw new StateError({
      kind: 'usage',
      code: 'cli.no-terminal',
      what: `${question} is to be typed, and there is no terminal to ask on`,
      next: 'give it by a file or the environment instead',
    });
  }
  return await withoutLiveView(() => typedSecret(question));
}

async function typedSecret(question: string): Promise<Secret> {
  // Typed characters are echoed by the interface to its output; this one shows none.
  const silent = new Writable({ write: (_chunk, _encoding, callback) => callback() });
  const prompt = createInterface({ input: process.stdin, output: silent, terminal: true });
  process.stderr.write(`${question}: `);
  try {
    return new Secret(
      await new Promise<string>((resolve, reject) => {
        prompt.once('close', () => reject(interrupted()));
        prompt.question('', resolve);
      }),
    );
  } finally {
    prompt.close();
    process.stderr.write('\n');
  }
}
