import { execFileSync } from 'node:child_process';
import { hostname, userInfo } from 'node:os';
import { parseArguments } from '../../../src/ssh/config/arguments.js';
import { ConfigFiles } from '../../../src/ssh/config/config-files.js';
import { parseJumpHosts, showJumpHost } from '../../../src/ssh/config/jump-hosts.js';
import { type ResolveContext, type ResolvedHost, resolveHost } from '../../../src/ssh/config/resolve.js';
import { requireProgram } from './sshd.js';

/** What `ssh -G` prints, by keyword: one line for each value. */
export type Printed = Record<string, string[]>;

const PROGRAM = '/usr/bin/ssh';
/** What `ssh -G` says of all hosts, so that only what a file says is compared. */
const COMPARED = [
  'hostname',
  'user',
  'port',
  'identityfile',
  'identitiesonly',
  'identityagent',
  'proxyjump',
  'proxycommand',
  'userknownhostsfile',
  'globalknownhostsfile',
  'stricthostkeychecking',
  'hostkeyalias',
  'connecttimeout',
  'connectionattempts',
  'serveraliveinterval',
  'serveralivecountmax',
  'addressfamily',
  'bindaddress',
  'pubkeyauthentication',
  'passwordauthentication',
  'kbdinteractiveauthentication',
  'preferredauthentications',
];

/** What ssh makes of a host, or what it says when it refuses the configuration. */
export function askSsh(args: readonly string[], host: string): Printed | string {
  requireProgram(PROGRAM, 'openssh-client');
  let text: string;
  try {
    text = execFileSync(PROGRAM, ['-G', ...args, '--', host], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 20_000,
    });
  } catch (error) {
    return error instanceof Error && 'stderr' in error ? `refused: ${String(error.stderr)}` : String(error);
  }
  const printed: Printed = {};
  for (const line of text.split('\n')) {
    const [, keyword = '', value = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (COMPARED.includes(keyword)) printed[keyword] = [...(printed[keyword] ?? []), usual(keyword, value)];
  }
  if (isDefaultIdentities(printed['identityfile'])) delete printed['identityfile'];
  return printed;
}

/** The same from our own reading. */
export function askUs(args: readonly string[], host: string): Printed | string {
  try {
    return printed(resolved(args, host));
  } catch (error) {
    return `refused: ${String(error)}`;
  }
}

export function resolved(
  args: readonly string[],
  host: string,
  more: Partial<ResolveContext> = {},
): ResolvedHost {
  const words = args.map((word) => `'${word.replaceAll("'", `'"'"'`)}'`).join(' ');
  const paths = { cwd: process.cwd(), home: userInfo().homedir };
  return resolveHost(host, parseArguments(words, 'arguments', paths), { ...context(), ...more });
}

/** Each host on the way with what ssh makes of it, found by asking ssh as ssh itself would. */
export function chainOfSsh(args: readonly string[], host: string): Printed[] {
  const [jump] = printedBySsh(args, host)['proxyjump'] ?? [];
  if (jump === undefined) return [];
  const hosts = parseJumpHosts(jump) ?? [];
  const last = hosts.pop();
  if (last === undefined) return [];
  const inner = [
    ...(last.user === undefined ? [] : ['-l', last.user]),
    ...(last.port === undefined ? [] : ['-p', String(last.port)]),
    ...(hosts.length === 0 ? [] : ['-J', hosts.map(showJumpHost).join(',')]),
    ...args.slice(args.indexOf('-F'), args.indexOf('-F') + 2),
  ];
  return [...chainOfSsh(inner, last.host), printedBySsh(inner, last.host)];
}

export function chainOfOurs(args: readonly string[], host: string): Printed[] {
  return resolved(args, host).jumps.map(printed);
}

function printedBySsh(args: readonly string[], host: string): Printed {
  const answer = askSsh(args, host);
  if (typeof answer === 'string') throw new Error(answer);
  return answer;
}

function context(): ResolveContext {
  const { homedir, username, uid } = userInfo();
  const machine = { home: homedir, localUser: username, uid, hostname: hostname(), env: process.env };
  return {
    machine,
    files: new ConfigFiles(homedir),
    defaultUser: username,
    systemFolder: '/etc/ssh',
    cwd: process.cwd(),
    choice: 'usual',
    everywhere: [],
  };
}

function printed(host: ResolvedHost): Printed {
  const { options } = host;
  const rows: [string, string | undefined][] = [
    ['hostname', host.host],
    ['user', host.user],
    ['port', String(host.port)],
    ...options.identityFiles.map(({ value }): [string, string] => ['identityfile', value]),
    ['identitiesonly', yesNo(options.identitiesOnly?.value, false)],
    ['identityagent', options.identityAgent && shownAgent(host, options.identityAgent.value)],
    ['proxyjump', options.proxyJump?.value.map(showJumpHost).join(',') || undefined],
    ['proxycommand', options.proxyCommand?.value === 'none' ? undefined : options.proxyCommand?.value],
    ['userknownhostsfile', host.userKnownHostsFiles.join(' ') || 'none'],
    ['globalknownhostsfile', host.globalKnownHostsFiles.join(' ') || 'none'],
    ['stricthostkeychecking', options.strictHostKeyChecking?.value ?? 'ask'],
    ['hostkeyalias', host.hostKeyAlias],
    ['connecttimeout', String(options.connectTimeout?.value ?? 'none')],
    ['connectionattempts', String(options.connectionAttempts?.value ?? 1)],
    ['serveraliveinterval', String(options.serverAliveInterval?.value ?? 0)],
    ['serveralivecountmax', String(options.serverAliveCountMax?.value ?? 3)],
    ['addressfamily', options.addressFamily?.value ?? 'any'],
    ['bindaddress', options.bindAddress?.value],
    ['pubkeyauthentication', yesNo(options.pubkeyAuthentication?.value, true)],
    ['passwordauthentication', yesNo(options.passwordAuthentication?.value, true)],
    ['kbdinteractiveauthentication', yesNo(options.kbdInteractiveAuthentication?.value, true)],
    ['preferredauthentications', options.preferredAuthentications?.value.join(',')],
  ];
  const result: Printed = {};
  for (const [keyword, value] of rows) {
    if (value !== undefined) result[keyword] = [...(result[keyword] ?? []), value];
  }
  return result;
}

/** ssh shows variables and "none" as they are written. */
function shownAgent({ identityAgent }: ResolvedHost, written: string): string | undefined {
  return written === 'none' || written === 'SSH_AUTH_SOCK' || /^\$\w/.test(written) ? written : identityAgent;
}

function yesNo(value: boolean | undefined, otherwise: boolean): string {
  return (value ?? otherwise) ? 'yes' : 'no';
}

/** Versions of ssh differ in how they print a switch. */
function usual(keyword: string, value: string): string {
  if (keyword === 'identityfile' || keyword === 'hostname' || keyword === 'user') return value;
  return value === 'true' ? 'yes' : value === 'false' ? 'no' : value;
}

function isDefaultIdentities(files: readonly string[] | undefined): boolean {
  return files?.includes('~/.ssh/id_rsa') === true && files.includes('~/.ssh/id_ed25519') && files.length > 3;
}
