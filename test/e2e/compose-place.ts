import { chmod, chown, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FleetHost } from './fleet-lab.js';
import { collect, LAB, lab, type Outcome, PROJECT } from './lab.js';

/** A folder as docs/fleet.md has it for `docker compose`: the compose file itself, inventory, keys and secrets. */
export interface ComposePlace {
  /** `docker compose` in the folder. */
  compose(...args: readonly string[]): Promise<Outcome>;
  /** The same, and it has to go well. What was printed. */
  composed(...args: readonly string[]): Promise<string>;
  /** What the engine has of the project: containers, networks or volumes. */
  left(kind: 'container' | 'network' | 'volume'): Promise<string[]>;
  remove(): Promise<void>;
}

export interface ComposePlaceFacts {
  readonly hosts: readonly FleetHost[];
  readonly vars: Readonly<Record<string, unknown>>;
  /** By the names under which the program looks for them. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly image: string;
}

/** A user's own fleet, and image, would go by the names in the file. */
const PROJECT_NAME = 'coolify-state-lab-fleet';
/** Where containers of the project reach hosts and S3: on this machine they are containers too. */
const NETWORK = 'coolify-state-lab-fleet-hosts';
const S3_CONTAINER = 'coolify-state-lab-s3';
/** The image's own user. */
const USER = 1000;

export async function composePlace(facts: ComposePlaceFacts): Promise<ComposePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'coolify-state-compose-'));
  const compose = (...args: readonly string[]): Promise<Outcome> =>
    collect(join(PROJECT, 'docker/compose.sh'), args, {
      cwd: folder,
      env: { COMPOSE_PROJECT_NAME: PROJECT_NAME },
    });
  const composed = async (...args: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await compose(...args);
    if (status !== 0)
      throw new Error(`docker compose ${args.join(' ')}: status ${status}\n${stdout}${stderr}`);
    return stdout;
  };
  await lab('compose.sh');
  await copyFile(join(PROJECT, 'docker/fleet/compose.yaml'), join(folder, 'compose.yaml'));
  await writeFile(join(folder, 'compose.override.yaml'), overrideOf(facts.image));
  await writeFolders(folder, facts);
  // What a run left that was broken off.
  await compose('down', '--volumes', '--remove-orphans');
  const containers = await connectedLab(facts.hosts);
  return {
    compose,
    composed,
    left: async (kind) => {
      const filter = `label=com.docker.compose.project=${PROJECT_NAME}`;
      const all = kind === 'container' ? ['--all'] : [];
      return (await engine(kind, 'ls', ...all, '--quiet', '--filter', filter)).split('\n').filter(Boolean);
    },
    remove: async () => {
      await compose('down', '--volumes', '--remove-orphans');
      for (const container of containers)
        await collect('docker', ['network', 'disconnect', '--force', NETWORK, container]);
      await collect('docker', ['network', 'rm', NETWORK]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What this machine forces: images that no registry has, and a way to hosts that are containers. */
function overrideOf(image: string): string {
  const own = { image, networks: ['default', 'hosts'] };
  const services = {
    redis: { image: 'coolify-state-lab/redis' },
    'worker-1': own,
    'worker-2': own,
    scheduler: own,
  };
  // JSON is YAML.
  return JSON.stringify({ services, networks: { hosts: { name: NETWORK, external: true } } });
}

async function writeFolders(folder: string, { hosts, vars, secrets }: ComposePlaceFacts): Promise<void> {
  const at = (name: string): string => join(folder, name);
  for (const name of ['inventory', 'ssh', 'secrets']) await mkdir(at(name));
  const entries = hosts.map(({ name, real, group }) => [
    name,
    { ansible_host: real, ansible_user: 'root', coolify_fleet_group: group },
  ]);
  const all = { vars: { coolify_backup_encryption_key_path: '~/.ssh/backup.pub', ...vars } };
  await writeFile(
    at('inventory/hosts.yml'),
    JSON.stringify({ all, controller: { hosts: Object.fromEntries(entries) } }),
  );
  await copyFile(join(LAB, 'id_ed25519'), at('ssh/id_ed25519'));
  await copyFile(join(LAB, 'backup_ed25519.pub'), at('ssh/backup.pub'));
  await writeFile(at('ssh/known_hosts'), await knownHosts(hosts));
  for (const [name, value] of Object.entries(secrets))
    await writeFile(join(at('secrets'), name), `${value}\n`);
  for (const private_ of ['ssh', 'secrets']) {
    for (const name of await readdir(at(private_))) {
      await chmod(join(at(private_), name), 0o400);
      await chown(join(at(private_), name), USER, USER);
    }
    await chmod(at(private_), 0o500);
    await chown(at(private_), USER, USER);
  }
}

/** The same keys, under the names that hosts have among containers. */
async function knownHosts(hosts: readonly FleetHost[]): Promise<string> {
  const real = new Map(hosts.map((host) => [host.real, host.port]));
  const texts = await Promise.all(
    [...real].map(async ([name, port]) => {
      const text = await readFile(join(LAB, 'known_hosts.d', String(port)), 'utf8');
      return text.replaceAll(`[127.0.0.1]:${port}`, name);
    }),
  );
  return texts.join('');
}

/** Hosts go by their own names then, and S3 by that of its container. */
async function connectedLab(hosts: readonly FleetHost[]): Promise<string[]> {
  const names = [...new Set(hosts.map(({ real }) => real))];
  const containers = [...names.map((name) => `coolify-state-lab-host-${name}`), S3_CONTAINER];
  const options = ['--label', 'coolify-state.lab=1', NETWORK];
  const { status } = await collect('docker', ['network', 'inspect', NETWORK]);
  if (status !== 0) await engine('network', 'create', ...options);
  for (const [index, container] of containers.entries()) {
    await collect('docker', ['network', 'disconnect', '--force', NETWORK, container]);
    await engine('network', 'connect', '--alias', names[index] ?? 's3.test', NETWORK, container);
  }
  return containers;
}

async function engine(...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await collect('docker', args);
  if (status !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`);
  return stdout;
}
