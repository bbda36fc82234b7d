import { homedir, hostname, userInfo } from 'node:os';
import type { Entry, Settings } from '../../coolify/settings/settings.js';
import { StateError } from '../../core/errors.js';
import { choiceOf, parseArguments, type SshArguments } from '../../ssh/config/arguments.js';
import { ConfigFiles } from '../../ssh/config/config-files.js';
import { type ConfigLine, madeLine } from '../../ssh/config/line.js';
import { type ResolveContext, type ResolvedHost, resolveHost } from '../../ssh/config/resolve.js';

/** The machine that ssh would run on. Files of the configuration are read once for all hosts. */
export type SshSurroundings = Pick<ResolveContext, 'machine' | 'files' | 'systemFolder' | 'cwd'>;

export function sshSurroundings(): SshSurroundings {
  const { username, uid } = localUser();
  const home = homedir();
  return {
    machine: { home, localUser: username, uid, hostname: hostname(), env: process.env },
    files: new ConfigFiles(home),
    systemFolder: '/etc/ssh',
    cwd: process.cwd(),
  };
}

/** A user that this machine does not list, as in a container that is run under a number, goes by the number. */
function localUser(): { readonly username: string; readonly uid: number } {
  try {
    return userInfo();
  } catch {
    const uid = process.getuid?.() ?? -1;
    return { username: process.env['USER'] ?? String(uid), uid };
  }
}

/**
 * What ssh would do for a host, called with its settings as Ansible calls it: `ansible_ssh_args`, then port, key and
 * user as far as they are set, then `ansible_ssh_common_args` and `ansible_ssh_extra_args`, then the configuration.
 * @throws StateError `ssh-config.*` (kind `usage`)
 */
export function resolveSsh(host: string, settings: Settings, surroundings: SshSurroundings): ResolvedHost {
  const { sshArgs, sshCommonArgs, sshExtraArgs, sshConfig } = settings;
  const paths = { cwd: surroundings.cwd, home: surroundings.machine.home };
  try {
    const [first, common, extra] = [sshArgs, sshCommonArgs, sshExtraArgs].map((entry) =>
      argumentsOf(entry, paths),
    );
    const all = [first, common, extra].filter((args) => args !== undefined);
    const lines = [
      ...(first?.lines ?? []),
      ...settingLines(settings),
      ...(common?.lines ?? []),
      ...(extra?.lines ?? []),
    ];
    const args: SshArguments = {
      lines,
      choice: all.findLast(({ choice }) => choice !== undefined)?.choice,
      forward: undefined,
      operands: [],
    };
    return resolveHost(settings.host.value, args, {
      ...surroundings,
      defaultUser: settings.user.value,
      choice: sshConfig.value === undefined ? 'usual' : choiceOf(sshConfig.value, paths),
      everywhere: trustLines(settings),
    });
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    const hidden = [sshArgs, sshCommonArgs, sshExtraArgs].filter((entry) => entry.hidden === true);
    throw (hidden.length === 0 ? error : untold(error, hidden)).onHost(host);
  }
}

function argumentsOf(
  { name, value }: Entry<string | undefined>,
  paths: { readonly cwd: string; readonly home: string },
): SshArguments | undefined {
  return value === undefined ? undefined : parseArguments(value, name, paths);
}

/** What Ansible gives to ssh as `-o`, when it is set. */
function settingLines({ port, privateKeyFile, user }: Settings): ConfigLine[] {
  return [
    ...lineOf('Port', port),
    ...lineOf('IdentityFile', { ...privateKeyFile, value: privateKeyFile.value?.replaceAll('%', '%%') }),
    ...lineOf('User', { ...user, value: user.value.replaceAll('%', '%%') }),
  ];
}

/** What is said here about trust in host keys counts for the hosts on the way as well. */
function trustLines({ knownHostsFile, hostKeyChecking }: Settings): ConfigLine[] {
  const checking = hostKeyChecking.value === 'strict' ? 'yes' : hostKeyChecking.value;
  const file = knownHostsFile.value?.replaceAll('%', '%%');
  return [
    ...lineOf('StrictHostKeyChecking', { ...hostKeyChecking, value: checking }),
    ...lineOf('UserKnownHostsFile', { ...knownHostsFile, value: file }),
    ...(file === undefined ? [] : lineOf('GlobalKnownHostsFile', { ...knownHostsFile, value: 'none' })),
  ];
}

function lineOf(keyword: string, { name, value, source }: Entry<string | number | undefined>): ConfigLine[] {
  if (value === undefined || source.kind === 'default') return [];
  return [madeLine(keyword, [String(value)], { kind: 'setting', name })];
}

/** Arguments that came out of a vault are not shown, and whatever an error quotes may be of them. */
function untold(error: StateError, hidden: readonly Entry<unknown>[]): StateError {
  const { kind, code, host } = error;
  return new StateError({
    kind,
    code,
    what: 'The configuration of ssh is not understood',
    why: `${hidden.map(({ name }) => name).join(', ')} came out of a vault, so that nothing of it is shown`,
    next: 'keep the arguments out of the vault to see what is wrong',
    ...(host !== undefined && { host }),
  });
}
