import * as read from './keyword-values.js';
import type { ConfigLine } from './line.js';
import { type Activity, foundIn, type Options, type OptionValues } from './options.js';
import { configFault } from './place.js';

/** A keyword of ssh_config(5) that is read. */
export interface Keyword {
  /** As the manual writes it. */
  readonly name: string;
  /** What is made of it, for the documentation. */
  readonly note: string;
  readonly use: 'honoured' | 'refused';
  /**
   * Checks the line and, if it counts and is the first, keeps its value.
   * @throws StateError `ssh-config.invalid`; `ssh-config.undecided` when only a command could tell whether it counts
   */
  apply(options: Options, line: ConfigLine, activity: Activity, ofUser: boolean): void;
}

function once<Name extends keyof OptionValues>(
  key: Name,
  parse: (line: ConfigLine) => OptionValues[Name] | undefined,
  facts: Pick<Keyword, 'name' | 'note'> & { readonly use?: Keyword['use'] },
  /** Another option that was said before, and shuts this one out. */
  isShutOut: (options: Options) => boolean = () => false,
): Keyword {
  return {
    use: 'honoured',
    ...facts,
    apply(options, line, activity) {
      const value = parse(line);
      if (value === undefined || activity === 'inactive') return;
      if (options[key] !== undefined || isShutOut(options)) return;
      requireDecided(line, activity);
      Object.assign(options, { [key]: foundIn(line, value) });
    },
  };
}

/** Files of keys add up; one that is named twice counts once. */
const IDENTITY_FILE: Keyword = {
  name: 'IdentityFile',
  note: 'all of them are tried, in their order; `none` names no file and keeps the usual ones away',
  use: 'honoured',
  apply({ identityFiles }, line, activity, ofUser) {
    const value = read.text(line);
    if (activity === 'inactive') return;
    if (identityFiles.some((known) => known.value === value && known.ofUser === ofUser)) return;
    requireDecided(line, activity);
    identityFiles.push({ ...foundIn(line, value), ofUser });
  },
};

function requireDecided(line: ConfigLine, activity: Activity): void {
  if (typeof activity === 'string') return;
  const { criterion, line: condition } = activity;
  throw configFault({
    code: 'undecided',
    place: condition.place,
    text: condition.text,
    what: `Whether this block counts cannot be told: "Match ${criterion}" is not supported`,
    why: `it would set ${line.keyword}, and no command is run to find out`,
    next: 'write the condition with host or user, or name another file in coolify_ssh_config ("none" for no file)',
  });
}

