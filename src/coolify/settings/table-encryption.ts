import { USUAL_COMPRESSION } from '../../archive/compression.js';
import { optional, required } from './setting.js';
import { COMPRESSION, LOCAL_PATH, RECIPIENTS } from './types.js';

/** Who can read them. */
export const ENCRYPTION_SETTINGS = {
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
    defaultText: '`gzip:2`',
    description:
      'How snapshots are compressed before they are encrypted: `gzip` (level 1 to 9) or `zstd` (1 to 19). zstd needs Node 22.15 or newer, to restore as well; by hand `zstd -d` opens it.',
  }),
} as const;
