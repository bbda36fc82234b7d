import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { messageOf } from '../core/errors.js';
import { Secret } from '../core/secret.js';
import { type Environment, expandHome, shownPath } from './paths.js';
import { fault } from './place.js';
import type { VaultPassword } from './vault.js';

export interface VaultPasswordSources {
  /** As `--vault-password-file` names them; their id is `default`. */
  readonly files?: readonly string[];
  /** As `--vault-id` has them: `prod@file`, `prod@prompt`, `file`. */
  readonly ids?: readonly string[];
  readonly env: Environment;
  readonly cwd: string;
  /** Asks a person; undefined where nobody is there to answer. */
  readonly prompt?: ((id: string) => Promise<Secret>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The vault passwords that flags and the environment (`ANSIBLE_VAULT_IDENTITY_LIST`, `ANSIBLE_VAULT_PASSWORD_FILE`)
 * name. A password file that is executable is run, and prints the password; one whose name ends in `-client` is told
 * the id, as Ansible does.
 * @throws StateError `inventory.vault-password-file`
 */
export async function readVaultPasswords(sources: VaultPasswordSources): Promise<VaultPassword[]> {
  const { files = [], ids = [], env } = sources;
  const listed = [...ids, ...(env['ANSIBLE_VAULT_IDENTITY_LIST'] ?? '').split(',')].map((one) => one.trim());
  const passwordFiles = [...files, env['ANSIBLE_VAULT_PASSWORD_FILE'] ?? ''];
  const passwords: VaultPassword[] = [];
  for (const text of listed) {
    if (text === '') continue;
    const at = text.lastIndexOf('@');
    const id = at > 0 ? text.slice(0, at) : 'default';
    passwords.push({ id, password: await passwordFrom(text.slice(at + 1), id, sources) });
  }
  for (const file of passwordFiles) {
    if (file !== '')
      passwords.push({ id: 'default', password: await passwordFrom(file, 'default', sources) });
  }
  return passwords;
}

async function passwordFrom(source: string, id: string, options: VaultPasswordSources): Promise<Secret> {
  const { env, cwd, prompt } = options;
  if (source === 'prompt' || source === 'prompt_ask_vault_pass') {
    if (prompt !== undefined) return prompt(id);
    throw unusable(`The vault password "${id}" is to be asked for, and nobody is there to answer`);
  }
  const path = resolve(cwd, expandHome(source, env));
  const text = (await isExecutable(path)) ? await run(path, id, options) : await read(path, cwd);
  if (text !== '') return new Secret(text);
  throw unusable(`The vault password file ${shownPath(path, cwd)} is empty`);
}

async function read(path: string, cwd: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    throw unusable(`The vault password file ${shownPath(path, cwd)} cannot be read`, cause);
  }
}

function run(path: string, id: string, { cwd, env, signal }: VaultPasswordSources): Promise<string> {
  const args = /-client(?:\.[^.]*)?$/.test(basename(path)) ? ['--vault-id', id] : [];
  return new Promise((done, reject) => {
    execFile(path, args, { cwd, env, signal, encoding: 'utf8', timeout: 60_000 }, (error, stdout) => {
      if (error === null) done(stdout.replace(/^[\r\n]+|(?<![\r\n])[\r\n]+$/g, ''));
      else if (signal?.aborted === true) reject(error);
      // What it printed may be the password, or half of it: only the exit status is told.
      else
        reject(
          unusable(`The vault password script ${shownPath(path, cwd)} failed (${error.code ?? 'killed'})`),
        );
    });
  });
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function unusable(what: string, cause?: unknown): Error {
  return fault({
    code: 'vault-password-file',
    what,
    next: 'check the file that --vault-password-file, --vault-id or ANSIBLE_VAULT_PASSWORD_FILE names',
    ...(cause !== undefined && { expected: messageOf(cause), cause }),
  });
}
