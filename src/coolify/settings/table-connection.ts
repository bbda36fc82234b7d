import { optional, required } from './setting.js';
import {
  BOOLEAN,
  FILE_OR_NONE,
  FINGERPRINT,
  LOCAL_PATH,
  listOf,
  oneOf,
  SECRET,
  TEXT,
  wholeNumber,
} from './types.js';

const PORT = wholeNumber(1, 65_535);

/** How the host is reached. */
export const CONNECTION_SETTINGS = {
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
} as const;
