import type { ConfigLine } from './line.js';
import type { ConfigPlace } from './place.js';

/** A value and where it was said. */
export interface Found<Value> {
  readonly value: Value;
  readonly at: ConfigPlace;
  /** The line, for errors. */
  readonly text: string;
}

/** A host of `ProxyJump`. Tokens in it are not filled in yet. */
export interface JumpHost {
  readonly user: string | undefined;
  readonly host: string;
  readonly port: number | undefined;
}

export type StrictHostKeyChecking = 'yes' | 'accept-new' | 'ask' | 'no';

/** What is kept of each keyword, as it is written: tokens, `~` and variables are not filled in. */
export interface OptionValues {
  addressFamily: 'any' | 'inet' | 'inet6';
  bindAddress: string;
  bindInterface: string;
  canonicalDomains: readonly string[];
  canonicalizeHostname: 'no' | 'yes' | 'always';
  canonicalizeMaxDots: number;
  canonicalizePermittedCnames: readonly string[];
  connectionAttempts: number;
  /** Seconds. */
  connectTimeout: number;
  globalKnownHostsFile: readonly string[];
  hostKeyAlias: string;
  hostName: string;
  identitiesOnly: boolean;
  identityAgent: string;
  kbdInteractiveAuthentication: boolean;
  knownHostsCommand: string;
  passwordAuthentication: boolean;
  port: number;
  preferredAuthentications: readonly string[];
  proxyCommand: string;
  /** The first is reached first; empty for `none`. */
  proxyJump: readonly JumpHost[];
  pubkeyAuthentication: boolean;
  revokedHostKeys: string;
  serverAliveCountMax: number;
  /** Seconds. */
  serverAliveInterval: number;
  strictHostKeyChecking: StrictHostKeyChecking;
  tag: string;
  user: string;
  userKnownHostsFile: readonly string[];
}

/** Options as they are collected: the first value of each wins, files of keys add up. */
export type Options = { [Name in keyof OptionValues]?: Found<OptionValues[Name]> } & {
  readonly identityFiles: IdentityFile[];
};

export interface IdentityFile extends Found<string> {
  /** From the command line or the user's own configuration, not the system's. */
  readonly ofUser: boolean;
}

/** A line that cannot be said to count or not, because that would take running something. */
export interface Undecided {
  readonly line: ConfigLine;
  readonly criterion: string;
}

/** Whether the lines that follow count. */
export type Activity = 'active' | 'inactive' | Undecided;

export function foundIn<Value>(line: ConfigLine, value: Value): Found<Value> {
  return { value, at: line.place, text: line.text };
}
