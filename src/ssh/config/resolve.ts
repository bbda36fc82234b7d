import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { SshArguments } from './arguments.js';
import { type ConfigChoice, ConfigReader, type ReaderContext } from './config-reader.js';
import {
  agentSocket,
  canonicalHost,
  globalKnownHostsFiles,
  identityFiles,
  userKnownHostsFiles,
  userName,
} from './filled-values.js';
import { showJumpHost } from './jump-hosts.js';
import { isNone } from './keyword-values.js';
import { type ConfigLine, madeLine } from './line.js';
import type { Found, JumpHost, Options } from './options.js';
import { configFault } from './place.js';
import { jumpOf } from './proxy-command.js';
import { allTokens, filled } from './tokens.js';
import { refuseUnsupported } from './unsupported.js';

export interface ResolveContext extends ReaderContext {
  readonly cwd: string;
  /** What is read when no `-F` says otherwise. */
  readonly choice: ConfigChoice;
  /** Settings that come before everything else, for the host and for each that it is reached through. */
  readonly everywhere: readonly ConfigLine[];
}

/** What ssh would make of a destination. */
export interface ResolvedHost {
  /** As it was asked for. */
  readonly original: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Undefined when none is named, and the usual ones are to be tried; empty when none is to be. */
  readonly identityFiles: readonly string[] | undefined;
  /** The socket of an agent; undefined for no agent. */
  readonly identityAgent: string | undefined;
  readonly userKnownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles: readonly string[];
  /** The name to look up in known_hosts. */
  readonly hostKeyAlias: string | undefined;
  /** Hosts to go through, the first reached directly. */
  readonly jumps: readonly ResolvedHost[];
  /** Every option as it was written, and where. */
  readonly options: Options;
}

/**
 * Works out what ssh would do for a destination: the command line comes first, then the user's configuration, then the
 * system's. Nothing is connected to, no name is looked up, no command is run.
 * @throws StateError `ssh-config.*` (kind `usage`)
 */
export function resolveHost(original: string, args: SshArguments, context: ResolveContext): ResolvedHost {
  return resolveFrom({ original, lines: args.lines, choice: args.choice ?? context.choice }, context, []);
}

interface Request {
  readonly original: string;
  readonly lines: readonly ConfigLine[];
  readonly choice: ConfigChoice;
}

/** Hosts on the way to one. */
const MOST_JUMPS = 16;

/** `chain`: the hosts whose way is being looked for, the target first. */
function resolveFrom(request: Request, context: ResolveContext, chain: readonly Stop[]): ResolvedHost {
  const { original, lines, choice } = request;
  // ssh logs in to a host on the way as the local user, unless it is told otherwise.
  const defaultUser = chain.length === 0 ? context.defaultUser : context.machine.localUser;
  const reader = new ConfigReader(original, { ...context, defaultUser });
  reader.readCommandLine([...context.everywhere, ...lines]);
  reader.readFiles(choice);
  const host = canonicalHost(reader.host);
  const { options } = reader;
  if (reader.wantsFinalPass || (options.canonicalizeHostname?.value ?? 'no') !== 'no') {
    reader.readFilesAgain(choice, host);
  }
  refuseUnsupported(options, host);
  const { machine } = context;
  const jump = options.proxyJump?.value.at(-1)?.host ?? '';
  const facts = {
    original,
    host,
    port: options.port?.value ?? 22,
    jump,
    alias: options.hostKeyAlias?.value.toLowerCase(),
  };
  const user = userName(options.user, defaultUser, facts, machine);
  const tokens = allTokens(machine, { ...facts, user });
  const stop: Stop = { ...request, host, port: facts.port, user };
  const earlier = chain.findIndex((other) => isSame(other, stop));
  if (earlier >= 0) throw loop([...chain.slice(earlier), stop], chain.at(-1)?.through);
  if (chain.length >= MOST_JUMPS) throw endless([...chain, stop], chain.at(-1)?.through);
  return {
    original,
    host,
    port: facts.port,
    user,
    identityFiles: identityFiles(options.identityFiles, tokens, context),
    identityAgent: agentSocket(options.identityAgent, tokens, machine),
    userKnownHostsFiles: userKnownHostsFiles(options.userKnownHostsFile, tokens, context),
    globalKnownHostsFiles: globalKnownHostsFiles(options.globalKnownHostsFile, context),
    hostKeyAlias: facts.alias,
    jumps: jumpsOf(stop, options, context, chain),
    options,
  };
}

