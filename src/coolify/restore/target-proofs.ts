import { readFile } from 'node:fs/promises';
import { Secret } from '../../core/secret.js';
import { lastLines } from '../../core/terminal-text.js';
import { command } from '../../ssh/command.js';
import type { Proof } from '../../state/manifest.js';
import { CoolifyApi, tokenHash } from '../api/api.js';
import { keyRingOf } from '../app-key.js';
import { containerHealth } from '../containers.js';
import { databaseDifferences, readDatabase } from '../database/compare.js';
import { type DumpEvidence, tableTitle } from '../database/dump-evidence.js';
import { liveAccess } from '../database/swap.js';
import { EnvFile } from '../env-file.js';
import { gatherFacts, installedVersion } from '../facts.js';
import { keyFilesOf, readKeyFolder } from '../key-folder.js';
import { judge, recordedCounts } from '../proofs.js';
import { contentOf, readPaths } from '../remote-files.js';
import { TOKEN_PATH } from '../stored-paths.js';
import { presentAuthorizedKeys } from './authorized-keys.js';
import { proveLocalhost } from './prove-localhost.js';
import type { Target } from './target.js';

/**
 * Proves on the running target that it is the instance of the snapshot: the proofs of a backup, now of the live
 * host, and those that only a live host can give.
 */
export async function proveTarget(
  target: Target,
  signal: AbortSignal,
): Promise<{ proofs: Proof[]; warnings: readonly string[] }> {
  const { connection, layout, source } = target;
  const env = await liveEnv(target, signal);
  const ring = keyRingOf(env, layout.env, (text) => new Secret(text));
  const access = await liveAccess(target, signal);
  const dump = await readDatabase(connection, access, ring, { signal });
  const folder = await readKeyFolder(connection, layout.keys, signal);
  const verdict = judge({
    ring,
    dump,
    rowCounts: recordedCounts(source.instance),
    keyFiles: keyFilesOf(folder.files),
    authorizedKeys: await presentAuthorizedKeys(target, signal),
  });
  const rows = proveRows(target, dump);
  const proofs: Proof[] = [
    await proveHealth(target, env, signal),
    await proveVersion(target, signal),
    rows.proof,
    proveSequences(target, dump),
    await proveLogin(target, env, signal),
    // That the dump has all rows is said by `rows`; a live instance may have added some.
    ...verdict.proofs.filter(({ name }) => name !== 'dump'),
    ...(await proveLocalhost(target, verdict.keys, signal)),
    ...(await proveToken(target, env, dump, signal)),
  ];
  return { proofs, warnings: [...verdict.warnings, ...rows.warnings] };
}

async function liveEnv({ connection, layout }: Target, signal: AbortSignal): Promise<EnvFile> {
  let env = EnvFile.parse('');
  await readPaths(
    connection,
    [layout.env],
    async (_file, content) => {
      env = EnvFile.parse((await contentOf(content, 1024 * 1024, layout.env)).toString('utf8'));
    },
    signal,
  );
  return env;
}

async function proveHealth(
  { connection, layout }: Target,
  env: EnvFile,
  signal: AbortSignal,
): Promise<Proof> {
  const health = await containerHealth(connection, 'coolify', signal);
  const { status } = await new CoolifyApi(connection, env, layout).health(signal);
  return {
    name: 'health',
    ok: (health === 'healthy' || health === 'none') && status === 200,
    detail: `the container coolify is ${health ?? 'missing'}, /api/health answers ${status || 'nothing'}`,
  };
}

async function proveVersion(target: Target, signal: AbortSignal): Promise<Proof> {
  target.facts = await gatherFacts(target.connection, target.layout, signal);
  const version = installedVersion(target.facts);
  const { version: wanted, migrates, source } = target;
  const snapshot = source.instance.coolify.version;
  return {
    name: 'version',
    ok: version === wanted,
    detail: migrates
      ? `Coolify ${version ?? 'is missing'} runs, ${wanted} was to stay; it has brought the database of ${snapshot} up to itself`
      : `Coolify ${version ?? 'is missing'} runs, the snapshot is of ${wanted}`,
  };
}

/** The password of `.env` opens the database over the network, as Coolify itself does; local sockets ask for none. */
async function proveLogin({ connection, layout }: Target, env: EnvFile, signal: AbortSignal): Promise<Proof> {
  const login = command(
    ...(['docker', 'exec', '-i', layout.databaseContainer, 'sh', '-c', LOGIN, 'sh'] as const),
    ...[env.get('DB_USERNAME') || 'coolify', env.get('DB_DATABASE') || 'coolify'],
  );
  const { code } = await connection.run(login, {
    input: `${env.get('DB_PASSWORD') ?? ''}\n`,
    signal,
    check: false,
  });
  return {
    name: 'database-login',
    ok: code === 0,
    detail: code === 0 ? 'DB_PASSWORD opens the database' : 'DB_PASSWORD does not open the database',
  };
}

