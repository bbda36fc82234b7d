import type { Setting } from './setting.js';
import { CONNECTION_SETTINGS } from './table-connection.js';
import { COOLIFY_SETTINGS } from './table-coolify.js';
import { DRILL_SETTINGS } from './table-drill.js';
import { ENCRYPTION_SETTINGS } from './table-encryption.js';
import { FLEET_SETTINGS } from './table-fleet.js';
import { REPOSITORY_SETTINGS } from './table-repository.js';
import { RETENTION_SETTINGS } from './table-retention.js';
import { UNATTENDED_SETTINGS } from './table-unattended.js';

/** Every setting that is used. Names are the replaced role's and Ansible's where those have one. */
export const SETTINGS = {
  ...REPOSITORY_SETTINGS,
  ...RETENTION_SETTINGS,
  ...ENCRYPTION_SETTINGS,
  ...COOLIFY_SETTINGS,
  ...CONNECTION_SETTINGS,
  ...UNATTENDED_SETTINGS,
  ...DRILL_SETTINGS,
  ...FLEET_SETTINGS,
} as const satisfies Record<string, Setting<unknown>>;

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
