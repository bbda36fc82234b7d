import { StateError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import { lastLines } from '../../core/terminal-text.js';
import { command } from '../../ssh/command.js';
import type { Connection } from '../../ssh/connection.js';
import type { TokenPlace } from './access.js';
import { tokenHash } from './api.js';

/**
 * Makes a new token, or gives the row of that name another one. Coolify keeps only its SHA-256, and that is all it is told; the
 * text is written to the host's file, for root and Coolify alone.
 * @throws StateError `token.no-user`, `token.not-made`
 */
export async function makeToken(
  connection: Connection,
  { path, name, abilities }: TokenPlace,
  token: Secret,
  owner: { readonly uid: number; readonly gid: number },
  signal: AbortSignal,
): Promise<void> {
  const said = await tinker(
    connection,
    {
      COOLIFY_STATE_HASH: tokenHash(token),
      COOLIFY_STATE_NAME: name,
      COOLIFY_STATE_ABILITIES: JSON.stringify(abilities),
    },
    MAKE_TOKEN,
    signal,
  );
  if (said.includes('no-user')) {
    throw new StateError({
      kind: 'failed',
      code: 'token.no-user',
      what: 'No token could be made',
      why: 'the instance has no owner or admin of a team who could hold it',
      next: "finish Coolify's registration in the browser first",
    });
  }
  if (!said.includes('token-made')) throw notDone('token.not-made', 'The token could not be made', said);
  await connection.files.write(path, Buffer.from(token.reveal()), { mode: 0o600, ...owner, signal });
}

/**
 * Switches the API on. A list of admitted addresses stays as strict as it is, but for the host's own address as Coolify sees it.
 * @throws StateError `token.api-not-enabled`
 */
export async function enableApi(
  connection: Connection,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const said = await tinker(connection, { COOLIFY_STATE_ADDRESSES: addresses.join(',') }, ENABLE_API, signal);
  if (!said.includes('api-enabled'))
    throw notDone('token.api-not-enabled', 'The API could not be switched on', said);
}

/** Addresses from which Coolify sees its own host call: the gateways of its network. */
export async function gatewaysOf(connection: Connection, signal: AbortSignal): Promise<string[]> {
  const { code, stdout } = await connection.run(
    command(
      'docker',
      'network',
      'inspect',
      '--format',
      '{{range .IPAM.Config}}{{println .Gateway}}{{end}}',
      'coolify',
    ),
    { signal, check: false },
  );
  if (code !== 0) return [];
  return stdout
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

async function tinker(
  connection: Connection,
  variables: Readonly<Record<string, string>>,
  code: string,
  signal: AbortSignal,
): Promise<string> {
  const environment = Object.entries(variables).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const {
    stdout,
    stderr,
    code: status,
  } = await connection.run(
    {
      ...command(
        'docker',
        'exec',
        ...environment,
        'coolify',
        'php',
        'artisan',
        'tinker',
        `--execute=${code}`,
      ),
      summary: 'docker exec coolify php artisan tinker',
    },
    { signal, check: false },
  );
  return `${stdout.toString('utf8')}${status === 0 ? '' : `\n${stderr}`}`;
}

function notDone(code: string, what: string, said: string): StateError {
  return new StateError({
    kind: 'failed',
    code,
    what,
    why: lastLines(said, 2) || '"php artisan tinker" gave no reason',
    next: 'see "docker logs coolify" on the host',
  });
}

/** Of the owners and admins the one of the first team, as Coolify's own first user is. */
const MAKE_TOKEN = `
$hash = getenv('COOLIFY_STATE_HASH'); $name = getenv('COOLIFY_STATE_NAME'); $abilities = getenv('COOLIFY_STATE_ABILITIES');
$member = \\Illuminate\\Support\\Facades\\DB::selectOne("SELECT user_id, team_id FROM team_user WHERE role IN ('owner', 'admin') ORDER BY team_id, user_id LIMIT 1");
$row = \\Illuminate\\Support\\Facades\\DB::selectOne('SELECT id FROM personal_access_tokens WHERE name = ? ORDER BY id LIMIT 1', [$name]);
if ($member === null) { echo 'no-user'; }
elseif ($row !== null) {
  \\Illuminate\\Support\\Facades\\DB::update('UPDATE personal_access_tokens SET token = ?, expires_at = NULL, tokenable_id = ?, team_id = ?, updated_at = now() WHERE id = ?', [$hash, $member->user_id, $member->team_id, $row->id]);
  echo 'token-made';
} else {
  \\Illuminate\\Support\\Facades\\DB::insert('INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token, team_id, abilities, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, now(), now())', ['App\\\\Models\\\\User', $member->user_id, $name, $hash, $member->team_id, $abilities]);
  echo 'token-made';
}
`;

const ENABLE_API = `
$addresses = array_filter(explode(',', getenv('COOLIFY_STATE_ADDRESSES')));
$settings = \\Illuminate\\Support\\Facades\\DB::selectOne('SELECT allowed_ips FROM instance_settings WHERE id = 0');
$allowed = array_filter(array_map('trim', explode(',', (string) $settings->allowed_ips)));
if ($allowed !== [] && !in_array('0.0.0.0', $allowed, true)) { $allowed = array_unique(array_merge($allowed, $addresses)); }
\\Illuminate\\Support\\Facades\\DB::update('UPDATE instance_settings SET is_api_enabled = true, allowed_ips = ? WHERE id = 0', [$allowed === [] ? $settings->allowed_ips : implode(',', $allowed)]);
echo 'api-enabled';
`;
