import { isIP, SocketAddress } from 'node:net';
import { isAbsolute, join, resolve } from 'node:path';
import { isNone } from './keyword-values.js';
import type { Found } from './options.js';
import {
  type ConnectionFacts,
  filled,
  fillInHome,
  type Machine,
  machineTokens,
  type Tokens,
} from './tokens.js';

/** Values of the configuration with `~`, tokens and variables filled in, or what ssh takes without them. */

/** @throws StateError `ssh-config.invalid` */
export function userName(
  user: Found<string> | undefined,
  fallback: string,
  { original, host, port }: Pick<ConnectionFacts, 'original' | 'host' | 'port'>,
  machine: Machine,
): string {
  if (user === undefined) return fallback;
  const tokens = { ...machineTokens(machine), h: host, n: original, p: String(port) };
  return filled(user, (text, fillIn) => fillIn(text, tokens, machine.env));
}

/** Undefined when none is named. @throws StateError `ssh-config.invalid` */
export function identityFiles(
  found: readonly Found<string>[],
  tokens: Tokens,
  context: { readonly machine: Machine; readonly cwd: string },
): string[] | undefined {
  if (found.length === 0) return undefined;
  return found.filter(({ value }) => !isNone(value)).map((file) => filledPath(file, tokens, context));
}

/** The agent's socket, if there is to be one. @throws StateError `ssh-config.invalid` */
export function agentSocket(
  agent: Found<string> | undefined,
  tokens: Tokens,
  machine: Machine,
): string | undefined {
  const word = agent?.value ?? 'SSH_AUTH_SOCK';
  if (word === 'none') return undefined;
  const variable = word === 'SSH_AUTH_SOCK' ? word : /^\$(\w+)$/.exec(word)?.[1];
  if (variable !== undefined || agent === undefined) {
    const socket = machine.env[variable ?? word];
    return socket === '' ? undefined : socket;
  }
  return filled(agent, (text, fillIn) => fillIn(fillInHome(text, machine), tokens, machine.env));
}

/** @throws StateError `ssh-config.invalid` */
export function userKnownHostsFiles(
  found: Found<readonly string[]> | undefined,
  tokens: Tokens,
  context: { readonly machine: Machine; readonly cwd: string },
): string[] {
  if (found !== undefined)
    return found.value.map((value) => filledPath({ ...found, value }, tokens, context));
  return ['known_hosts', 'known_hosts2'].map((name) => join(context.machine.home, '.ssh', name));
}

/** In these nothing is filled in. */
export function globalKnownHostsFiles(
  found: Found<readonly string[]> | undefined,
  { cwd, systemFolder }: { readonly cwd: string; readonly systemFolder: string },
): string[] {
  if (found !== undefined) return found.value.map((path) => (isAbsolute(path) ? path : resolve(cwd, path)));
  return ['ssh_known_hosts', 'ssh_known_hosts2'].map((name) => join(systemFolder, name));
}

/** A name in lower case; an address in its usual form. */
export function canonicalHost(host: string): string {
  if (isIP(host) === 6 && !host.includes('%'))
    return new SocketAddress({ address: host, family: 'ipv6' }).address;
  if (isIP(host) !== 0) return host;
  // `10.1` and `0x7f.1` are addresses to the system, too.
  const url = `http://${host}/`;
  if (/^[\da-fx.]*(?:^|\.)(?:\d+|0x[\da-f]+)$/i.test(host) && URL.canParse(url)) return new URL(url).hostname;
  return host.toLowerCase();
}

function filledPath(
  found: Found<string>,
  tokens: Tokens,
  { machine, cwd }: { readonly machine: Machine; readonly cwd: string },
): string {
  const path = filled(found, (text, fillIn) => fillIn(fillInHome(text, machine), tokens, machine.env));
  return isAbsolute(path) ? path : resolve(cwd, path);
}
