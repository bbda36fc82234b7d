import { z } from 'zod';
import { Secret } from '../../core/secret.js';
import { lastLines } from '../../core/terminal-text.js';
import { quoteLiteral } from '../../postgres/identifiers.js';
import type { Connection } from '../../ssh/connection.js';
import type { DatabaseAccess } from '../database/commands.js';
import { DatabaseSession } from '../database/session.js';
import type { EnvFile } from '../env-file.js';
import type { Layout } from '../layout.js';
import { contentOf, readPaths } from '../remote-files.js';
import { CoolifyApi, tokenHash } from './api.js';

/** A saved token: where its text stands on the host, and the name of its row. */
export interface TokenPlace {
  readonly path: string;
  readonly name: string;
  /** What a new one may do: the names that Coolify gives to rights. */
  readonly abilities: readonly string[];
}

/** How the API answers a token. */
export type ApiAccess =
  /** It takes the token. */
  | 'answers'
  /** It is switched off for everybody. */
  | 'disabled'
  /** It does not take calls from the host's own address. */
  | 'address'
  /** It does not know the token, or the token may not read. */
  | 'refused'
  | 'silent';

/** What Coolify keeps of a token; its text it does not know. */
export interface TokenRow {
  readonly id: string;
  readonly expired: boolean;
  /** Whether its user still belongs to its team. */
  readonly member: boolean;
}

export interface ApiSettings {
  readonly enabled: boolean;
  /** As it stands there: addresses and networks between commas; empty admits everyone. */
  readonly allowedIps: string;
}

/** Where the token of the replaced role stands, which its users have in their scripts, and where ours does. */
export function tokenPlace({ data, token }: Layout, own: boolean): TokenPlace {
  return own
    ? { path: `${data}/coolify-state-token`, name: 'coolify-state', abilities: ['read'] }
    : { path: token, name: 'ansible-token', abilities: ['*'] };
}

/** The text of a saved token; undefined where there is none. */
export async function readToken(
  connection: Connection,
  path: string,
  signal: AbortSignal,
): Promise<Secret | undefined> {
  let text = '';
  await readPaths(
    connection,
    [path],
    async (_file, content) => {
      text = (await contentOf(content, 64 * 1024, path)).toString('utf8').trim();
    },
    signal,
  );
  return text === '' ? undefined : new Secret(text);
}

const rowSchema = z.tuple([z.number(), z.boolean(), z.boolean()]);
const settingsSchema = z.tuple([z.boolean(), z.string()]);

/** What the database says of a token, and of who may use the API. */
export async function readApiRows(
  connection: Connection,
  access: DatabaseAccess,
  token: Secret | undefined,
  signal: AbortSignal,
): Promise<{ readonly row: TokenRow | undefined; readonly settings: ApiSettings }> {
  await using session = await DatabaseSession.open(connection, access, signal);
  const settings = settingsSchema.parse(
    JSON.parse(
      await session.value(
        `SELECT json_build_array(is_api_enabled, coalesce(allowed_ips, '')) FROM instance_settings WHERE id = 0;`,
      ),
    ),
  );
  const found =
    token === undefined
      ? []
      : await session.query(
          `SELECT json_build_array(t.id, coalesce(t.expires_at <= now(), false), EXISTS (
             SELECT FROM team_user m WHERE m.user_id = t.tokenable_id AND m.team_id::text = t.team_id::text))
           FROM personal_access_tokens t WHERE t.token = ${quoteLiteral(tokenHash(token))};`,
        );
  const [line] = found;
  const row = line === undefined ? undefined : rowSchema.parse(JSON.parse(line));
  return {
    settings: { enabled: settings[0], allowedIps: settings[1] },
    row: row && { id: String(row[0]), expired: row[1], member: row[2] },
  };
}

/** Asks `/api/v1/version` with a token. */
export async function askApi(
  connection: Connection,
  env: EnvFile,
  layout: Layout,
  token: Secret,
  signal: AbortSignal,
): Promise<{ readonly access: ApiAccess; readonly detail: string }> {
  const { status, body } = await new CoolifyApi(connection, env, layout).version(token, signal);
  const said = lastLines(body, 1).slice(0, 120);
  if (status === 200) return { access: 'answers', detail: `Coolify ${said}` };
  if (status === 403 && /disabled/i.test(body)) return { access: 'disabled', detail: said };
  if (status === 403 && /not allowed/i.test(body)) return { access: 'address', detail: said };
  if (status === 401 || status === 403) return { access: 'refused', detail: `${status} ${said}` };
  return { access: 'silent', detail: status === 0 ? 'nothing answers' : `it answers with ${status}` };
}
