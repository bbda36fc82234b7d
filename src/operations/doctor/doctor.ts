import { resolve } from 'node:path';
import { readSettings, type Settings } from '../../coolify/settings/settings.js';
import { asStateError } from '../../core/errors.js';
import { runHosts } from '../../engine/run-hosts.js';
import type { Host } from '../../inventory/host.js';
import { command } from '../../ssh/command.js';
import type { Connection } from '../../ssh/connection.js';
import type { StateFolder } from '../../state/state-folder.js';
import { bad, type Finding, fine, looking, skipped, warning } from '../hosts/finding.js';
import type { HostConfig } from '../hosts/host-config.js';
import { type HostSelection, hostConfigOf, openInventory, surroundings } from '../hosts/load-hosts.js';
import { checkHostClock, checkStoreClock } from './check-clocks.js';
import { checkConnection } from './check-connection.js';
import { checkCoolify, checkSystem } from './check-coolify.js';
import { checkKeys } from './check-keys.js';
import { checkMachine } from './check-machine.js';
import { checkRepository, noRepository } from './check-repository.js';
import { checkSnapshots } from './check-snapshots.js';
import { checkHostState, checkStateFolder } from './check-state.js';

export interface DoctorOptions {
  readonly stateRoot: string;
  /** Hosts looked at at once. */
  readonly forks: number;
  readonly signal: AbortSignal;
  readonly onFinding?: (finding: Finding) => void;
}

/**
 * Looks at all that a backup and a restore need: this machine, the inventory, the keys, each host, each repository.
 * Nothing is changed on a host; in a repository a tiny object is stored and removed again. What is wrong is a finding, not
 * an error. Findings without a host are of this machine.
 * @throws the signal's reason
 */
export async function doctor(
  selection: HostSelection,
  { stateRoot, forks, signal, onFinding }: DoctorOptions,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const note = (found: readonly Finding[], host?: string): void => {
    for (const one of found) {
      const finding = host === undefined ? one : { ...one, host };
      findings.push(finding);
      onFinding?.(finding);
    }
  };
  note(checkMachine());
  const { state, findings: folder } = await checkStateFolder(resolve(stateRoot), signal);
  note(folder);
  const { hosts, findings: inventory } = await selectedHosts(selection);
  note(inventory);
  await runHosts(hosts, forks, async (host) => {
    note(await checkOneHost(host, state, selection.passphrase, signal), host.name);
  });
  signal.throwIfAborted();
  return findings;
}

async function selectedHosts(
  selection: HostSelection,
): Promise<{ readonly hosts: readonly Host[]; readonly findings: readonly Finding[] }> {
  const findings: Finding[] = [];
  const warn = (message: string): void => {
    findings.push(warning('inventory.read', message, 'correct the inventory'));
  };
  try {
    const inventory = await openInventory({ ...selection, warn });
    const hosts = inventory.select(selection.pattern, { limit: selection.limit });
    findings.push(fine('inventory.read', `${hosts.length} of ${inventory.hosts.length} hosts are meant`));
    return { hosts, findings };
  } catch (error) {
    return {
      hosts: [],
      findings: [...findings, bad('inventory.read', asStateError(error, 'The inventory could not be read'))],
    };
  }
}

async function checkOneHost(
  host: Host,
  state: StateFolder | undefined,
  passphrase: HostSelection['passphrase'],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  let config: HostConfig;
  let settings: Settings;
  try {
    settings = readSettings(host, surroundings());
    config = await hostConfigOf(host, settings, passphrase);
  } catch (error) {
    return [bad('inventory.settings', asStateError(error, 'The settings of the host could not be read'))];
  }
  return [
    fine('inventory.settings', 'every setting is understood'),
    ...plainPasswords(settings),
    ...(await checkKeys(config)),
    ...(state === undefined ? [] : await checkHostState(state, config.name, signal)),
    ...(await checkRemote(config, signal)),
    ...(await checkRepositories(config, signal)),
  ];
}

/** A password that no vault holds is read by whoever reads the inventory. */
function plainPasswords({ password, becomePassword }: Settings): Finding[] {
  return [password, becomePassword].flatMap(({ name, value, source, hidden }) =>
    value === undefined || hidden === true || source.kind !== 'inventory'
      ? []
      : [
          warning(
            'inventory.password',
            `${name} stands in the inventory as plain text`,
            'put it into a vault: ansible-vault encrypt_string',
          ),
        ],
  );
}

async function checkRemote(config: HostConfig, signal: AbortSignal): Promise<readonly Finding[]> {
  const { connection, findings } = await checkConnection(config.endpoint, { signal });
  if (connection === undefined)
    return [...findings, skipped('coolify.version', 'the host was not looked at: there is no connection')];
  try {
    const { facts, findings: system } = await checkSystem(connection, config.layout, signal);
    return [
      ...findings,
      ...system,
      ...(await checkHostClock(connection, signal)),
      ...(facts?.docker === undefined
        ? [skipped('coolify.version', 'Coolify was not looked at: see what is bad above')]
        : await checkCoolify(connection, config.layout, facts, signal)),
      ...(facts === undefined ? [] : await restoreNotes(connection, config, signal)),
    ];
  } finally {
    await connection.close();
  }
}

/** A restore leaves notes while it is under way. */
function restoreNotes(
  connection: Connection,
  { layout }: HostConfig,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  return looking('host.restore', signal, async () => {
    const { code } = await connection.run(command('test', '-e', layout.restoreNotes), {
      signal,
      check: false,
    });
    if (code !== 0) return [];
    return [
      warning(
        'host.restore',
        `a restore of this host was begun and did not end (${layout.restoreNotes})`,
        'run it again: it goes on where it stopped',
      ),
    ];
  });
}

async function checkRepositories(
  { repositories, name }: HostConfig,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  if (repositories.length === 0) return [noRepository()];
  const findings: Finding[] = [];
  for (const settings of repositories) {
    findings.push(
      ...(await checkRepository(settings, signal, async (repository) => [
        ...(settings.kind === 's3' ? await checkStoreClock(repository, signal) : []),
        ...(await checkSnapshots(repository, name, signal)),
      ])),
    );
  }
  return findings;
}
