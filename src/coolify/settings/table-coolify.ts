import { optional, required } from './setting.js';
import { HTTP_URL, listOf, REMOTE_PATH, TEXT, wholeNumber } from './types.js';

/** What is read on the host, and where it stands. */
export const COOLIFY_SETTINGS = {
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
} as const;
