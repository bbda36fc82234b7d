import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, messageOf, StateError } from './errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A secret by its name: from the environment, or else from the file of that name in `$CREDENTIALS_DIRECTORY`, which is
 * how systemd hands secrets to a service (systemd.exec(5), LoadCredential). Undefined where neither has it. One line
 * break at the end of a file does not count.
 *
 * @throws StateError `credential.unreadable`
 */
export function credentialIn(env: Environment, name: string): string | undefined {
  const given = env[name];
  if (given !== undefined && given !== '') return given;
  const folder = env['CREDENTIALS_DIRECTORY'];
  if (folder === undefined || folder === '') return undefined;
  try {
    return readFileSync(join(folder, name), 'utf8').replace(/\r?\n$/, '') || undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw new StateError({
      kind: 'usage',
      code: 'credential.unreadable',
      what: `The credential ${name} cannot be read from $CREDENTIALS_DIRECTORY`,
      why: messageOf(error),
      next: 'check LoadCredential of the service',
      cause: error,
    });
  }
}
