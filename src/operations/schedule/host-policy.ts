import { readFile } from 'node:fs/promises';
import { backupCommands } from '../../coolify/backup-commands.js';
import { GATE_PATH, hostGate } from '../../coolify/host-gate.js';
import { instanceOf } from '../../coolify/instance.js';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import { openStateFolder } from '../../state/state-folder.js';
import { TOOL } from '../../tool.js';
import type { HostConfig } from '../hosts/host-config.js';

export interface PolicyOptions {
  readonly stateRoot: string;
  /** Of Coolify's database, where they are not those of the last generation, or `coolify`. */
  readonly database?: string | undefined;
  readonly databaseUser?: string | undefined;
}

/**
 * The script that lets through what a backup of this version, with the settings of this host, runs there. Needs no
 * connection.
 */
export async function gateOf(config: HostConfig, options: PolicyOptions): Promise<string> {
  const known = await databaseOf(config, options.stateRoot);
  const access = {
    container: config.layout.databaseContainer,
    database: options.database ?? known?.name ?? 'coolify',
    user: options.databaseUser ?? known?.user ?? 'coolify',
  };
  const commands = backupCommands({
    layout: config.layout,
    extraPaths: config.extraPaths,
    dumpCompression: config.dumpCompression,
    access,
  });
  return hostGate(commands, [
    `coolify-state-gate: an SSH key may take backups of ${printable(config.name)} with it, and nothing else.`,
    `Written by "${TOOL.name} host-policy" ${TOOL.version}. Make it anew after an update of ${TOOL.name}, and after a change`,
    'of coolify_extra_paths, coolify_data_path or the database in the inventory.',
    '',
    `Install it as root with mode 0755 at ${GATE_PATH}; then "${TOOL.name} host-policy`,
    '--authorized-keys" and, for another user than root, "--sudoers" give the lines that belong to it.',
  ]);
}

/**
 * The line for `~/.ssh/authorized_keys` of the login user: no terminal, no forwarding, and the gate for every command.
 * @param publicKey one line of a `.pub` file
 * @throws StateError `host-policy.key-invalid`
 */
export function authorizedKeysLine(publicKey: string, { user }: { readonly user: string }): string {
  const line = publicKey.trim();
  if (!/^[a-z0-9@.-]+ AAAA[A-Za-z0-9+/]+=*( [^\r\n]*)?$/.test(line)) {
    throw new StateError({
      kind: 'usage',
      code: 'host-policy.key-invalid',
      what: 'What was given is not one public key',
      why: 'such a line is "ssh-ed25519 AAAA... comment"',
      next: 'name the .pub file with --key',
    });
  }
  return `restrict,command="${user === 'root' ? GATE_PATH : `sudo -n ${GATE_PATH}`}" ${line}`;
}

/**
 * The whole sudo rule for a user who is not root: the gate, without arguments. What the client asked for reaches it in
 * the variable that sshd sets, and is judged by the gate alone.
 * @throws StateError `host-policy.user-odd`
 */
export function sudoersRule(user: string): string {
  // In capitals it would be an alias, or everybody.
  if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/.test(user) || /^[A-Z][A-Z0-9_]*$/.test(user)) {
    throw new StateError({
      kind: 'usage',
      code: 'host-policy.user-odd',
      what: `The user name ${JSON.stringify(printable(user))} cannot stand in sudoers as it is`,
      next: 'take a user whose name is made of small letters, digits, dots, dashes and underscores',
    });
  }
  return [
    `# Written by "${TOOL.name} host-policy". For /etc/sudoers.d/coolify-state, mode 0440; try it with "visudo -c".`,
    `Defaults!${GATE_PATH} env_keep += "SSH_ORIGINAL_COMMAND"`,
    `${user} ALL=(root) NOPASSWD: ${GATE_PATH} ""`,
  ].join('\n');
}

/**
 * The public half of the key that the inventory names for a host, or of the file that is given.
 * @throws StateError `host-policy.key-missing`
 */
export async function publicKeyFor(config: HostConfig, file: string | undefined): Promise<string> {
  const files =
    file === undefined ? config.endpoint.identityFiles.map((identity) => `${identity}.pub`) : [file];
  for (const one of files) {
    try {
      return await readFile(one, 'utf8');
    } catch {
      // The next may be there.
    }
  }
  throw new StateError({
    kind: 'usage',
    code: 'host-policy.key-missing',
    host: config.name,
    what: 'There is no public key to write the line for',
    why: files.length === 0 ? 'the inventory names no key file' : `${files.join(', ')} cannot be read`,
    next: 'name the .pub file with --key',
  });
}

/** What the last generation says of the database, if there is one. */
async function databaseOf(
  { name }: HostConfig,
  stateRoot: string,
): Promise<{ readonly name: string; readonly user: string } | undefined> {
  try {
    const state = await openStateFolder(stateRoot);
    const current = await state.generations(name).current();
    return current === undefined ? undefined : instanceOf(current.manifest).database;
  } catch {
    return undefined;
  }
}
