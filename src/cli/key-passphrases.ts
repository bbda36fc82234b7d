import type { Secret } from '../core/secret.js';
import { passphraseOf } from './passphrase.js';

/**
 * Passphrases of key files for hosts that connect at the same time: each is asked for once for all of them, and only
 * one question stands on the terminal at a time. A further attempt, after an answer that did not open the key, asks
 * again; it ends when the same answer comes, as it does from the environment.
 */
export function keyPassphrases(
  ask: (keyFile: string) => Promise<Secret | undefined> = passphraseOf,
): (keyFile: string, attempt: number) => Promise<Secret | undefined> {
  const answers = new Map<string, Promise<Secret | undefined>>();
  let last: Promise<unknown> = Promise.resolve();
  return async (keyFile, attempt) => {
    const known = (number: number): Promise<Secret | undefined> | undefined =>
      answers.get(`${number} ${keyFile}`);
    let answer = known(attempt);
    if (answer === undefined) {
      answer = last.then(() => ask(keyFile));
      last = answer.catch(() => undefined);
      answers.set(`${attempt} ${keyFile}`, answer);
    }
    const [secret, before] = await Promise.all([answer, known(attempt - 1)]);
    return secret?.reveal() === before?.reveal() ? undefined : secret;
  };
}
