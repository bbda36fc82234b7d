import { command, type RemoteCommand } from '../../ssh/command.js';

/** Where Coolify's container sees its key folder. */
const KEYS_IN_CONTAINER = '/var/www/html/storage/app/ssh/keys';

/** A server as its row describes it. All of it is text that somebody has typed. */
export interface ServerAddress {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Of the key's row, and so the name of its file. */
  readonly keyUuid: string;
}

/**
 * A login with one managed key from Coolify's container, as Coolify itself does it: whoever answers at the address is taken for
 * the server, because Coolify keeps no host keys. So nothing but the proof of the key goes there: no password, no agent, no
 * other key, no forwarding, and nothing of ours is run but `remote`.
 */
export function sshFromCoolify(
  { address, port, user, keyUuid }: ServerAddress,
  { connectTimeoutS, remote }: { readonly connectTimeoutS: number; readonly remote: readonly string[] },
): RemoteCommand {
  const options = [
    ...['BatchMode=yes', 'PreferredAuthentications=publickey', 'IdentitiesOnly=yes', 'IdentityAgent=none'],
    ...['ForwardAgent=no', 'ClearAllForwardings=yes', 'PermitLocalCommand=no', 'ControlPath=none'],
    ...['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'GlobalKnownHostsFile=/dev/null'],
    ...[
      `ConnectTimeout=${connectTimeoutS}`,
      'ServerAliveInterval=5',
      'ServerAliveCountMax=2',
      'LogLevel=ERROR',
    ],
  ];
  return command(
    ...(['docker', 'exec', 'coolify', 'ssh', '-F', 'none'] as const),
    ...options.flatMap((option) => ['-o', option]),
    ...[
      '-i',
      `${KEYS_IN_CONTAINER}/ssh_key@${keyUuid}`,
      '-p',
      String(port),
      '-l',
      user,
      '--',
      address,
      ...remote,
    ],
  );
}
