import { dirname } from 'node:path';
import { usualCacheFolder } from '../../core/cache-folder.js';
import { credentialIn } from '../../core/credentials.js';
import { StateError } from '../../core/errors.js';
import { Secret } from '../../core/secret.js';
import { printable } from '../../core/terminal-text.js';
import type { Host } from '../../inventory/host.js';
import { nearestNames } from '../../inventory/nearest.js';
import type { Environment } from '../../inventory/paths.js';
import { type Origin, showOrigin } from '../../inventory/place.js';
import { checkConnectionVariables, checkCredentialVariables } from './checks.js';
import type { Setting } from './setting.js';
import { SETTINGS, type SettingName, UNUSED } from './table.js';
import type { ReadContext } from './types.js';

/** Where a value comes from. */
export type SettingSource =
  | { readonly kind: 'flag'; readonly flag: string }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'inventory'; readonly variable: string; readonly origin: Origin | undefined }
  /** The configuration of ssh, or arguments for it: `~/.ssh/config:12`, `ansible_ssh_common_args`. */
  | { readonly kind: 'ssh'; readonly place: string }
  | { readonly kind: 'default' };

/** One setting's value and its source. A `Secret` prints as `[redacted]`. */
export interface Entry<Value> {
  readonly name: string;
  readonly value: Value;
  readonly source: SettingSource;
  /** A vault value went into it: it is not shown, although it is no secret by itself. */
  readonly hidden?: true;
}

type ValueOf<Row> = Row extends Setting<infer Value, infer Default> ? Value | Default : never;

type Read = { readonly [Name in SettingName]: Entry<ValueOf<(typeof SETTINGS)[Name]>> };

/** Every setting of a host, each with its source. */
export type Settings = Omit<Read, 'identityPath' | 'cachePath' | 'host'> & {
  readonly cachePath: Entry<string>;
  readonly identityPath: Entry<string>;
  readonly host: Entry<string>;
  /** Both or neither; neither leaves it to the AWS SDK. */
  readonly s3AccessKey: Entry<Secret | undefined>;
  readonly s3SecretKey: Entry<Secret | undefined>;
};

export interface SettingsContext {
  readonly env: Environment;
  readonly cwd: string;
  /** Values from the command line, by setting. They win over everything. */
  readonly flags?: Partial<Readonly<Record<SettingName, string>>>;
}

/**
 * The settings of one host: a flag wins over the environment, that over the inventory, that over the default.
 * @throws StateError of kind `usage`: `settings.unknown` for a `coolify_*` variable that nobody knows,
 * `settings.invalid` for a value that does not fit, `settings.conflict` for two names of one setting that disagree,
 * and those of the inventory for a template that cannot be worked out
 */
export function readSettings(host: Host, { env, cwd, flags = {} }: SettingsContext): Settings {
  refuseUnknown(host);
  checkConnectionVariables(host);
  const base = host.inventoryDir === undefined ? cwd : dirname(host.inventoryDir);
  const reader = new Reader(host, { env, cwd, base }, flags);
  const read = reader.all();
  const s3AccessKey = credential(env, 'HETZNER_S3_ACCESS_KEY');
  const s3SecretKey = credential(env, 'HETZNER_S3_SECRET_KEY');
  checkCredentialVariables(host, s3AccessKey.value, s3SecretKey.value);
  // Who encrypts to a public half has the private one beside it, if at all.
  const identity = read.identityPath.value ?? read.encryptionKeyPath.value.replace(/\.pub$/, '');
  return {
    ...read,
    host: { ...read.host, value: read.host.value ?? host.name },
    identityPath: { ...read.identityPath, value: identity },
    cachePath: { ...read.cachePath, value: read.cachePath.value ?? usualCacheFolder(env) },
    s3AccessKey,
    s3SecretKey,
  };
}

/** `inventory/hosts.yml:7:5`, `--repository`, `$COOLIFY_STATE_USER`, `default`. */
export function showSource(source: SettingSource): string {
  switch (source.kind) {
    case 'flag':
      return `--${source.flag}`;
    case 'environment':
      return `$${source.variable}`;
    case 'inventory':
      return source.origin === undefined ? source.variable : showOrigin(source.origin);
    case 'ssh':
      return source.place;
    case 'default':
      return 'default';
  }
}

