import { chmod, copyFile, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { releasedSnapshots } from '../../released-snapshots.js';

/** A folder with all that a command line can name: a host that does not answer, and a released snapshot of it. */
export interface Place {
  readonly host: string;
  at(name: string): string;
  /** Options for an inventory of this place; `inventory.yml` is a good one. */
  options(inventory?: string): string[];
  remove(): Promise<void>;
}

export async function openPlace(): Promise<Place> {
  const [released] = releasedSnapshots();
  if (released === undefined) throw new Error('there is no released snapshot');
  const { host, repository, identity, object } = released;
  const folder = await mkdtemp(join(tmpdir(), 'every-command-'));
  const at = (name: string): string => join(folder, name);
  for (const name of ['repository', 'broken']) await cp(repository, at(name), { recursive: true });
  await writeFile(join(at('broken'), object.slice(repository.length + 1)), 'not what was stored');
  await copyFile(identity, at('identity'));
  await chmod(at('identity'), 0o600);
  await copyFile(`${identity}.pub`, at('identity.pub'));
  const vars = {
    ansible_host: '127.0.0.1',
    ansible_port: await closedPort(),
    ansible_user: 'root',
    ansible_ssh_retries: 0,
    coolify_ssh_config: 'none',
    coolify_known_hosts_file: at('known_hosts'),
    coolify_backup_encryption_key_path: at('identity'),
  };
  for (const [name, stored] of [
    ['inventory.yml', 'repository'],
    ['broken.yml', 'broken'],
    // Below a file there is no folder.
    ['blocked.yml', 'notes.txt/repository'],
  ] as const) {
    const all = { ...vars, coolify_repository: [`file:${at(stored)}`] };
    // JSON is YAML.
    await writeFile(at(name), JSON.stringify({ controller: { hosts: { [host]: all } } }));
  }
  await writeFile(at('syntax.yml'), 'controller:\n  hosts: [\n');
  await writeFile(at('notes.txt'), 'no archive\n');
  return {
    host,
    at,
    options: (inventory = 'inventory.yml') => ['-i', at(inventory), '--state-dir', at('state')],
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A port of this machine where nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('the server had no port');
  return address.port;
}
