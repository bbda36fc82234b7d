import { type Paths, readArguments, type SshArguments } from './arguments.js';
import { parseJumpHosts } from './jump-hosts.js';
import type { Found, JumpHost } from './options.js';
import { type ConfigPlace, configFault } from './place.js';
import { shellWords } from './shell-words.js';

/** A jump host that a `ProxyCommand` of the form `ssh -W %h:%p host` means, with the options it gives for it. */
export interface CommandJump {
  readonly host: JumpHost;
  readonly args: SshArguments;
}

/**
 * Understands a `ProxyCommand` that only runs ssh to pass the connection on; anything else would be a command to run
 * on this machine, and is refused.
 * @param expand fills in the tokens of one word
 * @throws StateError `ssh-config.proxy-command`
 */
export function jumpOf(
  command: Found<string>,
  target: { readonly host: string; readonly port: number },
  expand: (word: string) => string,
  paths: Paths,
): CommandJump {
  const words = plainWords(command.value);
  if (words === undefined) throw refused(command, 'it is more than a plain command');
  if (words[0] === 'exec') words.shift();
  const program = words.shift() ?? '';
  if (!/^(?:.*\/)?ssh$/.test(program))
    throw refused(command, `"${program}" would have to be run on this machine`);
  const args = readArguments(words.map(expand), command.at, paths);
  const { host, port } = target;
  if (args.forward !== `${host}:${port}` && args.forward !== `[${host}]:${port}`) {
    throw refused(command, 'only "ssh -W %h:%p" passes a connection on as it is');
  }
  const [destination, ...more] = args.operands;
  const [jump, ...others] = (destination === undefined ? undefined : parseJumpHosts(destination)) ?? [];
  if (jump === undefined || others.length > 0) throw refused(command, 'it names no host to go through');
  if (more.length > 0) throw refused(command, `it runs "${more.join(' ')}" there`);
  return { host: jump, args };
}

/** The words of a command in which the shell has nothing to do; errors may be thrown away. */
function plainWords(command: string): string[] | undefined {
  const text = command.trim().replace(/(?<!\s)\s+2>\s*\/dev\/null$/, '');
  return /[|&;<>()$`*?{}!#\n]/.test(text) ? undefined : shellWords(text);
}

function refused(command: Found<string>, why: string): Error {
  return configFault({
    code: 'proxy-command',
    place: command.at,
    text: command.text,
    what: 'ProxyCommand is not supported',
    why: `${why}, and no command is run to connect`,
    next: nextOf(command.at),
  });
}

function nextOf(at: ConfigPlace): string {
  const jump = 'use ProxyJump if the host stands behind another one that runs sshd';
  return at.kind === 'file'
    ? `${jump}, or set ansible_ssh_common_args: "-o ProxyCommand=none" if it can be reached directly`
    : `${jump}: -o ProxyJump=user@host`;
}