/** In the order of the documentation. `Host`, `Match` and `Include` steer the reading and stand in config-reader.ts. */
export const KEYWORDS: readonly Keyword[] = [
  once('hostName', read.text, {
    name: 'HostName',
    note: 'the name or address to connect to; `%h` is what was asked for',
  }),
  once('user', read.text, { name: 'User', note: 'without it: `root`' }),
  once('port', read.port, { name: 'Port', note: '' }),
  IDENTITY_FILE,
  once('identitiesOnly', read.yesOrNo, {
    name: 'IdentitiesOnly',
    note: 'leaves out what else the agent holds',
  }),
  once('identityAgent', read.agent, {
    name: 'IdentityAgent',
    note: 'a socket, `SSH_AUTH_SOCK`, `$VARIABLE` or `none`',
  }),
  once('pubkeyAuthentication', read.pubkeyChoice, { name: 'PubkeyAuthentication', note: '' }),
  once('passwordAuthentication', read.yesOrNo, { name: 'PasswordAuthentication', note: '' }),
  once('kbdInteractiveAuthentication', read.yesOrNo, { name: 'KbdInteractiveAuthentication', note: '' }),
  once('preferredAuthentications', read.commaList, {
    name: 'PreferredAuthentications',
    note: '`publickey`, `password` and `keyboard-interactive`, in its order; other methods are passed over',
  }),
  once(
    'proxyJump',
    read.jumpHosts,
    {
      name: 'ProxyJump',
      note: 'chains, `none`, `ssh://`; each host is looked up in the configuration; loops are refused',
    },
    ({ proxyCommand }) => proxyCommand !== undefined,
  ),
  once(
    'proxyCommand',
    read.command,
    {
      name: 'ProxyCommand',
      use: 'refused',
      note: 'no command is run on this machine. `ssh -W %h:%p [options] host` is understood as the jump host that it is',
    },
    ({ proxyJump }) => proxyJump !== undefined && proxyJump.value.length > 0,
  ),
  once('userKnownHostsFile', read.list, { name: 'UserKnownHostsFile', note: 'new keys go into the first' }),
  once('globalKnownHostsFile', read.list, { name: 'GlobalKnownHostsFile', note: '' }),
  once('hostKeyAlias', read.text, { name: 'HostKeyAlias', note: '' }),
  once('strictHostKeyChecking', read.strictChecking, {
    name: 'StrictHostKeyChecking',
    note: '`yes` and `ask` refuse an unknown key and say how to accept it; `accept-new` writes it down; `no` and `off` are refused',
  }),
  once('connectTimeout', read.seconds, { name: 'ConnectTimeout', note: 'without it: 15 seconds' }),
  once('connectionAttempts', read.fromOne, { name: 'ConnectionAttempts', note: '' }),
  once('serverAliveInterval', read.seconds, { name: 'ServerAliveInterval', note: 'without it: 10 seconds' }),
  once('serverAliveCountMax', read.wholeNumber, { name: 'ServerAliveCountMax', note: '' }),
  once('addressFamily', read.oneOf('any', 'inet', 'inet6'), { name: 'AddressFamily', note: '' }),
  once('bindAddress', read.text, { name: 'BindAddress', note: '' }),
  once('tag', read.text, { name: 'Tag', note: 'for `Match tagged`' }),
  once('canonicalizeHostname', read.canonicalize, {
    name: 'CanonicalizeHostname',
    use: 'refused',
    note: 'where it could change the name, with CanonicalDomains or CanonicalizePermittedCNAMEs: the name service would decide which host is restored. Write HostName',
  }),
  once('canonicalDomains', read.list, {
    name: 'CanonicalDomains',
    use: 'refused',
    note: 'see CanonicalizeHostname',
  }),
  once('canonicalizeMaxDots', read.wholeNumber, {
    name: 'CanonicalizeMaxDots',
    use: 'refused',
    note: 'see CanonicalizeHostname',
  }),
  once('canonicalizePermittedCnames', read.list, {
    name: 'CanonicalizePermittedCNAMEs',
    use: 'refused',
    note: 'see CanonicalizeHostname',
  }),
  once('bindInterface', read.text, {
    name: 'BindInterface',
    use: 'refused',
    note: 'the way out would be another one than asked for. Use BindAddress',
  }),
  once('knownHostsCommand', read.command, {
    name: 'KnownHostsCommand',
    use: 'refused',
    note: 'no command is run on this machine. Use UserKnownHostsFile',
  }),
  once('revokedHostKeys', read.text, {
    name: 'RevokedHostKeys',
    use: 'refused',
    note: 'passing over it would trust a revoked key. Use `@revoked` lines in known_hosts',
  }),
];

/** By the name in lower case. Keywords that are not here are passed over: they cannot change where we connect. */
export function keywordOf(name: string): Keyword | undefined {
  return BY_NAME.get(OLDER_NAMES[name] ?? name);
}

const BY_NAME = new Map(KEYWORDS.map((keyword) => [keyword.name.toLowerCase(), keyword]));

/** Names that ssh has given up and still takes. */
const OLDER_NAMES: Readonly<Record<string, string>> = {
  challengeresponseauthentication: 'kbdinteractiveauthentication',
  identityfile2: 'identityfile',
  skeyauthentication: 'kbdinteractiveauthentication',
  tisauthentication: 'kbdinteractiveauthentication',
};
