import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Found } from './options.js';
import { configFault } from './place.js';

/** What `%` and a letter stand for (TOKENS in ssh_config(5)). */
export type Tokens = Readonly<Record<string, string>>;

export interface Machine {
  readonly home: string;
  readonly localUser: string;
  readonly uid: number;
  /** Full name of this machine. */
  readonly hostname: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What is known without a connection. */
export function machineTokens({ hostname, localUser, home, uid }: Machine): Tokens {
  return { d: home, i: String(uid), L: hostname.split('.')[0] ?? hostname, l: hostname, u: localUser };
}

/** All that is known of a connection, for files and sockets. */
export function allTokens(machine: Machine, facts: ConnectionFacts): Tokens {
  const { original, host, port, user, jump, alias } = facts;
  return {
    ...machineTokens(machine),
    C: createHash('sha1').update(`${machine.hostname}${host}${port}${user}${jump}`).digest('hex'),
    h: host,
    j: jump,
    k: alias ?? original,
    n: original,
    p: String(port),
    r: user,
  };
}

export interface ConnectionFacts {
  /** As it was asked for. */
  readonly original: string;
  /** As it is connected to. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Of `ProxyJump`, or empty. */
  readonly jump: string;
  readonly alias: string | undefined;
}

/** What cannot be filled in, as a clause. */
class TokenFault extends Error {}

/**
 * Fills in a value of the configuration; what cannot be filled in becomes an error that names its line.
 * @throws StateError `ssh-config.invalid`
 */
export function filled(found: Found<string>, fill: (text: string, fill: typeof fillIn) => string): string {
  try {
    return fill(found.value, fillIn);
  } catch (error) {
    if (!(error instanceof TokenFault)) throw error;
    const what = `"${found.value}" cannot be filled in: ${error.message}`;
    throw configFault({ code: 'invalid', place: found.at, text: found.text, what });
  }
}

/** Fills in `%x`, and `${NAME}` where an environment is given. What is filled in is not looked at again. */
function fillIn(text: string, tokens: Tokens, env?: Machine['env']): string {
  return text.replace(
    /%(.?)|\$\{([^}]*)(\}?)/gsu,
    (found: string, letter: string | undefined, name: string | undefined, end: string | undefined) => {
      if (letter === '%') return '%';
      if (letter === '') throw new TokenFault('it ends in "%"');
      if (letter !== undefined) return lookUp(tokens, letter) ?? fail(`"${found}" means nothing here`);
      if (env === undefined) return found;
      if (end !== '}' || name === undefined || name === '')
        throw new TokenFault(`"${found}" names no variable`);
      return lookUp(env, name) ?? fail(`$${name} is not set`);
    },
  );
}

/** `~`, `~/x` and `~name/x`. To be called inside of `filled`. */
export function fillInHome(path: string, { home, localUser }: Pick<Machine, 'home' | 'localUser'>): string {
  const [, name, rest = ''] = /^~([^/]*)(.*)$/s.exec(path) ?? [];
  if (name === undefined) return path;
  if (name === '' || name === localUser) return home + rest;
  return (homeOf(name) ?? fail(`there is no user "${name}" on this machine`)) + rest;
}

function lookUp(values: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

function fail(why: string): never {
  throw new TokenFault(why);
}

function homeOf(user: string): string | undefined {
  let table: string;
  try {
    table = readFileSync('/etc/passwd', 'utf8');
  } catch {
    return undefined;
  }
  const row = table.split('\n').find((line) => line.startsWith(`${user}:`));
  return row?.split(':')[5];
}