function credential(env: Environment, variable: string): Entry<Secret | undefined> {
  const text = credentialIn(env, variable);
  return text === undefined
    ? { name: variable, value: undefined, source: { kind: 'default' } }
    : { name: variable, value: new Secret(text), source: { kind: 'environment', variable } };
}

interface Found {
  readonly raw: unknown;
  readonly source: SettingSource;
}

class Reader {
  constructor(
    private readonly host: Host,
    private readonly context: ReadContext,
    private readonly flags: Partial<Readonly<Record<SettingName, string>>>,
  ) {}

  all(): Read {
    return {
      s3Enabled: this.read('s3Enabled', SETTINGS.s3Enabled),
      s3Endpoint: this.read('s3Endpoint', SETTINGS.s3Endpoint),
      s3Bucket: this.read('s3Bucket', SETTINGS.s3Bucket),
      s3Path: this.read('s3Path', SETTINGS.s3Path),
      s3Region: this.read('s3Region', SETTINGS.s3Region),
      s3PathStyle: this.read('s3PathStyle', SETTINGS.s3PathStyle),
      s3Checksums: this.read('s3Checksums', SETTINGS.s3Checksums),
      s3StorageClass: this.read('s3StorageClass', SETTINGS.s3StorageClass),
      s3Encryption: this.read('s3Encryption', SETTINGS.s3Encryption),
      s3KmsKeyId: this.read('s3KmsKeyId', SETTINGS.s3KmsKeyId),
      s3ObjectLock: this.read('s3ObjectLock', SETTINGS.s3ObjectLock),
      s3ObjectLockDays: this.read('s3ObjectLockDays', SETTINGS.s3ObjectLockDays),
      s3ConditionalWrites: this.read('s3ConditionalWrites', SETTINGS.s3ConditionalWrites),
      s3CaFile: this.read('s3CaFile', SETTINGS.s3CaFile),
      cachePath: this.read('cachePath', SETTINGS.cachePath),
      repositories: this.read('repositories', SETTINGS.repositories),
      keepLast: this.read('keepLast', SETTINGS.keepLast),
      keepHourly: this.read('keepHourly', SETTINGS.keepHourly),
      keepDaily: this.read('keepDaily', SETTINGS.keepDaily),
      keepWeekly: this.read('keepWeekly', SETTINGS.keepWeekly),
      keepMonthly: this.read('keepMonthly', SETTINGS.keepMonthly),
      keepYearly: this.read('keepYearly', SETTINGS.keepYearly),
      keepWithin: this.read('keepWithin', SETTINGS.keepWithin),
      keepWithinHourly: this.read('keepWithinHourly', SETTINGS.keepWithinHourly),
      keepWithinDaily: this.read('keepWithinDaily', SETTINGS.keepWithinDaily),
      keepWithinWeekly: this.read('keepWithinWeekly', SETTINGS.keepWithinWeekly),
      keepWithinMonthly: this.read('keepWithinMonthly', SETTINGS.keepWithinMonthly),
      keepWithinYearly: this.read('keepWithinYearly', SETTINGS.keepWithinYearly),
      encryptionKeyPath: this.read('encryptionKeyPath', SETTINGS.encryptionKeyPath),
      recipients: this.read('recipients', SETTINGS.recipients),
      identityPath: this.read('identityPath', SETTINGS.identityPath),
      compression: this.read('compression', SETTINGS.compression),
      extraPaths: this.read('extraPaths', SETTINGS.extraPaths),
      keepGenerations: this.read('keepGenerations', SETTINGS.keepGenerations),
      dataPath: this.read('dataPath', SETTINGS.dataPath),
      installScript: this.read('installScript', SETTINGS.installScript),
      databaseContainer: this.read('databaseContainer', SETTINGS.databaseContainer),
      dumpCompression: this.read('dumpCompression', SETTINGS.dumpCompression),
      baseUrl: this.read('baseUrl', SETTINGS.baseUrl),
      apiBaseUrl: this.read('apiBaseUrl', SETTINGS.apiBaseUrl),
      host: this.read('host', SETTINGS.host),
      port: this.read('port', SETTINGS.port),
      user: this.read('user', SETTINGS.user),
      privateKeyFile: this.read('privateKeyFile', SETTINGS.privateKeyFile),
      password: this.read('password', SETTINGS.password),
      become: this.read('become', SETTINGS.become),
      becomeUser: this.read('becomeUser', SETTINGS.becomeUser),
      becomeMethod: this.read('becomeMethod', SETTINGS.becomeMethod),
      becomePassword: this.read('becomePassword', SETTINGS.becomePassword),
      connectTimeout: this.read('connectTimeout', SETTINGS.connectTimeout),
      connectRetries: this.read('connectRetries', SETTINGS.connectRetries),
      sshConfig: this.read('sshConfig', SETTINGS.sshConfig),
      sshArgs: this.read('sshArgs', SETTINGS.sshArgs),
      sshCommonArgs: this.read('sshCommonArgs', SETTINGS.sshCommonArgs),
      sshExtraArgs: this.read('sshExtraArgs', SETTINGS.sshExtraArgs),
      hostKeyChecking: this.read('hostKeyChecking', SETTINGS.hostKeyChecking),
      hostKeyFingerprints: this.read('hostKeyFingerprints', SETTINGS.hostKeyFingerprints),
      knownHostsFile: this.read('knownHostsFile', SETTINGS.knownHostsFile),
      hookBefore: this.read('hookBefore', SETTINGS.hookBefore),
      hookAfter: this.read('hookAfter', SETTINGS.hookAfter),
      hookFailure: this.read('hookFailure', SETTINGS.hookFailure),
      pingUrl: this.read('pingUrl', SETTINGS.pingUrl),
      webhookUrl: this.read('webhookUrl', SETTINGS.webhookUrl),
      ntfyUrl: this.read('ntfyUrl', SETTINGS.ntfyUrl),
      ntfyToken: this.read('ntfyToken', SETTINGS.ntfyToken),
      smtpUrl: this.read('smtpUrl', SETTINGS.smtpUrl),
      mailFrom: this.read('mailFrom', SETTINGS.mailFrom),
      mailTo: this.read('mailTo', SETTINGS.mailTo),
      notifyOn: this.read('notifyOn', SETTINGS.notifyOn),
      metricsFolder: this.read('metricsFolder', SETTINGS.metricsFolder),
      verifySample: this.read('verifySample', SETTINGS.verifySample),
      verifyReadData: this.read('verifyReadData', SETTINGS.verifyReadData),
      drillImage: this.read('drillImage', SETTINGS.drillImage),
      drillVolume: this.read('drillVolume', SETTINGS.drillVolume),
      drillMaxRto: this.read('drillMaxRto', SETTINGS.drillMaxRto),
      drillMaxRpo: this.read('drillMaxRpo', SETTINGS.drillMaxRpo),
      evidenceKeyPath: this.read('evidenceKeyPath', SETTINGS.evidenceKeyPath),
      evidenceSignersPath: this.read('evidenceSignersPath', SETTINGS.evidenceSignersPath),
      fleetGroup: this.read('fleetGroup', SETTINGS.fleetGroup),
      fleetGroupLimit: this.read('fleetGroupLimit', SETTINGS.fleetGroupLimit),
      fleetRepositoryLimit: this.read('fleetRepositoryLimit', SETTINGS.fleetRepositoryLimit),
      fleetAttempts: this.read('fleetAttempts', SETTINGS.fleetAttempts),
      fleetRetryAfter: this.read('fleetRetryAfter', SETTINGS.fleetRetryAfter),
      fleetBackupEvery: this.read('fleetBackupEvery', SETTINGS.fleetBackupEvery),
      fleetVerifyEvery: this.read('fleetVerifyEvery', SETTINGS.fleetVerifyEvery),
      fleetPruneEvery: this.read('fleetPruneEvery', SETTINGS.fleetPruneEvery),
      fleetDrillEvery: this.read('fleetDrillEvery', SETTINGS.fleetDrillEvery),
      fleetStart: this.read('fleetStart', SETTINGS.fleetStart),
      fleetJitter: this.read('fleetJitter', SETTINGS.fleetJitter),
    };
  }

