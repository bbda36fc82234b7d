import { readFile } from 'node:fs/promises';
import { Secret } from '../core/secret.js';
import { command } from '../ssh/command.js';
import type { Proof } from '../state/manifest.js';
import { CoolifyApi } from './api.js';
import { keyRingOf } from './app-key.js';
import { containerHealth } from './containers.js';
import { databaseDifferences, readDatabase } from './database-compare.js';
import { EnvFile } from './env-file.js';
import { gatherFacts, installedVersion } from './facts.js';
import { keyFilesOf, readKeyFolder } from './key-folder.js';
import { judge, recordedCounts } from './proofs.js';
import { contentOf, readPaths } from './remote-files.js';
import { presentAuthorizedKeys } from './restore-authorized-keys.js';
import { liveAccess } from './restore-database.js';
import { TOKEN_PATH } from './stored-paths.js';
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
  const differences = databaseDifferences(source.instance.database, dump);
  const folder = await readKeyFolder(connection, layout.keys, signal);
  const verdict = judge({
    ring,
    dump,
    rowCounts: recordedCounts(source.instance),
    keyFiles: keyFilesOf(folder.files),
    authorizedKeys: await presentAuthorizedKeys(target, signal),
  });
  const rows = source.instance.database.tables.reduce((sum, table) => sum + table.rows, 0);
  const proofs: Proof[] = [
    await proveHealth(target, env, signal),
    await proveVersion(target, signal),
    {
      name: 'rows',
      ok: differences.length === 0,
      detail:
        differences.length === 0
          ? `all ${source.instance.database.tables.length} tables hold the snapshot's ${rows} rows`
          : differences.slice(0, 5).join('; '),
    },
    await proveLogin(target, env, signal),
    ...verdict.proofs,
    ...(await proveToken(target, env, signal)),
  ];
  return { proofs, warnings: verdict.warnings };
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

async function proveHealth({ connection }: Target, env: EnvFile, signal: AbortSignal): Promise<Proof> {
  const health = await containerHealth(connection, 'coolify', signal);
  const { status } = await new CoolifyApi(connection, env).health(signal);
  return {
    name: 'health',
    ok: (health === 'healthy' || health === 'none') && status === 200,
    detail: `the container coolify is ${health ?? 'missing'}, /api/health answers ${status || 'nothing'}`,
  };
}

async function proveVersion(target: Target, signal: AbortSignal): Promise<Proof> {
  target.facts = await gatherFacts(target.connection, target.layout, signal);
  const version = installedVersion(target.facts);
  const wanted = target.source.instance.coolify.version;
  return {
    name: 'version',
    ok: version === wanted,
    detail: `Coolify ${version ?? 'is missing'} runs, the snapshot is of ${wanted}`,
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

async function proveToken(target: Target, env: EnvFile, signal: AbortSignal): Promise<Proof[]> {
  if (target.file(TOKEN_PATH) === undefined) return [];
  const token = new Secret(await readFile(target.localPath(TOKEN_PATH), 'utf8'));
  const { status } = await new CoolifyApi(target.connection, env).version(token, signal);
  return [
    {
      name: 'api-token',
      ok: status === 200,
      detail:
        status === 200 ? 'the saved API token is accepted' : `the API answers the saved token with ${status}`,
    },
  ];
}
