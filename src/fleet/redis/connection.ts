import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import type { Cluster, Redis } from 'ioredis';
import { credentialIn } from '../../core/credentials.js';
import { errnoOf, messageOf, StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import { parseRedisAddress, type RedisAddress, showRedis } from './address.js';
import { loadRedisClient } from './packages.js';

export type RedisClient = Redis | Cluster;

/** How Redis is reached, as the command line and the environment say. */
export interface RedisSource {
  /** From the command line: without a password. */
  readonly url: string | undefined;
  /** Certificates (PEM) of an authority of one's own. */
  readonly caFile: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const URL_VARIABLE = 'COOLIFY_STATE_REDIS_URL';
const PASSWORD_VARIABLE = 'COOLIFY_STATE_REDIS_PASSWORD';
const CONNECT_TIMEOUT = 10_000;
const LONGEST_PAUSE = 5000;

/**
 * Connects to Redis. `patient` waits for one that is lost for as long as it takes, as a worker does; otherwise what cannot
 * be asked now fails.
 *
 * @throws StateError `fleet.no-redis`, `fleet.redis-address`, `fleet.redis-unreachable`, `fleet.redis-refused`,
 * `fleet.not-installed`
 */
export async function connectRedis(
  source: RedisSource,
  { patient }: { readonly patient: boolean },
): Promise<RedisClient> {
  const address = addressOf(source);
  const { Redis, Cluster } = await loadRedisClient();
  const login = {
    ...(address.username !== undefined && { username: address.username }),
    ...passwordOf(address, source.env),
    ...(address.tls && { tls: await tlsOf(source.caFile) }),
    connectTimeout: CONNECT_TIMEOUT,
  };
  const client = clientOf(address, login, patient, { Redis, Cluster });
  // Told by what is asked of it; without a listener each would be printed.
  let last: unknown;
  client.on('error', (error: unknown) => {
    last = error;
  });
  try {
    await client.connect();
    await client.ping();
    return client;
  } catch (error) {
    client.disconnect();
    throw redisFailure(last ?? error, address);
  }
}

type Login = { readonly username?: string; readonly password?: string; readonly tls?: ConnectionOptions };

function clientOf(
  { kind, nodes, master, database, tls }: RedisAddress,
  login: Login,
  patient: boolean,
  { Redis, Cluster }: Awaited<ReturnType<typeof loadRedisClient>>,
): RedisClient {
  let isUp = false;
  const retryStrategy = (times: number): number | null =>
    patient && isUp ? Math.min(100 * 2 ** Math.min(times, 10), LONGEST_PAUSE) : null;
  const common = { ...login, lazyConnect: true, maxRetriesPerRequest: patient ? null : 1 };
  const client =
    kind === 'cluster'
      ? new Cluster([...nodes], {
          lazyConnect: true,
          redisOptions: login,
          clusterRetryStrategy: retryStrategy,
          ...(tls && {
            dnsLookup: (address: string, done: (error: null, to: string) => void) => done(null, address),
          }),
        })
      : kind === 'sentinel'
        ? new Redis({
            ...common,
            sentinels: [...nodes],
            name: master ?? '',
            db: database,
            retryStrategy,
            sentinelRetryStrategy: retryStrategy,
            ...(login.tls !== undefined && { sentinelTLS: login.tls, enableTLSForSentinelMode: true }),
          })
        : new Redis({ ...common, ...nodes[0], db: database, retryStrategy });
  client.on('ready', () => {
    isUp = true;
  });
  return client;
}

function addressOf({ url, env }: RedisSource): RedisAddress {
  if (url !== undefined) {
    const address = parseRedisAddress(url);
    if (address.password === undefined) return address;
    throw new StateError({
      kind: 'usage',
      code: 'fleet.redis-address',
      what: '--redis takes no password',
      why: 'everybody on this machine sees the arguments of a program',
      next: `set ${PASSWORD_VARIABLE}, or the whole address as ${URL_VARIABLE}`,
    });
  }
  const given = credentialIn(env, URL_VARIABLE);
  if (given !== undefined) return parseRedisAddress(given);
  throw new StateError({
    kind: 'usage',
    code: 'fleet.no-redis',
    what: 'No Redis is named for the fleet',
    next: `set ${URL_VARIABLE} or give --redis; for one machine "backup --forks" and "schedule" do without, see docs/fleet.md`,
  });
}

function passwordOf(address: RedisAddress, env: RedisSource['env']): { readonly password?: string } {
  const password = address.password?.reveal() ?? credentialIn(env, PASSWORD_VARIABLE);
  return password === undefined ? {} : { password };
}

async function tlsOf(caFile: string | undefined): Promise<ConnectionOptions> {
  if (caFile === undefined) return {};
  try {
    return { ca: await readFile(caFile) };
  } catch (error) {
    throw new StateError({
      kind: 'usage',
      code: 'fleet.redis-ca',
      what: `The certificates ${printable(caFile)} cannot be read`,
      why: errnoOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error),
      next: 'name another file with --redis-ca',
      cause: error,
    });
  }
}

/** What a client of Redis threw, as an error of ours. */
export function redisFailure(thrown: unknown, address?: RedisAddress): StateError {
  if (thrown instanceof StateError) return thrown;
  const why = printable(messageOf(thrown)).slice(0, 300);
  const where = address === undefined ? 'Redis' : `Redis at ${showRedis(address)}`;
  if (/WRONGPASS|NOAUTH|NOPERM|invalid username-password/i.test(why))
    return new StateError({
      kind: 'usage',
      code: 'fleet.redis-refused',
      what: `${where} does not let us in`,
      why,
      next: `check the user in the address and ${PASSWORD_VARIABLE}; docs/fleet.md has the rights of an ACL user`,
      cause: thrown,
    });
  return new StateError({
    kind: 'unreachable',
    code: 'fleet.redis-unreachable',
    what: `${where} does not answer`,
    why,
    next: 'see whether it runs, and whether this machine may reach it',
    cause: thrown,
  });
}
