import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { layoutOf } from '../coolify/layout.js';
import { readSettings, type Settings } from '../coolify/settings.js';
import { repositoriesOf } from '../coolify/settings-repositories.js';
import { StateError } from '../core/errors.js';
import type { Secret } from '../core/secret.js';
import type { Host } from '../inventory/host.js';
import { type Inventory, loadInventory } from '../inventory/inventory.js';
import { readVaultPasswords } from '../inventory/vault-passwords.js';
import type { Endpoint } from '../ssh/endpoint.js';
import type { HostConfig } from './host-config.js';

export interface HostSelection {
  readonly sources: readonly string[];
  readonly pattern: string;
  readonly limit: string | undefined;
  /** Asks a person for the passphrase of a key file; undefined where nobody can be asked. */
  readonly passphrase?: (keyFile: string) => Promise<Secret | undefined>;
  readonly vault?: VaultSources;
  readonly warn: (message: string) => void;
}

/** Where passwords of vaults come from, beside the environment. */
export interface VaultSources {
  readonly files?: readonly string[] | undefined;
  readonly ids?: readonly string[] | undefined;
  readonly prompt?: ((id: string) => Promise<Secret>) | undefined;
}

const CONNECT_TIMEOUT_MS = 15_000;
const KEEPALIVE_MS = 10_000;

/** The hosts of a pattern with everything an operation needs to know of each, read and checked before anything starts. */
export async function loadHosts(selection: HostSelection): Promise<HostConfig[]> {
  const inventory = await openInventory(selection);
  const hosts = inventory.select(selection.pattern, { limit: selection.limit });
  return hosts.map((host) => hostConfigOf(host, readSettings(host, surroundings()), selection.passphrase));
}

/** The inventory of some sources; its warnings are passed on. */
export async function openInventory({
  sources,
  vault = {},
  warn,
}: Pick<HostSelection, 'sources' | 'vault' | 'warn'>): Promise<Inventory> {
  const { files = [], ids = [], prompt } = vault;
  const vaultPasswords = await readVaultPasswords({ ...surroundings(), files, ids, prompt });
  const inventory = await loadInventory(sources, { ...surroundings(), vaultPasswords });
  for (const warning of inventory.warnings) warn(warning);
  return inventory;
}

export function surroundings(): { readonly cwd: string; readonly env: NodeJS.ProcessEnv } {
  return { cwd: process.cwd(), env: process.env };
}

function hostConfigOf(host: Host, settings: Settings, passphrase: HostSelection['passphrase']): HostConfig {
  refuseSshArguments(host.name, settings);
  return {
    name: host.name,
    endpoint: endpointOf(host.name, settings, passphrase),
    layout: layoutOf({
      dataPath: settings.dataPath.value,
      installScript: settings.installScript.value,
      databaseContainer: settings.databaseContainer.value,
      apiBase: settings.baseUrl.source.kind === 'default' ? undefined : settings.baseUrl.value,
    }),
    keepGenerations: settings.keepGenerations.value,
    extraPaths: settings.extraPaths.value,
    dumpCompression: 0,
    recipientsPath: settings.encryptionKeyPath.value,
    identityPath: settings.identityPath.value,
    repositories: repositoriesOf(settings, host.name),
  };
}

function endpointOf(host: string, settings: Settings, passphrase: HostSelection['passphrase']): Endpoint {
  const user = settings.user.value;
  const agent = process.env['SSH_AUTH_SOCK'];
  const become = settings.become.value ?? user !== 'root';
  const password = settings.password.value;
  const becomePassword = settings.becomePassword.value;
  return {
    host,
    address: settings.host.value,
    port: settings.port.value,
    user,
    identityFiles: identityFiles(settings),
    knownHostsFiles: knownHostsFiles(settings),
    hostKeyChecking: settings.hostKeyChecking.value,
    pinnedFingerprints: settings.hostKeyFingerprints.value,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    keepaliveMs: KEEPALIVE_MS,
    ...(agent !== undefined && agent !== '' && { agentSocket: agent }),
    ...(passphrase !== undefined && { passphrase }),
    ...(password !== undefined && { password }),
    ...(become && {
      become: {
        user: settings.becomeUser.value,
        ...(becomePassword !== undefined && { password: becomePassword }),
      },
    }),
  };
}

/** The key of the inventory, or else those that ssh itself would try. */
function identityFiles(settings: Settings): string[] {
  const named = settings.privateKeyFile.value;
  if (named !== undefined) return [named];
  return ['id_ed25519', 'id_ecdsa', 'id_rsa']
    .map((name) => join(homedir(), '.ssh', name))
    .filter((path) => existsSync(path));
}

function knownHostsFiles(settings: Settings): string[] {
  const named = settings.knownHostsFile.value;
  return named !== undefined ? [named] : [join(homedir(), '.ssh/known_hosts'), '/etc/ssh/ssh_known_hosts'];
}

/** Said rather than passed over: a connection that goes another way than the inventory says would be a surprise. */
function refuseSshArguments(host: string, { sshCommonArgs, sshExtraArgs }: Settings): void {
  for (const { name, value } of [sshCommonArgs, sshExtraArgs]) {
    if (value === undefined || value.trim() === '') continue;
    throw new StateError({
      kind: 'usage',
      code: 'settings.ssh-arguments',
      what: `${name} is not understood yet`,
      why: 'arguments of the ssh command, such as jump hosts, are not supported by this version',
      next: 'remove the variable, or reach the host directly',
      host,
    });
  }
}
