/** Where artifacts stand in a generation. The layout under `state/<host>/` is a promise to users. */
export const ENV_PATH = 'backups/coolify/.env';
export const APP_KEY_PATH = 'backups/coolify/APP_KEY';
export const DUMP_PATH = 'backups/coolify/coolify_db.dump';
export const KEY_ARCHIVE_PATH = 'backups/coolify/coolify_ssh_keys.tar.gz';
export const PUBLIC_KEY_FOLDER = 'backups/coolify';
export const AUTHORIZED_KEYS_PATH = 'backups/authorized_keys';
export const TOKEN_PATH = 'backups/ansible-token';
export const EXTRA_FOLDER = 'backups/extra';
export const HOST_KEY_FOLDER = '.ssh';
/** The guide for recovering by hand, with age, tar and pg_restore alone. */
export const GUIDE_PATH = 'RESTORE.md';
