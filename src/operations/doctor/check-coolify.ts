import { type KeyRing, keyRingOf } from '../../coolify/app-key.js';
import { containerHealth } from '../../coolify/containers.js';
import { EnvFile } from '../../coolify/env-file.js';
import {
  containerOf,
  gatherFacts,
  type HostFacts,
  installedVersion,
  requireUsableHost,
} from '../../coolify/facts.js';
import type { Layout } from '../../coolify/layout.js';
import { contentOf, readPaths } from '../../coolify/remote-files.js';
import { asStateError, StateError } from '../../core/errors.js';
import { Secret } from '../../core/secret.js';
import { printable } from '../../core/terminal-text.js';
import { command } from '../../ssh/command.js';
import type { Connection } from '../../ssh/connection.js';
import { bad, type Finding, fine, looking, skipped, warning } from '../hosts/finding.js';
import { databaseFindings } from './check-database.js';

const ENV_LIMIT = 1024 * 1024;

/** What the host is: who we are there, its system and its Docker. @throws the signal's reason */
export async function checkSystem(
  connection: Connection,
  layout: Layout,
  signal: AbortSignal,
): Promise<{ readonly facts: HostFacts | undefined; readonly findings: readonly Finding[] }> {
  let facts: HostFacts | undefined;
  const findings = await looking('host.root', signal, async () => {
    facts = await gatherFacts(connection, layout, signal);
    requireUsableHost(facts);
    return [
      fine('host.root', 'commands run as root'),
      fine('host.system', `${facts.system}, ${facts.architecture}`),
      facts.docker === undefined
        ? bad(
            'host.docker',
            new StateError({
              kind: 'failed',
              code: 'host.no-docker',
              what: facts.hasDocker
                ? 'Docker is installed and its engine does not answer'
                : 'There is no Docker on the host',
              next: facts.hasDocker
                ? 'look at "systemctl status docker" on the host and start it'
                : 'on a host to restore onto that is as it should be: the installer brings Docker along; else check its address',
            }),
          )
        : fine('host.docker', `Docker ${facts.docker}`),
    ];
  });
  return {
    facts: findings.some(({ verdict }) => verdict === 'bad') && facts?.uid !== 0 ? undefined : facts,
    findings,
  };
}

/** Coolify itself: containers, `.env`, database, and whether the one opens the other. Nothing is written. */
export async function checkCoolify(
  connection: Connection,
  layout: Layout,
  facts: HostFacts,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const version = installedVersion(facts);
  if (version === undefined) return [noCoolify()];
  const ring = await readRing(connection, layout, signal);
  return [
    fine('coolify.version', `Coolify ${printable(version)} in ${layout.data}`),
    ...(await looking('coolify.containers', signal, () =>
      containerFindings(connection, layout, facts, signal),
    )),
    ring.finding,
    ...(ring.env === undefined
      ? [skipped('coolify.database', 'the database was not looked at, because .env could not be read')]
      : await looking('coolify.database', signal, () => databaseFindings(connection, layout, ring, signal))),
  ];
}

/** There is none: a host to restore onto, or the wrong one. */
function noCoolify(): Finding {
  return bad(
    'coolify.version',
    new StateError({
      kind: 'failed',
      code: 'host.no-coolify',
      what: 'No Coolify stands on the host: there is nothing to back up',
      next: 'check its address; a bare host can be restored onto with "coolify-state restore"',
    }),
  );
}

/** Where the container gets its `.env` from: `/data/coolify`, unless somebody installed it elsewhere. */
export async function dataPathOf(connection: Connection, signal: AbortSignal): Promise<string | undefined> {
  const mount = '{{range .Mounts}}{{if eq .Destination "/var/www/html/.env"}}{{.Source}}{{end}}{{end}}';
  const { code, stdout } = await connection.run(
    command('docker', 'inspect', '--type', 'container', '--format', mount, 'coolify'),
    { signal, check: false },
  );
  const source = stdout.toString('utf8').trim();
  return code === 0 ? /^(\/.+)\/source\/\.env$/.exec(source)?.[1] : undefined;
}

async function containerFindings(
  connection: Connection,
  layout: Layout,
  facts: HostFacts,
  signal: AbortSignal,
): Promise<Finding[]> {
  const needed = ['coolify', layout.databaseContainer];
  const findings: Finding[] = [];
  const well: string[] = [];
  for (const { name, state } of facts.containers) {
    const health = state === 'running' ? await containerHealth(connection, name, signal) : undefined;
    const isWell = state === 'running' && (health === 'healthy' || health === 'none');
    if (isWell) well.push(name);
    else {
      const what = `the container ${printable(name)} is ${printable(health ?? state)}`;
      const fix = `look at "docker logs ${printable(name)}" on the host`;
      findings.push(
        needed.includes(name) && state !== 'running'
          ? bad(
              'coolify.containers',
              new StateError({ kind: 'failed', code: 'coolify.not-running', what, next: fix }),
            )
          : warning('coolify.containers', what, fix),
      );
    }
  }
  if (containerOf(facts, layout.databaseContainer) === undefined) {
    findings.push(
      bad(
        'coolify.containers',
        new StateError({
          kind: 'failed',
          code: 'coolify.no-database',
          what: `there is no container ${layout.databaseContainer}, which holds the database`,
          next: 'name it with coolify_database_container in the inventory',
        }),
      ),
    );
  }
  return findings.length > 0
    ? findings
    : [fine('coolify.containers', `${well.join(', ')}: running and healthy`)];
}

/** `.env` as it was read, and the keys in it. */
interface Ring {
  readonly finding: Finding;
  readonly env: EnvFile | undefined;
  readonly keys: KeyRing | undefined;
}

async function readRing(connection: Connection, layout: Layout, signal: AbortSignal): Promise<Ring> {
  let env: EnvFile | undefined;
  try {
    await readPaths(
      connection,
      [layout.env],
      async (_file, content) => {
        env = EnvFile.parse((await contentOf(content, ENV_LIMIT, layout.env)).toString('utf8'));
      },
      signal,
    );
    if (env === undefined) {
      throw new StateError({
        kind: 'failed',
        code: 'coolify.no-env',
        what: `There is no ${layout.env}`,
        next: 'say with coolify_data_path where Coolify lives on the host',
      });
    }
    const keys = keyRingOf(env, layout.env, (text) => new Secret(text));
    return { env, keys, finding: fine('coolify.env', `${layout.env} holds a usable APP_KEY`) };
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asStateError(thrown, `${layout.env} could not be read`);
    return { env, keys: undefined, finding: bad('coolify.env', error) };
  }
}
