import { USUAL_COMPRESSION } from '../archive/compression.js';
import { STORAGE_CLASSES } from '../repository/s3-settings.js';
import type { Span } from '../repository/span.js';
import {
  BOOLEAN,
  COMPRESSION,
  DURATION,
  FILE_OR_NONE,
  FINGERPRINT,
  HTTP_URL,
  KEEP_COUNT,
  LOCAL_PATH,
  listOf,
  oneOf,
  RECIPIENTS,
  REMOTE_PATH,
  REPOSITORY,
  SECRET,
  SECRET_SMTP_URL,
  SECRET_URL,
  type SettingType,
  SPAN,
  TEXT,
  wholeNumber,
} from './settings-types.js';

/** One setting, said once: the reader, the errors, `inventory show` and the reference all read this. */
export interface Setting<Value, Default extends Value | undefined = Value | undefined> {
  /** The variable of the inventory. */
  readonly name: string;
  /** Further names that mean the same. */
  readonly aliases: readonly string[];
  readonly type: SettingType<Value>;
  readonly default: Default;
  /** The default in words, where it is worked out or reads better so. */
  readonly defaultText?: string;
  readonly description: string;
  /** Variable of the environment that wins over the inventory. */
  readonly env?: string;
  readonly section:
    | 'Repository'
    | 'Retention'
    | 'Encryption'
    | 'Coolify'
    | 'Connection'
    | 'Unattended'
    | 'Drill';
}

type Facts = Omit<Setting<unknown>, 'type' | 'default' | 'aliases'> & {
  readonly aliases?: readonly string[];
};

/** A setting that always has a value. */
function required<Value>(type: SettingType<Value>, fallback: Value, facts: Facts): Setting<Value, Value> {
  return { aliases: [], ...facts, type, default: fallback };
}

/** A setting that may be left out. */
function optional<Value>(type: SettingType<Value>, facts: Facts): Setting<Value> {
  return { aliases: [], ...facts, type, default: undefined };
}

/** A counted rule of retention, in restic's words. */
function keepCount(which: string, description: string): Setting<number> {
  return optional(KEEP_COUNT, { section: 'Retention', name: `coolify_keep_${which}`, description });
}

/** A rule of retention that goes by time. */
function keepWithin(which: string, description: string): Setting<Span> {
  return optional(SPAN, { section: 'Retention', name: `coolify_keep_${which}`, description });
}

const PORT = wholeNumber(1, 65_535);

