import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Secret } from '../../core/secret.js';
import { command, type RemoteCommand } from '../../ssh/command.js';
import type { Connection } from '../../ssh/connection.js';
import type { EnvFile } from '../env-file.js';
import { type HostCommand, type InputLine, VALUE } from '../host-command.js';
import type { Layout } from '../layout.js';

export interface ApiAnswer {
  /** HTTP status; 0 when nothing answered. */
  readonly status: number;
  readonly body: string;
}

/** Coolify's API as the host itself sees it, asked by curl there; the token goes through standard input. */
export class CoolifyApi {
  readonly #connection: Connection;
  readonly #base: string;

  constructor(connection: Connection, env: EnvFile, { apiBase }: Pick<Layout, 'apiBase'>) {
    this.#connection = connection;
    this.#base = apiBase ?? `${ON_THE_HOST}${/^\d{1,5}$/.exec(env.get('APP_PORT') ?? '')?.[0] ?? '8000'}`;
  }

  /** Needs no token and works while the API is disabled. */
  health(signal: AbortSignal): Promise<ApiAnswer> {
    return this.get('/api/health', undefined, signal);
  }

  /** The bare version text, for a token that may read. */
  version(token: Secret, signal: AbortSignal): Promise<ApiAnswer> {
    return this.get('/api/v1/version', token, signal);
  }

  /** Public keys by uuid as the API shows them (of the token's team only); undefined when it does not answer so. */
  async publicKeys(token: Secret, signal: AbortSignal): Promise<Map<string, string> | undefined> {
    const { status, body } = await this.get(KEYS, token, signal, KEYS_SECONDS);
    if (status !== 200) return undefined;
    try {
      return new Map(
        keyList.parse(JSON.parse(body)).map(({ uuid, public_key }) => [uuid, public_key.trim()]),
      );
    } catch {
      return undefined;
    }
  }

  /** @param seconds after which no answer is waited for any more */
  async get(
    path: string,
    token: Secret | undefined,
    signal: AbortSignal,
    seconds = SECONDS,
  ): Promise<ApiAnswer> {
    const config = [
      urlLine(`${this.#base}${path}`),
      ...howToAsk(seconds),
      ...(token === undefined ? [] : [tokenLine(quoted(token.reveal().trim()))]),
    ].join('\n');
    const { stdout } = await this.#connection.run(CURL, {
      input: `${config}\n`,
      signal,
      check: false,
    });
    const text = stdout.toString('utf8');
    const cut = text.lastIndexOf('\n');
    return { status: Number(text.slice(cut + 1)) || 0, body: text.slice(0, Math.max(0, cut)) };
  }
}

const ON_THE_HOST = 'http://127.0.0.1:';
const KEYS = '/api/v1/security/keys';
const CURL: RemoteCommand = command('curl', '--disable', '--config', '-');
const SECONDS = 15;
/** Coolify derives each public key anew: of 200 in 2 to 4 s, on a busy host in 20. Other work goes on meanwhile. */
const KEYS_SECONDS = 60;

function howToAsk(seconds: number): readonly string[] {
  return [
    'silent',
    // It is this very host that is asked: no proxy gets to see the token.
    'noproxy = "*"',
    `max-time = ${seconds}`,
    'write-out = "\\n%{http_code}"',
  ];
}

/** What asking for the public keys runs on the host. The port stands in its `.env`, unless the inventory has the address. */
export function publicKeysCommand({ apiBase }: Pick<Layout, 'apiBase'>): HostCommand {
  const url: InputLine =
    apiBase === undefined
      ? { text: urlLine(`${ON_THE_HOST}${VALUE}${KEYS}`), value: 'digits' }
      : urlLine(`${apiBase}${KEYS}`);
  return {
    purpose: 'the public keys as the API shows them',
    command: CURL,
    input: {
      kind: 'text',
      lines: [url, ...howToAsk(KEYS_SECONDS), { text: tokenLine(VALUE), value: 'token' }],
    },
  };
}

const urlLine = (url: string): string => `url = "${url}"`;
const tokenLine = (token: string): string => `header = "Authorization: Bearer ${token}"`;

const keyList = z.array(z.object({ uuid: z.string(), public_key: z.string() }));

/** What the database keeps of a token: the hash of what stands behind `<id>|`, if there is that. Source: Laravel Sanctum. */
export function tokenHash(token: Secret): string {
  const text = token.reveal().trim();
  return createHash('sha256')
    .update(text.slice(text.indexOf('|') + 1))
    .digest('hex');
}

/** For a quoted value of a curl config file. */
function quoted(text: string): string {
  return text.replace(/[\\"]/g, '\\$&').replace(/[\r\n]/g, '');
}