  private read<Value, Default extends Value | undefined>(
    key: SettingName,
    setting: Setting<Value, Default>,
  ): Entry<Value | Default> {
    const { name } = setting;
    const found = this.find(key, setting);
    if (found === undefined) return { name, value: this.fallback(setting), source: { kind: 'default' } };
    const value = setting.type.parse(found.raw, this.context);
    if (value !== undefined) {
      return { name, value, source: found.source, ...(holdsSecret(found.raw) && { hidden: true as const }) };
    }
    throw invalid(this.host.name, setting, found);
  }

  /** A default that is written as a person would write it: `~` is the home there too. */
  private fallback<Value, Default extends Value | undefined>(
    setting: Setting<Value, Default>,
  ): Value | Default {
    if (typeof setting.default !== 'string') return setting.default;
    return setting.type.parse(setting.default, this.context) ?? setting.default;
  }

  private find<Value>(key: SettingName, setting: Setting<Value>): Found | undefined {
    const flag = this.flags[key];
    if (flag !== undefined) return { raw: flag, source: { kind: 'flag', flag: kebab(key) } };
    const fromEnv = setting.env === undefined ? undefined : this.context.env[setting.env];
    if (setting.env !== undefined && fromEnv !== undefined && fromEnv !== '') {
      return { raw: fromEnv, source: { kind: 'environment', variable: setting.env } };
    }
    return this.inInventory(setting);
  }

