/** Where Coolify keeps its things on a host. All absolute paths and container names come from here. */
export interface Layout {
  /** `/data/coolify` */
  readonly data: string;
  readonly env: string;
  readonly keys: string;
  readonly token: string;
  readonly installStatus: string;
  /** The official install script, where it stands on the host. */
  readonly installer: string;
  readonly authorizedKeys: string;
  readonly rootSsh: string;
  readonly systemSsh: string;
  readonly databaseContainer: string;
  /** Where Coolify's API answers on the host itself; by its APP_PORT when undefined. */
  readonly apiBase: string | undefined;
  /** Where a restore keeps its own notes and the way back while it is under way. */
  readonly restoreNotes: string;
}

/** Containers that write to the database or the key folder; stopped during a restore, in this order. */
export const WRITERS = ['coolify', 'coolify-realtime', 'coolify-redis'] as const;

/** www-data inside Coolify's container; everything under its data folder belongs to it and to group root. */
export const COOLIFY_UID = 9999;

export function layoutOf(settings: {
  readonly dataPath: string;
  readonly installScript: string;
  readonly databaseContainer: string;
  readonly apiBase?: string | undefined;
}): Layout {
  const data = settings.dataPath.replace(/(?<!\/)\/+$/, '');
  return {
    data,
    env: `${data}/source/.env`,
    keys: `${data}/ssh/keys`,
    token: `${data}/ansible-token`,
    installStatus: `${data}/source/.upgrade-status`,
    installer: settings.installScript,
    authorizedKeys: '/root/.ssh/authorized_keys',
    rootSsh: '/root/.ssh',
    systemSsh: '/etc/ssh',
    databaseContainer: settings.databaseContainer,
    apiBase: settings.apiBase,
    restoreNotes: '/root/.coolify-state-restore',
  };
}