/** Every setting that is used. Names are the replaced role's and Ansible's where those have one. */
export const SETTINGS = {
  s3Enabled: required(BOOLEAN, true, {
    section: 'Repository',
    name: 'coolify_s3_enabled',
    aliases: ['s3_enabled'],
    env: 'COOLIFY_STATE_S3_ENABLED',
    description: 'Upload snapshots to the S3 bucket below. `false` keeps backups on this machine only.',
  }),
  s3Endpoint: optional(TEXT, {
    section: 'Repository',
    name: 'coolify_s3_endpoint',
    aliases: ['s3_endpoint'],
    env: 'COOLIFY_STATE_S3_ENDPOINT',
    description: 'Address of the S3 service, such as `https://fsn1.your-objectstorage.com`. Without it: AWS.',
  }),
  s3Bucket: optional(TEXT, {
    section: 'Repository',
    name: 'coolify_s3_bucket',
    aliases: ['s3_bucket'],
    env: 'COOLIFY_STATE_S3_BUCKET',
    description: 'The bucket that snapshots go to.',
  }),
  s3Path: required(TEXT, 'state', {
    section: 'Repository',
    name: 'coolify_s3_path',
    aliases: ['s3_path'],
    env: 'COOLIFY_STATE_S3_PATH',
    description: 'Folder in the bucket. Below it there is one for each host.',
  }),
  s3Region: optional(TEXT, {
    section: 'Repository',
    name: 'coolify_s3_region',
    aliases: ['s3_region'],
    env: 'COOLIFY_STATE_S3_REGION',
    description: 'Region of the bucket. Services other than AWS rarely need it.',
  }),
  s3PathStyle: optional(BOOLEAN, {
    section: 'Repository',
    name: 'coolify_s3_path_style',
    aliases: ['s3_path_style'],
    env: 'COOLIFY_STATE_S3_PATH_STYLE',
    defaultText: 'true with an endpoint',
    description: 'Whether the bucket stands in the path (`true`) or in the host name.',
  }),
  s3Checksums: optional(oneOf('when-supported', 'when-required'), {
    section: 'Repository',
    name: 'coolify_s3_checksums',
    aliases: ['s3_checksums'],
    env: 'COOLIFY_STATE_S3_CHECKSUMS',
    description: '`when-required` for services that refuse the checksums of the AWS SDK.',
  }),
  s3StorageClass: optional(oneOf(...STORAGE_CLASSES), {
    section: 'Repository',
    name: 'coolify_s3_storage_class',
    env: 'COOLIFY_STATE_S3_STORAGE_CLASS',
    defaultText: "the bucket's own",
    description:
      'Storage class of archives. Those that have to be thawed before they can be read are not offered: every snapshot is read back. Sidecars stay in the default class, because they are read with every listing.',
  }),
  s3Encryption: optional(oneOf('aes256', 'aws:kms'), {
    section: 'Repository',
    name: 'coolify_s3_encryption',
    env: 'COOLIFY_STATE_S3_ENCRYPTION',
    description:
      'Encryption by the service, for buckets that ask for it. Snapshots are encrypted with age before they leave this machine in any case; that is why keys of the customer (SSE-C) are not offered: one more key to lose, and nothing more to gain.',
  }),
  s3KmsKeyId: optional(TEXT, {
    section: 'Repository',
    name: 'coolify_s3_kms_key_id',
    env: 'COOLIFY_STATE_S3_KMS_KEY_ID',
    defaultText: "the service's usual one",
    description: 'Which key of the key management encrypts, with `coolify_s3_encryption: aws:kms`.',
  }),
  s3ObjectLock: optional(oneOf('governance', 'compliance'), {
    section: 'Repository',
    name: 'coolify_s3_object_lock',
    env: 'COOLIFY_STATE_S3_OBJECT_LOCK',
    description:
      'Locks every snapshot against removal for `coolify_s3_object_lock_days`: `governance` lets those remove it who have a special right, `compliance` nobody. The bucket has to have been created with object lock. See docs/repositories.md.',
  }),
  s3ObjectLockDays: optional(wholeNumber(1, 36_500), {
    section: 'Repository',
    name: 'coolify_s3_object_lock_days',
    env: 'COOLIFY_STATE_S3_OBJECT_LOCK_DAYS',
    description: 'For how many days a snapshot is locked from its upload on.',
  }),
  s3ConditionalWrites: optional(BOOLEAN, {
    section: 'Repository',
    name: 'coolify_s3_conditional_writes',
    env: 'COOLIFY_STATE_S3_CONDITIONAL_WRITES',
    defaultText: 'true',
    description:
      'Whether the service is told to refuse a name that exists (`If-None-Match`). `false` for services that do not know that, such as Backblaze B2: then it is asked beforehand, and two machines that write at the same moment may both succeed.',
  }),
  s3CaFile: optional(LOCAL_PATH, {
    section: 'Repository',
    name: 'coolify_s3_ca_file',
    env: 'COOLIFY_STATE_S3_CA_FILE',
    description:
      'Certificates (PEM) of an authority of your own, trusted for the service beside those that Node brings.',
  }),
  cachePath: optional(LOCAL_PATH, {
    section: 'Repository',
    name: 'coolify_cache_path',
    env: 'COOLIFY_STATE_CACHE_PATH',
    defaultText: '`$XDG_CACHE_HOME/coolify-state`, or else `~/.cache/coolify-state`',
    description:
      'Folder of this machine that keeps sidecars that were read from S3, so that a listing need not read them again. It holds no secrets and may be removed at any time.',
  }),
  repositories: optional(listOf(REPOSITORY), {
    section: 'Repository',
    name: 'coolify_repository',
    aliases: ['coolify_repositories'],
    env: 'COOLIFY_STATE_REPOSITORY',
    description:
      'Where snapshots go, instead of the bucket above: `file:/folder`, or `s3://bucket/path` at the endpoint above, or a list of these. A relative folder starts beside the folder of the inventory.',
  }),
  keepLast: keepCount(
    'last',
    'How many of the newest snapshots `prune` keeps. Here and below: each of `coolify_keep_*` keeps on its own, what none keeps goes, and without any `prune` removes nothing. See docs/retention.md.',
  ),
  keepHourly: keepCount('hourly', 'Of how many hours that have one the newest snapshot is kept.'),
  keepDaily: keepCount('daily', 'The same for days, in UTC.'),
  keepWeekly: keepCount('weekly', 'The same for weeks of ISO 8601, Monday to Sunday.'),
  keepMonthly: keepCount('monthly', 'The same for months.'),
  keepYearly: keepCount('yearly', 'The same for years.'),
  keepWithin: keepWithin(
    'within',
    'Keeps all that are newer than so long before the newest: `7d`, `1y5m7d2h`.',
  ),
  keepWithinHourly: keepWithin('within_hourly', 'Of these only the newest of each hour.'),
  keepWithinDaily: keepWithin('within_daily', 'Of these only the newest of each day.'),
  keepWithinWeekly: keepWithin('within_weekly', 'Of these only the newest of each week.'),
  keepWithinMonthly: keepWithin('within_monthly', 'Of these only the newest of each month.'),
  keepWithinYearly: keepWithin('within_yearly', 'Of these only the newest of each year.'),
  encryptionKeyPath: required(LOCAL_PATH, '~/.ssh/hostuk', {
    section: 'Encryption',
    name: 'coolify_backup_encryption_key_path',
    aliases: ['backup_encryption_key_path'],
    env: 'COOLIFY_STATE_ENCRYPTION_KEY_PATH',
    description:
      'Whom snapshots are encrypted to: an SSH key (ed25519 or RSA) or a file of age recipients. The public half (`.pub`) is enough.',
  }),
  recipients: required(RECIPIENTS, [], {
    section: 'Encryption',
    name: 'coolify_backup_recipients',
    env: 'COOLIFY_STATE_RECIPIENTS',
    defaultText: 'none',
    description:
      'Further recipients of snapshots: public keys as they are (`ssh-ed25519 ...`, `ssh-rsa ...`, `age1...`, `age1pq1...`) and files of them (`authorized_keys` style), as a list. With these the default encryption key is not needed; one that is set counts as well.',
  }),
  identityPath: optional(LOCAL_PATH, {
    section: 'Encryption',
    name: 'coolify_backup_identity_path',
    env: 'COOLIFY_STATE_IDENTITY_PATH',
    defaultText: 'the encryption key, without `.pub`',
    description: 'The private key that opens snapshots. Only needed to restore and to verify.',
  }),
  compression: required(COMPRESSION, USUAL_COMPRESSION, {
    section: 'Encryption',
    name: 'coolify_compression',
    env: 'COOLIFY_STATE_COMPRESSION',
    defaultText: '`gzip:3`',
    description:
      'How snapshots are compressed before they are encrypted: `gzip` (level 1 to 9) or `zstd` (1 to 19). zstd needs Node 22.15 or newer, to restore as well; by hand `zstd -d` opens it.',
  }),
  extraPaths: required(listOf(REMOTE_PATH), [], {
    section: 'Coolify',
    name: 'coolify_extra_paths',
    description: 'Further files and folders of the host that belong into a backup.',
    defaultText: 'none',
  }),
  keepGenerations: required(wholeNumber(1, 1000), 3, {
    section: 'Coolify',
    name: 'coolify_keep_generations',
    env: 'COOLIFY_STATE_KEEP_GENERATIONS',
    description:
      'How many backups of a host stay on this machine at most, the newest included: `backup` removes those beyond.',
  }),
  dataPath: required(REMOTE_PATH, '/data/coolify', {
    section: 'Coolify',
    name: 'coolify_data_path',
    description: 'Where Coolify lives on the host.',
  }),
  installScript: required(REMOTE_PATH, '/root/install.sh', {
    section: 'Coolify',
    name: 'coolify_install_script',
    description: 'Where the install script stands on the host, or is put by a restore.',
  }),
  databaseContainer: required(TEXT, 'coolify-db', {
    section: 'Coolify',
    name: 'coolify_database_container',
    description: "Name of the container of Coolify's database.",
  }),
  dumpCompression: required(wholeNumber(0, 9), 0, {
    section: 'Coolify',
    name: 'coolify_dump_compression',
    env: 'COOLIFY_STATE_DUMP_COMPRESSION',
    description:
      'How hard `pg_dump` compresses on the host, 0 to 9. With 0 this machine compresses alone, in parallel, and the host is spared; higher levels send fewer bytes over a slow line. See docs/performance.md.',
  }),
  baseUrl: required(HTTP_URL, 'http://127.0.0.1:8000', {
    section: 'Coolify',
    name: 'coolify_base_url',
    description: 'Where Coolify answers, as seen from the host itself.',
  }),
  apiBaseUrl: optional(HTTP_URL, {
    section: 'Coolify',
    name: 'coolify_api_base_url',
    defaultText: '`coolify_base_url` and `/api/v1`',
    description: "Where Coolify's API answers, as seen from the host itself.",
  }),
  host: optional(TEXT, {
    section: 'Connection',
    name: 'ansible_host',
    aliases: ['ansible_ssh_host'],
    defaultText: "the host's name in the inventory",
    description: 'Name or address to connect to.',
  }),
  port: required(PORT, 22, {
    section: 'Connection',
    name: 'ansible_port',
    aliases: ['ansible_ssh_port'],
    description: 'Port of the SSH server.',
  }),
  user: required(TEXT, 'root', {
    section: 'Connection',
    name: 'ansible_user',
    aliases: ['ansible_ssh_user'],
    env: 'COOLIFY_STATE_USER',
    description: 'User to log in as.',
  }),
  privateKeyFile: optional(LOCAL_PATH, {
    section: 'Connection',
    name: 'ansible_ssh_private_key_file',
    aliases: ['ansible_private_key_file'],
    env: 'COOLIFY_STATE_PRIVATE_KEY_FILE',
    defaultText: "the agent's keys and the usual ones in `~/.ssh`",
    description: 'Private key to log in with. A relative path starts at the working directory.',
  }),
  password: optional(SECRET, {
    section: 'Connection',
    name: 'ansible_password',
    aliases: ['ansible_ssh_pass', 'ansible_ssh_password'],
    description: 'Password to log in with. Better in a vault, or not at all.',
  }),
  become: optional(BOOLEAN, {
    section: 'Connection',
    name: 'ansible_become',
    defaultText: 'true unless logged in as root',
    description: 'Whether commands run as another user, by sudo.',
  }),
  becomeUser: required(TEXT, 'root', {
    section: 'Connection',
    name: 'ansible_become_user',
    description: 'The user that commands run as.',
  }),
  becomeMethod: required(oneOf('sudo'), 'sudo', {
    section: 'Connection',
    name: 'ansible_become_method',
    description: 'How to become that user. Only sudo is supported.',
  }),
  becomePassword: optional(SECRET, {
    section: 'Connection',
    name: 'ansible_become_password',
    aliases: ['ansible_become_pass', 'ansible_sudo_pass'],
    description: 'Password for sudo. It goes through standard input, never into a command line.',
  }),
  connectTimeout: optional(wholeNumber(1, 3600), {
    section: 'Connection',
    name: 'ansible_timeout',
    aliases: ['ansible_ssh_timeout'],
    defaultText: '15',
    description: 'Seconds to wait for a connection, and again for the handshake.',
  }),
  connectRetries: optional(wholeNumber(0, 100), {
    section: 'Connection',
    name: 'ansible_ssh_retries',
    defaultText: '3',
    description:
      'How often connecting is tried again, with growing pauses, when the reason may pass: a host that restarts, a full sshd. Never after a refused key, password or host key.',
  }),
  sshConfig: optional(FILE_OR_NONE, {
    section: 'Connection',
    name: 'coolify_ssh_config',
    env: 'COOLIFY_STATE_SSH_CONFIG',
    defaultText: '`~/.ssh/config` and `/etc/ssh/ssh_config`',
    description:
      "The configuration of ssh to read instead of the user's and the system's; `none` for no file. See [connection.md](connection.md#your-ssh-configuration).",
  }),
  sshArgs: optional(TEXT, {
    section: 'Connection',
    name: 'ansible_ssh_args',
    description: 'Options for ssh that win over the settings of port, user and key, as in Ansible.',
  }),
  sshCommonArgs: optional(TEXT, {
    section: 'Connection',
    name: 'ansible_ssh_common_args',
    description: 'Options for ssh, such as `-o ProxyJump=bastion`. They win over the configuration of ssh.',
  }),
  sshExtraArgs: optional(TEXT, {
    section: 'Connection',
    name: 'ansible_ssh_extra_args',
    description: 'Further options for ssh.',
  }),
  hostKeyChecking: required(oneOf('strict', 'accept-new'), 'strict', {
    section: 'Connection',
    name: 'ssh_host_key_checking',
    env: 'COOLIFY_STATE_HOST_KEY_CHECKING',
    description:
      '`strict` refuses hosts that are not in known_hosts; `accept-new` writes an unknown key down. A changed key is always refused.',
  }),
  hostKeyFingerprints: required(listOf(FINGERPRINT), [], {
    section: 'Connection',
    name: 'coolify_host_key_fingerprint',
    aliases: ['coolify_host_key_fingerprints'],
    defaultText: 'none',
    description: 'The only host keys that are trusted, by fingerprint (`SHA256:...`): one or a list.',
  }),
  knownHostsFile: optional(LOCAL_PATH, {
    section: 'Connection',
    name: 'coolify_known_hosts_file',
    env: 'COOLIFY_STATE_KNOWN_HOSTS_FILE',
    defaultText: '`~/.ssh/known_hosts` and `/etc/ssh/ssh_known_hosts`',
    description: 'The file that host keys are looked up in.',
  }),
  hookBefore: optional(TEXT, {
    section: 'Unattended',
    name: 'coolify_hook_before',
    description:
      'A command for `sh` on this machine before a `run`; when it fails, the run does not begin. See docs/unattended.md.',
  }),
  hookAfter: optional(TEXT, {
    section: 'Unattended',
    name: 'coolify_hook_after',
    description: 'A command after every `run`, whether it succeeded or not.',
  }),
  hookFailure: optional(TEXT, {
    section: 'Unattended',
    name: 'coolify_hook_failure',
    description: 'A command after a `run` that failed.',
  }),
  pingUrl: optional(SECRET_URL, {
    section: 'Unattended',
    name: 'coolify_ping_url',
    env: 'COOLIFY_STATE_PING_URL',
    description:
      'Pinged at the start and the end of a `run`, as healthchecks.io takes it: `URL/start`, `URL`, `URL/fail`.',
  }),
  webhookUrl: optional(SECRET_URL, {
    section: 'Unattended',
    name: 'coolify_webhook_url',
    env: 'COOLIFY_STATE_WEBHOOK_URL',
    description: 'Gets the report of every `run` as JSON by POST.',
  }),
  ntfyUrl: optional(SECRET_URL, {
    section: 'Unattended',
    name: 'coolify_ntfy_url',
    env: 'COOLIFY_STATE_NTFY_URL',
    description:
      'Topic of an ntfy server for push messages, such as `https://ntfy.sh/a-name-nobody-guesses`.',
  }),
  ntfyToken: optional(SECRET, {
    section: 'Unattended',
    name: 'coolify_ntfy_token',
    env: 'COOLIFY_STATE_NTFY_TOKEN',
    description: 'Access token of that server, if it wants one.',
  }),
  smtpUrl: optional(SECRET_SMTP_URL, {
    section: 'Unattended',
    name: 'coolify_smtp_url',
    env: 'COOLIFY_STATE_SMTP_URL',
    description: 'Mail server: `smtps://user:password@host:465`, or `smtp://host:587` for STARTTLS.',
  }),
  mailFrom: optional(TEXT, {
    section: 'Unattended',
    name: 'coolify_mail_from',
    description: 'Sender of mails.',
  }),
  mailTo: required(listOf(TEXT), [], {
    section: 'Unattended',
    name: 'coolify_mail_to',
    defaultText: 'nobody',
    description: 'Who gets mails.',
  }),
  notifyOn: required(oneOf('failure', 'always'), 'failure', {
    section: 'Unattended',
    name: 'coolify_notify_on',
    description: 'Whether ntfy and mail tell of successes too. Pings and webhooks always tell.',
  }),
  metricsFolder: optional(LOCAL_PATH, {
    section: 'Unattended',
    name: 'coolify_metrics_folder',
    env: 'COOLIFY_STATE_METRICS_FOLDER',
    description:
      "Folder of node_exporter's textfile collector; a `run` leaves the figures of its hosts there.",
  }),
  verifySample: required(TEXT, '10%', {
    section: 'Unattended',
    name: 'coolify_verify_sample',
    description:
      'How many of the stored snapshots a `run` verifies: a share, or a number. The newest is always among them, the others are drawn anew each time.',
  }),
  verifyReadData: required(BOOLEAN, false, {
    section: 'Unattended',
    name: 'coolify_verify_read_data',
    description: 'Whether they are decrypted and proven; the identity must be on this machine then.',
  }),
  drillImage: optional(TEXT, {
    section: 'Drill',
    name: 'coolify_drill_image',
    env: 'COOLIFY_STATE_DRILL_IMAGE',
    defaultText: '`coolify-state/drill-host`, built from docker/drill-host when it is not there',
    description:
      'The image that a `drill` starts its throwaway host from: a server with sshd and a Docker engine of its own. See docs/drill.md for what it has to bring.',
  }),
  drillVolume: optional(TEXT, {
    section: 'Drill',
    name: 'coolify_drill_volume',
    env: 'COOLIFY_STATE_DRILL_VOLUME',
    description:
      "A Docker volume of this machine that the throwaway host's engine begins with (a copy of it): images that need not be fetched then.",
  }),
  drillMaxRto: optional(DURATION, {
    section: 'Drill',
    name: 'coolify_drill_max_rto',
    env: 'COOLIFY_STATE_DRILL_MAX_RTO',
    description:
      'How long a recovery may take, from the start of the fetch to the last proof, without installing Coolify. A drill that takes longer fails.',
  }),
  drillMaxRpo: optional(DURATION, {
    section: 'Drill',
    name: 'coolify_drill_max_rpo',
    env: 'COOLIFY_STATE_DRILL_MAX_RPO',
    description: 'How old the newest snapshot may be when a drill begins. A drill of an older one fails.',
  }),
  evidenceKeyPath: optional(LOCAL_PATH, {
    section: 'Drill',
    name: 'coolify_evidence_key_path',
    env: 'COOLIFY_STATE_EVIDENCE_KEY_PATH',
    defaultText: 'none: evidence is not signed, and says so',
    description: 'The private SSH key (ed25519 or RSA) that signs the evidence of drills.',
  }),
  evidenceSignersPath: optional(LOCAL_PATH, {
    section: 'Drill',
    name: 'coolify_evidence_signers_path',
    env: 'COOLIFY_STATE_EVIDENCE_SIGNERS_PATH',
    description:
      "Whose signatures `verify --evidence` trusts: a public key (`.pub`), or a file of them in ssh-keygen's format of allowed signers.",
  }),
} as const;

export type SettingName = keyof typeof SETTINGS;

/** Variables of the replaced role that are accepted so that its inventory works as it is, and why they are not used. */
export const UNUSED: ReadonlyMap<string, string> = new Map([
  ['coolify_root_username', 'users come with the database'],
  ['coolify_root_user_email', 'users come with the database'],
  ['coolify_root_user_password', 'users come with the database'],
  ['coolify_docker_address_pool_base', "the snapshot's `.env` says it"],
  ['coolify_docker_address_pool_size', "the snapshot's `.env` says it"],
  ['coolify_docker_pool_force_override', 'Docker is never reconfigured'],
  ['coolify_autoupdate', "the snapshot's `.env` and database say it"],
  ['coolify_registry_url', "the snapshot's `.env` says it"],
  ['coolify_register_server', 'servers come with the database'],
  ['coolify_auto_setup_enabled', 'nothing is set up'],
  ['coolify_key_name', 'all managed keys are saved, each by its own name'],
  ['coolify_private_key_path', 'managed keys come with the database'],
  ['coolify_state_path', 'the flag `--state-dir` says it'],
  ['coolify_api_token', 'the token is read from the host'],
  ['coolify_api_ready', 'the API is asked, and compared where it answers'],
]);
