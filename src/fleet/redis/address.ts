import { StateError } from '../../core/errors.js';
import { Secret } from '../../core/secret.js';

/** Where Redis is, and as whom to log in. */
export interface RedisAddress {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly tls: boolean;
  readonly nodes: readonly RedisNode[];
  /** Name of the master that the sentinels watch. */
  readonly master: string | undefined;
  readonly database: number;
  readonly username: string | undefined;
  readonly password: Secret | undefined;
}

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

const FORMS =
  'redis://[user@]host[:port][/database], rediss:// for TLS, redis+sentinel://host,host/master[/database], redis+cluster://host,host';

/**
 * Reads the address of a Redis.
 *
 * @throws StateError `fleet.redis-address`; the text is not repeated in it, as it may hold a password
 */
export function parseRedisAddress(text: string): RedisAddress {
  const match = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^@/?#]+)(?:\/([^?#]*))?$/.exec(
    text.trim(),
  );
  if (match === null) throw invalid('it has another form');
  const [, secure, form, login = '', hosts = '', path = ''] = match;
  const kind = form === 'sentinel' || form === 'cluster' ? form : 'single';
  const nodes = hosts.split(',').map((node) => nodeOf(node, kind === 'sentinel' ? 26_379 : 6379));
  if (kind === 'single' && nodes.length > 1) throw invalid('several hosts are for Sentinel or Cluster');
  const parts = path.split('/').filter((part) => part !== '');
  const master = kind === 'sentinel' ? parts.shift() : undefined;
  if (kind === 'sentinel' && master === undefined) throw invalid('the name of the master is missing');
  const [database = '0', ...more] = parts;
  if (!/^\d{1,4}$/.test(database) || more.length > 0) throw invalid('the database is no number');
  if (kind === 'cluster' && database !== '0') throw invalid('a cluster has database 0 only');
  const colon = login.indexOf(':');
  const username = decoded(colon < 0 ? login : login.slice(0, colon));
  const password = colon < 0 ? '' : decoded(login.slice(colon + 1));
  return {
    kind,
    tls: secure === 's',
    nodes,
    master,
    database: Number(database),
    username: username === '' ? undefined : username,
    password: password === '' ? undefined : new Secret(password),
  };
}

/** For people: without who logs in. */
export function showRedis({ kind, tls, nodes, master, database }: RedisAddress): string {
  const form = kind === 'single' ? '' : `+${kind}`;
  const hosts = nodes.map(({ host, port }) => `${host}:${port}`).join(',');
  return `redis${tls ? 's' : ''}${form}://${hosts}/${master === undefined ? '' : `${master}/`}${database}`;
}

function nodeOf(text: string, usualPort: number): RedisNode {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? usualPort);
  if (host === undefined || port < 1 || port > 65_535) throw invalid('a host or its port is wrong');
  return { host, port };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('the login is not percent-encoded as a URL has it');
  }
}

function invalid(why: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'fleet.redis-address',
    what: 'The address of Redis cannot be read',
    why,
    next: `write it as ${FORMS}`,
  });
}