/** A host whose way is being looked for, and the option that says which host is before it. */
interface Stop extends Request {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly through?: Found<unknown>;
}

/** The hosts on the way. The last of `ProxyJump` is asked for the others before it, as ssh does with `-J`. */
function jumpsOf(
  stop: Stop,
  { proxyJump, proxyCommand }: Options,
  context: ResolveContext,
  chain: readonly Stop[],
): ResolvedHost[] {
  const tokens = { h: stop.host, n: stop.original, p: String(stop.port), r: stop.user };
  const through = (at: Found<unknown>, { host, port, user }: JumpHost, more: Omit<Request, 'original'>) => {
    const lines = [
      ...(user === undefined ? [] : [madeLine('User', [user], at.at)]),
      ...(port === undefined ? [] : [madeLine('Port', [String(port)], at.at)]),
      ...more.lines,
    ];
    const jump = resolveFrom({ original: host, lines, choice: more.choice }, context, [
      ...chain,
      { ...stop, through: at },
    ]);
    return [...jump.jumps, jump];
  };
  const last = proxyJump?.value.at(-1);
  if (proxyJump !== undefined && last !== undefined) {
    const fill = (value: string): string =>
      filled({ ...proxyJump, value }, (text, fillIn) => fillIn(text, tokens));
    const before = proxyJump.value.slice(0, -1).map(showJumpHost);
    const lines = before.length === 0 ? [] : [madeLine('ProxyJump', [before.join(',')], proxyJump.at)];
    const user = last.user === undefined ? undefined : fill(last.user);
    return through(proxyJump, { ...last, user, host: fill(last.host) }, { lines, choice: stop.choice });
  }
  if (proxyCommand === undefined || isNone(proxyCommand.value)) return [];
  const { args, host } = jumpOf(
    proxyCommand,
    stop,
    (value) => filled({ ...proxyCommand, value }, (text, fillIn) => fillIn(text, tokens)),
    { cwd: context.cwd, home: context.machine.home },
  );
  return through(proxyCommand, host, { lines: args.lines, choice: args.choice ?? context.choice });
}

function isSame(a: Stop, b: Stop): boolean {
  return a.host.toLowerCase() === b.host.toLowerCase() && a.port === b.port && a.user === b.user;
}

function loop(stops: readonly Stop[], through: Found<unknown> | undefined): StateError {
  const names = stops.map(shownStop);
  return noWay(`The way to ${names[0]} leads through itself`, `it goes ${names.join(', through ')}`, through);
}

/** A `%h` in the name of the host before makes a new name each time: no host comes twice. */
function endless(stops: readonly Stop[], through: Found<unknown> | undefined): StateError {
  const names = stops.slice(0, 4).map(shownStop);
  const why = `it goes ${names.join(', through ')}, and so on; more than ${MOST_JUMPS} are taken for a mistake`;
  return noWay(`The way to ${names[0]} does not end`, why, through);
}

function shownStop({ original, port }: Stop): string {
  return port === 22 ? original : `${original}:${port}`;
}

function noWay(what: string, why: string, through: Found<unknown> | undefined): StateError {
  const next = 'set "ProxyJump none" for the host that is reached directly, before the ProxyJump for all';
  if (through !== undefined) {
    return configFault({ code: 'loop', place: through.at, text: through.text, what, why, next });
  }
  return new StateError({
    kind: 'usage',
    code: 'ssh-config.loop',
    what: printable(what),
    why: printable(why),
    next,
  });
}
