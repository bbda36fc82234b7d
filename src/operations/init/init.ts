import { installedVersion } from '../../coolify/facts.js';
import { readSettings } from '../../coolify/settings/settings.js';
import { StateError } from '../../core/errors.js';
import type { Connection } from '../../ssh/connection.js';
import { type ConfirmHostKey, checkConnection } from '../doctor/check-connection.js';
import { checkSystem, dataPathOf } from '../doctor/check-coolify.js';
import { checkKeys } from '../doctor/check-keys.js';
import {
  checkRepository,
  missingCredentials,
  noRepository,
  SET_CREDENTIALS,
} from '../doctor/check-repository.js';
import { type Finding, fine, skipped, warning } from '../hosts/finding.js';
import type { HostConfig } from '../hosts/host-config.js';
import { type HostSelection, hostConfigOf, openInventory, surroundings } from '../hosts/load-hosts.js';
import type { CompleteAnswers } from './answers.js';
import { asCandidate, type InventoryFile, inventoryText, writeInventory } from './files.js';
import { ignoreState } from './gitignore.js';
import { makeKeyPair } from './keys.js';

export interface InitOptions extends Pick<HostSelection, 'vault' | 'passphrase' | 'warn'> {
  readonly cwd: string;
  /** Where it goes, found by `inventoryFile`: nobody is asked anything in vain. */
  readonly file: InventoryFile;
  readonly stateFolder: string;
  /** Nothing is checked, and nothing contacted. */
  readonly offline: boolean;
  readonly confirmHostKey: ConfirmHostKey;
  readonly signal: AbortSignal;
  readonly onFinding?: (finding: Finding) => void;
}

export interface InitResult {
  readonly host: string;
  readonly findings: readonly Finding[];
  /** Files that were written, in order. Empty when a check was bad. */
  readonly written: readonly string[];
  /** Of a key that was made: where it is, and its fingerprint. */
  readonly newKey: { readonly path: string; readonly fingerprint: string } | undefined;
  /** What to set in the environment before the first backup; empty when it is set. */
  readonly environment: readonly string[];
}

/**
 * Writes a first inventory, or adds a host to one: checks with it that the host can be worked on and that the place for
 * snapshots can be written to, makes the key that was asked for, and makes git ignore the state. If a check is bad, nothing
 * is written. Nothing that exists is written over.
 * @throws StateError `init.*`, `settings.*`, `inventory.*`
 */
export async function init(answers: CompleteAnswers, options: InitOptions): Promise<InitResult> {
  const { cwd, file, offline, signal, onFinding } = options;
  const findings: Finding[] = [];
  const note = (found: readonly Finding[]): void => {
    for (const one of found) {
      const finding = { ...one, host: answers.name };
      findings.push(finding);
      onFinding?.(finding);
    }
  };
  const config = await candidateConfig(file, answers, options);
  let dataPath: string | undefined;
  if (offline) {
    note([skipped('connection.reach', 'nothing was contacted', 'coolify-state doctor looks at all of it')]);
  } else {
    const host = await checkHost(config, options);
    dataPath = host.dataPath;
    note(host.findings);
    note(await checkPlaces(config, signal));
  }
  if (answers.newKey === undefined) note(await checkKeys(config));
  const lacksCredentials = config.repositories.some(
    (settings) => missingCredentials(settings, process.env) !== undefined,
  );
  const environment = lacksCredentials ? [SET_CREDENTIALS] : [];
  if (!offline && findings.some(({ verdict }) => verdict === 'bad'))
    return { host: answers.name, findings, written: [], newKey: undefined, environment };

  signal.throwIfAborted();
  const written: string[] = [];
  let newKey: InitResult['newKey'];
  if (answers.newKey !== undefined) {
    const fingerprint = await makeKeyPair(answers.newKey, `coolify-state ${answers.name}`);
    newKey = { path: answers.newKey, fingerprint };
    written.push(answers.newKey, `${answers.newKey}.pub`);
    note(await checkKeys(config));
  }
  await writeInventory(file, inventoryText(file, { ...answers, dataPath }));
  written.push(file.path);
  const ignored = await ignoreState(cwd, options.stateFolder);
  if (ignored !== undefined) written.push(ignored);
  return { host: answers.name, findings, written, newKey, environment };
}

/** The host as every other command would read it from the inventory that is to be written. */
async function candidateConfig(
  file: InventoryFile,
  answers: CompleteAnswers,
  { vault, passphrase, warn }: InitOptions,
): Promise<HostConfig> {
  return await asCandidate(file, inventoryText(file, answers), async (candidate) => {
    const inventory = await openInventory({
      sources: [candidate],
      ...(vault !== undefined && { vault }),
      warn,
    });
    const host = inventory.host(answers.name);
    if (host !== undefined) return await hostConfigOf(host, readSettings(host, surroundings()), passphrase);
    throw new StateError({
      kind: 'failed',
      code: 'init.host-not-found',
      what: `The host ${answers.name} would not be found in ${file.path}`,
      next: 'add it by hand',
    });
  });
}

async function checkHost(
  config: HostConfig,
  { signal, confirmHostKey }: InitOptions,
): Promise<{ readonly findings: readonly Finding[]; readonly dataPath: string | undefined }> {
  const { connection, findings } = await checkConnection(config.endpoint, { signal, confirmHostKey });
  if (connection === undefined) return { findings, dataPath: undefined };
  try {
    const found = await findCoolify(connection, config, signal);
    return { findings: [...findings, ...found.findings], dataPath: found.dataPath };
  } finally {
    await connection.close();
  }
}

/** A host without Docker or Coolify may be one to restore onto: that is said, and stops nothing. */
async function findCoolify(
  connection: Connection,
  { layout }: HostConfig,
  signal: AbortSignal,
): Promise<{ readonly findings: readonly Finding[]; readonly dataPath: string | undefined }> {
  const { facts, findings } = await checkSystem(connection, layout, signal);
  if (facts === undefined) return { findings, dataPath: undefined };
  const version = installedVersion(facts);
  if (version === undefined) {
    return {
      dataPath: undefined,
      findings: [
        ...findings.filter(({ check }) => check !== 'host.docker'),
        warning(
          'coolify.version',
          'No Coolify stands on the host: there is nothing to back up',
          'check its address, or restore onto it with "coolify-state restore"',
        ),
      ],
    };
  }
  const path = (await dataPathOf(connection, signal)) ?? layout.data;
  return {
    dataPath: path === layout.data ? undefined : path,
    findings: [...findings, fine('coolify.version', `Coolify ${version} in ${path}`)],
  };
}

async function checkPlaces({ repositories }: HostConfig, signal: AbortSignal): Promise<Finding[]> {
  if (repositories.length === 0) return [noRepository()];
  const findings: Finding[] = [];
  for (const settings of repositories) findings.push(...(await checkRepository(settings, signal)));
  // They can be set later: the inventory is right all the same.
  return findings.map((finding) =>
    finding.check === 'repository.credentials'
      ? skipped(finding.check, `${finding.what}: the repository was not tried`, finding.fix)
      : finding,
  );
}
