import { z } from 'zod';
import { lastLines } from '../../core/terminal-text.js';
import type { Proof } from '../../state/manifest.js';
import { DatabaseSession } from '../database/session.js';
import { liveAccess } from '../database/swap.js';
import { sshFromCoolify } from './ssh-from-coolify.js';
import type { Target } from './target.js';

/** Servers that are asked at most, and how many at once. One that says nothing is waited for so long. */
const LIMIT = 64;
const AT_ONCE = 8;
const CONNECT_TIMEOUT_S = 5;

/** What only a shell on the server can say: that the key was taken. */
const WORD = 'coolify-state-was-let-in';

const serverSchema = z
  .tuple([z.string(), z.string(), z.number().int(), z.string(), z.string(), z.string(), z.boolean()])
  .transform(([name, address, port, user, keyUuid, keyName, worked]) => ({
    name,
    address,
    port,
    user,
    keyUuid,
    keyName,
    /** Whether the instance itself held it for usable when it was backed up. */
    worked,
  }));

type Server = z.infer<typeof serverSchema>;

/** How a server answered one of its keys. */
export type Answer = 'accepted' | 'refused' | 'unreachable';

export interface Asked extends Server {
  readonly answer: Answer;
  readonly says: string;
}

/**
 * Each managed key is accepted by a server that it belongs to, where one can be reached from here. That no server can be reached
 * proves nothing and is said; the localhost of Coolify has a proof of its own.
 */
export async function proveServers(
  target: Target,
  signal: AbortSignal,
): Promise<{ proofs: Proof[]; warnings: readonly string[] }> {
  const servers = await queryServers(target, signal);
  if (servers.length === 0) return { proofs: [], warnings: [] };
  const waiting = servers.slice(0, LIMIT);
  const asked: Asked[] = [];
  const work = async (): Promise<void> => {
    for (let server = waiting.shift(); server !== undefined; server = waiting.shift())
      asked.push({ ...server, ...(await ask(target, server, signal)) });
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return judgeServers(asked, servers.length - asked.length);
}

/** The verdict on what the servers answered; `left` of them were not asked. */
export function judgeServers(
  asked: readonly Asked[],
  left = 0,
): { proofs: Proof[]; warnings: readonly string[] } {
  const accepted = asked.filter(({ answer }) => answer === 'accepted');
  const refused = asked.filter(({ answer }) => answer === 'refused');
  const unreachable = asked.filter(({ answer }) => answer === 'unreachable');
  const good = new Set(accepted.map(({ keyUuid }) => keyUuid));
  // A server that had fallen out before the backup is no fault of the restore, nor is one of several that a key belongs to.
  const wrong = refused.filter(({ keyUuid, worked }) => worked && !good.has(keyUuid));
  const odd = refused.filter((server) => !wrong.includes(server));
  const names = (servers: readonly Asked[]): string =>
    [
      ...servers.slice(0, 5).map(({ name, says }) => `${name} (${says})`),
      ...(servers.length > 5 ? [`and ${servers.length - 5} more`] : []),
    ].join(', ');
  const clauses = [
    ...(wrong.length === 0
      ? []
      : [
          `refused, though it worked when it was backed up: ${wrong.map(({ name, user, address, port, keyName }) => `${name} (${user}@${address} port ${port}) does not take the key "${keyName}"`).join('; ')}`,
        ]),
    ...(accepted.length === 0 ? [] : [`${good.size} keys were accepted by ${accepted.length} servers`]),
    ...(unreachable.length === 0 ? [] : [`not reached, and so not counted: ${names(unreachable)}`]),
    ...(odd.length === 0 ? [] : [`refused, and not counted: ${names(odd)}`]),
    ...(left === 0 ? [] : [`${left} more were not asked`]),
  ];
  return {
    proofs: [
      {
        name: 'servers',
        ok: wrong.length === 0,
        detail: clauses.join('; '),
      },
    ],
    warnings: odd.map(
      ({ name, keyName, worked }) =>
        `the server ${name} does not take the key "${keyName}"${worked ? ', another server does' : '; Coolify could not use it before either'}`,
    ),
  };
}

async function ask(
  target: Target,
  server: Server,
  signal: AbortSignal,
): Promise<Pick<Asked, 'answer' | 'says'>> {
  const login = sshFromCoolify(server, { connectTimeoutS: CONNECT_TIMEOUT_S, remote: ['echo', WORD] });
  const { stdout, stderr, code } = await target.connection.run(login, {
    signal,
    check: false,
    limitBytes: 1024 * 1024,
  });
  const says = lastLines(stderr, 1).slice(0, 160) || `status ${code ?? 'unknown'}`;
  if (stdout.toString('utf8').includes(WORD)) return { answer: 'accepted', says: 'accepted' };
  return { answer: isRefusal(stderr) ? 'refused' : 'unreachable', says };
}

/** What OpenSSH says when the server answers and does not take the key. */
export function isRefusal(stderr: string): boolean {
  return /Permission denied \(|Too many authentication failures/.test(stderr);
}

async function queryServers(target: Target, signal: AbortSignal): Promise<Server[]> {
  await using session = await DatabaseSession.open(
    target.connection,
    await liveAccess(target, signal),
    signal,
  );
  const lines = await session.query(QUERY);
  return lines.map((line) => serverSchema.parse(JSON.parse(line)));
}

/** Columns that not every version has are read from the row as JSON. A server behind a tunnel cannot be reached by its address. */
const QUERY = `
SELECT json_build_array(s.name, s.ip, s.port, s."user", k.uuid, k.name,
  coalesce((to_jsonb(x) ->> 'is_reachable')::boolean, true) AND coalesce((to_jsonb(x) ->> 'is_usable')::boolean, true))
FROM servers s
JOIN private_keys k ON k.id = s.private_key_id
LEFT JOIN server_settings x ON x.server_id = s.id
WHERE s.id <> 0 AND to_jsonb(s) ->> 'deleted_at' IS NULL
  AND NOT coalesce((to_jsonb(x) ->> 'is_cloudflare_tunnel')::boolean, false)
ORDER BY s.id;`;
