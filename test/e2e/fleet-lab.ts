import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSurelyDead } from '../../src/core/process-identity.js';
import { LeaseChain } from '../../src/repository/lease/chain.js';
import { openRepository, type RepositorySettings } from '../../src/repository/open.js';
import { type DescribedSnapshot, SnapshotRepository } from '../../src/repository/snapshots/snapshots.js';
import { ALL_OUTPUT, knownHostsOf, LAB, PROGRAM, PROJECT } from './lab.js';

/** A fleet for tests: real hosts in the Docker lab, each under several names, worked on by processes of the built program. */

export interface FleetHost {
  readonly name: string;
  /** The real host behind it. */
  readonly real: string;
  readonly port: number;
  readonly group: string;
}

/** `count` names over the real hosts; each real host is a site of its own. */
export function fleetHosts(
  real: readonly { readonly name: string; readonly port: number }[],
  count: number,
): FleetHost[] {
  return Array.from({ length: count }, (_one, index) => {
    const { name, port } = real[index % real.length] ?? { name: '', port: 0 };
    return {
      name: `fleet${String(index).padStart(2, '0')}`,
      real: name,
      port,
      group: `site-${index % real.length}`,
    };
  });
}

export async function writeFleetInventory(
  path: string,
  hosts: readonly FleetHost[],
  repository: string,
): Promise<void> {
  const vars = {
    ansible_host: '127.0.0.1',
    ansible_user: 'root',
    ansible_ssh_private_key_file: join(LAB, 'id_ed25519'),
    ansible_ssh_retries: 0,
    ansible_timeout: 20,
    coolify_backup_encryption_key_path: join(LAB, 'backup_ed25519'),
    coolify_repository: `file:${repository}`,
    coolify_keep_last: 50,
    coolify_fleet_group_limit: 3,
    coolify_fleet_attempts: 4,
    coolify_fleet_retry_after: '1s',
    coolify_fleet_backup_every: '1d',
  };
  const entries = hosts.map(({ name, port, group }) => [
    name,
    { ansible_port: port, coolify_known_hosts_file: knownHostsOf(port), coolify_fleet_group: group },
  ]);
  // JSON is YAML.
  await writeFile(
    path,
    JSON.stringify({ all: { vars }, controller: { hosts: Object.fromEntries(entries) } }),
  );
}

export interface WorkerProcess {
  readonly process: ChildProcess;
  /** As a crash would. */
  kill(): Promise<void>;
  /** SIGTERM, and the exit status. */
  drain(): Promise<number | null>;
}

/** A worker as a process of its own. */
export function startWorkerProcess(
  options: readonly string[],
  env: Readonly<Record<string, string>>,
): WorkerProcess {
  const args = ['fleet', 'worker', '--concurrency', '2', '--stalled-after', '5s', ...options];
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: PROJECT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => ALL_OUTPUT.push(chunk.toString()));
  const ended = once(child, 'exit');
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
    return child.exitCode;
  };
  return {
    process: child,
    kill: async () => {
      await end('SIGKILL');
    },
    drain: () => end('SIGTERM'),
  };
}

/** What there is of a round, host by host, and what should not be there. */
export interface RoundCounts {
  readonly hosts: number;
  /** Hosts with exactly one good snapshot of the round. */
  readonly one: number;
  readonly none: number;
  readonly more: number;
  /** Snapshots of any round that cannot be relied on. */
  readonly bad: number;
  /** Leases that somebody alive holds. */
  readonly held: number;
  /** Objects of uploads that were broken off; `prune` takes them away. */
  readonly leftovers: number;
}

export async function countRound(
  settings: RepositorySettings,
  hosts: readonly FleetHost[],
  round: string,
): Promise<RoundCounts> {
  const repository = await openRepository(settings);
  try {
    const snapshots = new SnapshotRepository(repository);
    const found = await Promise.all(hosts.map(({ name }) => snapshots.listDescribed(name)));
    const ofRound = found.map((all) => all.filter(({ sidecar }) => sidecar?.round === round).length);
    const leftovers = await Promise.all(
      hosts.map(({ name }) => snapshots.leftovers(new Date(8.64e15), name)),
    );
    const held = await Promise.all(hosts.map(({ name }) => isHeld(new LeaseChain(repository, name))));
    return {
      hosts: hosts.length,
      one: ofRound.filter((count) => count === 1).length,
      none: ofRound.filter((count) => count === 0).length,
      more: ofRound.filter((count) => count > 1).length,
      bad: found.flat().filter(isBad).length,
      held: held.filter((one) => one).length,
      leftovers: leftovers.flat().length,
    };
  } finally {
    await repository.close();
  }
}

function isBad({ sidecar, problem }: DescribedSnapshot): boolean {
  return problem !== undefined || sidecar.proofs.some(({ ok }) => !ok);
}

/** Those of processes that died count as free, as the next run takes them for. */
async function isHeld(chain: LeaseChain): Promise<boolean> {
  const newest = await chain.newest();
  const record = newest === undefined ? undefined : await chain.read(newest.number);
  return typeof record === 'object' && record.state === 'held' && !(await isSurelyDead(record));
}