  /** Under any of its names; two that disagree are an error, because neither is more right. */
  private inInventory<Value>(setting: Setting<Value>): Found | undefined {
    let first: Found | undefined;
    for (const variable of [setting.name, ...setting.aliases]) {
      const raw = this.host.variable(variable);
      if (raw === undefined || raw === null || raw === '') continue;
      const found: Found = {
        raw,
        source: { kind: 'inventory', variable, origin: this.host.origin(variable) },
      };
      if (first === undefined) first = found;
      else if (comparable(first.raw) !== comparable(raw))
        throw conflict(this.host.name, first.source, found.source);
    }
    return first;
  }
}

function holdsSecret(raw: unknown): boolean {
  return raw instanceof Secret || (Array.isArray(raw) && raw.some(holdsSecret));
}

function comparable(raw: unknown): string {
  return raw instanceof Secret ? raw.reveal() : typeof raw === 'object' ? JSON.stringify(raw) : String(raw);
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function refuseUnknown(host: Host): void {
  const known = knownNames();
  for (const name of host.variableNames()) {
    if (!name.startsWith('coolify_') || known.has(name)) continue;
    const [near] = nearestNames(name, known, 1);
    const origin = host.origin(name);
    throw new StateError({
      kind: 'usage',
      code: 'settings.unknown',
      what: `${origin === undefined ? '' : `${showOrigin(origin)}: `}There is no setting "${printable(name)}"`,
      next: near === undefined ? 'See docs/settings.md for all there are' : `Did you mean "${near}"?`,
      host: host.name,
    });
  }
}

/** Every name that begins with `coolify_` and means something, or is accepted. */
function knownNames(): Set<string> {
  const used = Object.values(SETTINGS).flatMap(({ name, aliases }) => [name, ...aliases]);
  const credentials = ['coolify_s3_access_key', 'coolify_s3_secret_key'];
  return new Set([...used, ...UNUSED.keys(), ...credentials].filter((name) => name.startsWith('coolify_')));
}

function invalid<Value>(host: string, setting: Setting<Value>, { raw, source }: Found): StateError {
  const secret = holdsSecret(raw) || setting.type.name.startsWith('secret');
  const shown = secret ? '' : `, not ${printable(JSON.stringify(raw) ?? String(raw)).slice(0, 120)}`;
  return new StateError({
    kind: 'usage',
    code: 'settings.invalid',
    what: `${showSource(source)}: The value of ${setting.name} does not fit`,
    why: `expected ${setting.type.expected}${shown}`,
    next: `correct it there; docs/settings.md tells what ${setting.name} takes`,
    host,
  });
}

function conflict(host: string, first: SettingSource, second: SettingSource): StateError {
  const name = (source: SettingSource): string => (source.kind === 'inventory' ? source.variable : '');
  return new StateError({
    kind: 'usage',
    code: 'settings.conflict',
    what: `${name(first)} (${showSource(first)}) and ${name(second)} (${showSource(second)}) are one setting and have different values`,
    next: `Keep ${name(first)} and remove the other`,
    host,
  });
}
