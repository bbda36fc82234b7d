import { randomBytes } from 'node:crypto';
import {
  type ApiAccess,
  askApi,
  readApiRows,
  readToken,
  type TokenPlace,
  tokenPlace,
} from '../../coolify/api/access.js';
import { enableApi, gatewaysOf, makeToken } from '../../coolify/api/changes.js';
import { databaseAccessOf } from '../../coolify/database/commands.js';
import type { EnvFile } from '../../coolify/env-file.js';
import { presentEnv } from '../../coolify/env-merge.js';
import { requireDocker, requireUsableHost } from '../../coolify/facts.js';
import { COOLIFY_UID } from '../../coolify/layout.js';
import { StateError } from '../../core/errors.js';
import { Secret } from '../../core/secret.js';
import type { EventSink } from '../../engine/events.js';
import { type HostReport, runTasks } from '../../engine/run-host.js';
import { runHosts } from '../../engine/run-hosts.js';
import { readTask, type Task, workTask } from '../../engine/task.js';
import { openStateFolder, type StateFolder } from '../../state/state-folder.js';
import { requireCoolify } from '../backup/run.js';
import type { HostConfig } from '../hosts/host-config.js';
import { HostSession, openingTasks } from '../hosts/host-session.js';

export interface TokenOptions {
  readonly stateRoot: string;
  readonly forks: number;
  /** Only look. */
  readonly check: boolean;
  /** Our own token, beside the one that scripts of the replaced role use. */
  readonly own: boolean;
  /** Switch the API on, and let the host itself call it. */
  readonly enableApi: boolean;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

export interface TokenReport extends HostReport {
  readonly token?: {
    /** Where its text stands on the host. */
    readonly path: string;
    /** Name of its row. */
    readonly name: string;
    /** Whether it can be used, but for what the API's settings forbid. */
    readonly alive: boolean;
    readonly made: boolean;
    /** How the API answers it; undefined without a token. */
    readonly api?: ApiAccess;
    readonly detail: string;
    readonly secret?: Secret;
  };
}

/** Makes sure that API access works on each host. Never throws for what happens on a host: its report says it. */
export async function ensureToken(
  hosts: readonly HostConfig[],
  options: TokenOptions,
): Promise<TokenReport[]> {
  const state = await openStateFolder(options.stateRoot);
  return await runHosts(hosts, options.forks, (host) => tokenOf(host, state, options));
}

/** What the steps share. */
class TokenContext {
  readonly session: HostSession;
  readonly place: TokenPlace;
  env: EnvFile | undefined;
  token: Secret | undefined;
  /** Why the saved token cannot be used; undefined when it can. */
  fault: string | undefined;
  enabled = false;
  api: ApiAccess | undefined;
  detail = 'not asked';
  made = false;

  constructor(config: HostConfig, state: StateFolder, { own }: TokenOptions) {
    this.session = new HostSession(config, state, 'coolify-state token');
    this.place = tokenPlace(config.layout, own);
  }
}

async function tokenOf(config: HostConfig, state: StateFolder, options: TokenOptions): Promise<TokenReport> {
  const context = new TokenContext(config, state, options);
  const { check, signal, emit } = options;
  try {
    const report = await runTasks(config.name, tokenTasks(config, options), context, { check, signal, emit });
    if (context.env === undefined) return report;
    const { place, token, fault, api, detail, made } = context;
    return {
      ...report,
      token: {
        path: place.path,
        name: place.name,
        alive: token !== undefined && fault === undefined,
        made,
        detail: fault ?? detail,
        ...(api !== undefined && { api }),
        ...(token !== undefined && fault === undefined && { secret: token }),
      },
    };
  } finally {
    await context.session.close();
  }
}

function tokenTasks({ layout }: HostConfig, options: TokenOptions): Task<TokenContext>[] {
  return [
    ...openingTasks<TokenContext>(),
    readTask('look for Coolify', async ({ session }) => {
      requireUsableHost(session.facts);
      requireDocker(session.facts);
      requireCoolify(session.facts);
      return session.facts.containers.find(({ name }) => name === 'coolify')?.image;
    }),
    readTask('look at the token', async (context, { signal }) => {
      await look(context, signal);
      return context.fault ?? `${context.place.path} is alive; the API: ${context.detail}`;
    }),
    {
      name: 'make the token',
      kind: 'change',
      inspect: ({ fault, place }) =>
        Promise.resolve(
          fault === undefined
            ? { unchanged: 'the saved one is alive' }
            : { summary: `make a token "${place.name}" and save it as ${place.path} (${fault})` },
        ),
      apply: async (context, { signal }) => {
        const token = new Secret(randomBytes(20).toString('hex'));
        const { session, place } = context;
        await makeToken(session.connection, place, token, { uid: COOLIFY_UID, gid: 0 }, signal);
        context.made = true;
        return undefined;
      },
    },
    ...(options.enableApi ? [enabling()] : []),
    workTask('prove the token', async (context, { signal }) => {
      await look(context, signal);
      const { fault, api, detail } = context;
      if (fault === undefined && (api === 'answers' || api === 'disabled' || api === 'address'))
        return api === 'answers'
          ? `the API takes it: ${detail}`
          : `the API is closed by its own settings (${detail}); --enable-api opens it`;
      throw new StateError({
        kind: 'proof',
        code: 'token.refused',
        what: 'The saved token does not work',
        why: fault ?? detail,
        next: 'see "docker logs coolify" on the host, then run this again',
      });
    }),
  ];

  async function look(context: TokenContext, signal: AbortSignal): Promise<void> {
    const { connection } = context.session;
    const env = (await presentEnv({ connection, layout }, signal))?.env;
    if (env === undefined) {
      throw new StateError({
        kind: 'failed',
        code: 'token.no-settings',
        what: 'The host has no settings of Coolify',
        why: `${layout.env} does not exist`,
        next: 'restore it with "coolify-state restore --only env", or run the installer',
      });
    }
    context.env = env;
    context.token = await readToken(connection, context.place.path, signal);
    const access = databaseAccessOf(layout.databaseContainer, env);
    const { row, settings } = await readApiRows(connection, access, context.token, signal);
    context.enabled = settings.enabled;
    context.fault = faultOf(context, row);
    if (context.token === undefined) return;
    const { access: api, detail } = await askApi(connection, env, layout, context.token, signal);
    context.api = api;
    context.detail = detail;
  }
}

function enabling(): Task<TokenContext> {
  return {
    name: 'open the API',
    kind: 'change',
    inspect: ({ api, enabled }) =>
      Promise.resolve(
        enabled && api === 'answers'
          ? { unchanged: 'it is open to this host' }
          : {
              summary:
                'switch the API on; a list of admitted addresses keeps its entries and gets the host itself',
            },
      ),
    apply: async ({ session }, { signal }) => {
      await enableApi(session.connection, await gatewaysOf(session.connection, signal), signal);
      return undefined;
    },
  };
}

function faultOf(
  { token, place }: TokenContext,
  row: { readonly expired: boolean; readonly member: boolean } | undefined,
): string | undefined {
  if (token === undefined) return `${place.path} does not exist or is empty`;
  if (row === undefined) return 'the instance does not know the saved token';
  if (row.expired) return 'the saved token has expired';
  return row.member ? undefined : 'the user of the saved token does not belong to its team any more';
}
