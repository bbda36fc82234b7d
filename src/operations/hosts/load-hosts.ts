import { layoutOf } from '../../coolify/layout.js';
import { fleetSettingsOf } from '../../coolify/settings/fleet.js';
import { recipientSourcesOf } from '../../coolify/settings/recipients.js';
import { repositoriesOf } from '../../coolify/settings/repositories.js';
import { keepPolicyOf } from '../../coolify/settings/retention.js';
import { readSettings, type Settings } from '../../coolify/settings/settings.js';
import type { SettingName } from '../../coolify/settings/table.js';
import type { Secret } from '../../core/secret.js';
import type { Host } from '../../inventory/host.js';
import { type Inventory, loadInventory } from '../../inventory/inventory.js';
import { readVaultPasswords } from '../../inventory/vault-passwords.js';
import { drillSettingsOf } from '../drill/settings.js';
import { unattendedSettingsOf } from '../unattended/settings.js';
import { type AskPassphrase, endpointOf } from './endpoint.js';
import type { HostConfig } from './host-config.js';
import { type SshSurroundings, sshSurroundings } from './ssh-configuration.js';

export interface HostSelection {
  readonly sources: readonly string[];
  readonly pattern: string;
  readonly limit?: string | undefined;
  /** Asks a person for the passphrase of a key file; undefined where nobody can be asked. */
  readonly passphrase?: AskPassphrase;
  readonly vault?: VaultSources;
  /** Settings from the command line, which win over all others. */
  readonly flags?: Partial<Readonly<Record<SettingName, string>>>;
  /** For operations that connect to no host: they do not fail for the configuration of ssh. */
  readonly offline?: boolean;
  readonly warn: (message: string) => void;
}

/** Where passwords of vaults come from, beside the environment. */
export interface VaultSources {
  readonly files?: readonly string[] | undefined;
  readonly ids?: readonly string[] | undefined;
  readonly prompt?: ((id: string) => Promise<Secret>) | undefined;
}

/** The hosts of a pattern with everything an operation needs to know of each, read and checked before anything starts. */
export async function loadHosts(selection: HostSelection): Promise<HostConfig[]> {
  const inventory = await openInventory(selection);
  const hosts = inventory.select(selection.pattern, { limit: selection.limit });
  const context = { ...surroundings(), ...(selection.flags !== undefined && { flags: selection.flags }) };
  const ssh = sshSurroundings();
  return hosts.map((host) =>
    hostConfigOf(host, readSettings(host, context), selection.passphrase, {
      ssh,
      offline: selection.offline,
    }),
  );
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

export interface HostConfigOptions {
  /** Given for several hosts, files of ssh's configuration are read once. */
  readonly ssh?: SshSurroundings;
  /** Leaves working out how the host is reached, and its errors, to whoever asks for `endpoint`. */
  readonly offline?: boolean | undefined;
}

/** What an operation needs to know of a host. @throws StateError `settings.*`, `ssh-config.*` */
export function hostConfigOf(
  host: Host,
  settings: Settings,
  passphrase: HostSelection['passphrase'],
  { ssh = sshSurroundings(), offline = false }: HostConfigOptions = {},
): HostConfig {
  const known = offline ? undefined : endpointOf(host.name, settings, passphrase, ssh);
  return {
    name: host.name,
    get endpoint() {
      return known ?? endpointOf(host.name, settings, passphrase, ssh);
    },
    layout: layoutOf({
      dataPath: settings.dataPath.value,
      installScript: settings.installScript.value,
      databaseContainer: settings.databaseContainer.value,
      apiBase: settings.baseUrl.source.kind === 'default' ? undefined : settings.baseUrl.value,
    }),
    keepGenerations: settings.keepGenerations.value,
    extraPaths: settings.extraPaths.value,
    dumpCompression: settings.dumpCompression.value,
    compression: settings.compression.value,
    recipients: recipientSourcesOf(settings),
    identityPath: settings.identityPath.value,
    repositories: repositoriesOf(settings, host.name),
    keep: keepPolicyOf(settings),
    unattended: unattendedSettingsOf(settings, host.name),
    drill: drillSettingsOf(settings),
    fleet: fleetSettingsOf(settings),
  };
}