const LOGIN = `
IFS= read -r PGPASSWORD; export PGPASSWORD
exec psql --no-psqlrc --quiet --host="$(hostname -i | cut -d' ' -f1)" --username="$1" --dbname="$2" --command='SELECT 1' >/dev/null
`;

/** The token works again, unless it was dead or the API closed when the snapshot was taken: then that is as it was. */
async function proveToken(
  target: Target,
  env: EnvFile,
  dump: DumpEvidence,
  signal: AbortSignal,
): Promise<Proof[]> {
  if (target.file(TOKEN_PATH) === undefined) return [];
  const token = new Secret(await readFile(target.localPath(TOKEN_PATH), 'utf8'));
  if (!dump.tokenHashes.has(tokenHash(token))) {
    return [
      {
        name: 'api-token',
        ok: true,
        detail: 'the saved API token is unknown to the instance, as it was when it was backed up',
      },
    ];
  }
  const { status, body } = await new CoolifyApi(target.connection, env, target.layout).version(token, signal);
  if (status === 403) {
    return [
      {
        name: 'api-token',
        ok: true,
        detail: `the API is closed by the instance's own settings (${lastLines(body, 1).slice(0, 80)})`,
      },
    ];
  }
  return [
    {
      name: 'api-token',
      ok: status === 200,
      detail:
        status === 200 ? 'the saved API token is accepted' : `the API answers the saved token with ${status}`,
    },
  ];
}

/** A sequence that stands further back than it did would give out numbers that are taken. */
function proveSequences({ source }: Target, { summary }: DumpEvidence): Proof {
  const live = new Map(
    summary.sequences.map((sequence) => [`${sequence.schema}.${sequence.name}`, sequence]),
  );
  const { sequences } = source.instance.database;
  const wrong = sequences.flatMap(({ schema, name, lastValue }) => {
    const found = live.get(`${schema}.${name}`);
    if (found === undefined) return [`${name} is missing`];
    return BigInt(found.lastValue) >= BigInt(lastValue)
      ? []
      : [`${name} stands at ${found.lastValue} instead of ${lastValue}`];
  });
  return {
    name: 'sequences',
    ok: wrong.length === 0,
    detail:
      wrong.length === 0
        ? `all ${sequences.length} sequences stand where they stood, or further on`
        : wrong.slice(0, 5).join('; '),
  };
}

/** Rows that nothing but a person changes: they must be the snapshot's also after Coolify has come up. */
const MUST_NOT_MOVE: readonly string[] = ['private_keys', 'users', 'teams', 'environment_variables'];

/**
 * The dump was compared with the snapshot to its last row before it was swapped in. What Coolify has changed since, at its
 * start and while it works, is its own; but every table is there, and what only people change is as it was.
 */
function proveRows(target: Target, dump: DumpEvidence): { proof: Proof; warnings: string[] } {
  const { database } = target.source.instance;
  const differences = databaseDifferences(database, dump);
  const rowsOf = new Map(dump.summary.tables.map((table) => [tableTitle(table), table.rows]));
  const sameCount = (title: string): boolean =>
    database.tables.some((table) => tableTitle(table) === title && table.rows === rowsOf.get(title));
  const wrong = differences.filter(
    ({ table, missing }) =>
      missing ||
      // A migration may give every row another column, but none may come or go.
      (table !== undefined && MUST_NOT_MOVE.includes(table) && !(target.migrates && sameCount(table))),
  );
  const rows = database.tables.reduce((sum, table) => sum + table.rows, 0);
  const moved = differences.filter((difference) => !wrong.includes(difference));
  const same = `all ${database.tables.length} tables hold the snapshot's ${rows} rows`;
  return {
    proof: {
      name: 'rows',
      ok: wrong.length === 0,
      detail:
        wrong.length > 0
          ? wrong
              .slice(0, 5)
              .map(({ text }) => text)
              .join('; ')
          : moved.length === 0
            ? same
            : `all ${database.tables.length} tables are there; since it came up Coolify has changed ${moved.length} of them itself`,
    },
    warnings: moved.slice(0, 5).map(({ text }) => `changed by Coolify since it came up: ${text}`),
  };
}
