import {
  BOOLEAN,
  FINGERPRINT,
  HTTP_URL,
  LOCAL_PATH,
  listOf,
  oneOf,
  REMOTE_PATH,
  REPOSITORY,
  SECRET,
  type SettingType,
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
  readonly section: 'Repository' | 'Encryption' | 'Coolify' | 'Connection';
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
  repositories: optional(listOf(REPOSITORY), {
    section: 'Repository',
    name: 'coolify_repository',
    aliases: ['coolify_repositories'],
    env: 'COOLIFY_STATE_REPOSITORY',
    description:
      'Where snapshots go, instead of the bucket above: `file:/folder`, or `s3://bucket/path` at the endpoint above, or a list of these. A relative folder starts beside the folder of the inventory.',
  }),
  encryptionKeyPath: required(LOCAL_PATH, '~/.ssh/hostuk', {
    section: 'Encryption',
    name: 'coolify_backup_encryption_key_path',
    aliases: ['backup_encryption_key_path'],
    env: 'COOLIFY_STATE_ENCRYPTION_KEY_PATH',
    description:
      'Whom snapshots are encrypted to: an SSH key (ed25519 or RSA) or a file of age recipients. The public half (`.pub`) is enough.',
  }),
  identityPath: optional(LOCAL_PATH, {
    section: 'Encryption',
    name: 'coolify_backup_identity_path',
    env: 'COOLIFY_STATE_IDENTITY_PATH',
    defaultText: 'the encryption key, without `.pub`',
    description: 'The private key that opens snapshots. Only needed to restore and to verify.',
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
    description: 'How many backups of a host stay on this machine, the newest included.',
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
  sshCommonArgs: optional(TEXT, {
    section: 'Connection',
    name: 'ansible_ssh_common_args',
    description: 'Options for ssh, such as `-o ProxyJump=bastion`.',
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
