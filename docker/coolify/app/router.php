<?php
// Coolify's API as far as a backup or a restore asks it.
require __DIR__ . '/bootstrap.php';

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$method = $_SERVER['REQUEST_METHOD'];

try {
    if ($path === '/api/health' || $path === '/api/v1/health') {
        if (setting('COOLIFY_LAB_UNHEALTHY') !== '') {
            throw new RuntimeException('made unhealthy by the lab');
        }
        database()->query('SELECT 1 FROM instance_settings');
        text(200, 'OK');
    } elseif (str_starts_with($path, '/api/v1/')) {
        api(database(), $method, substr($path, strlen('/api/v1')));
    } else {
        text(200, "Coolify\n");
    }
} catch (Throwable $error) {
    error_log($error->getMessage());
    json(500, ['message' => 'Server Error']);
}

function api(PDO $db, string $method, string $path): void
{
    $token = token($db);
    if ($token === null) {
        json(401, ['message' => 'Unauthenticated.']);
        return;
    }
    $settings = $db->query('SELECT is_api_enabled, allowed_ips FROM instance_settings WHERE id = 0')->fetch();
    if (!in_array($path, ['/enable', '/disable'], true)) {
        if (!$settings['is_api_enabled']) {
            json(403, ['success' => true, 'message' => 'API is disabled.']);
            return;
        }
        if (!is_allowed($_SERVER['REMOTE_ADDR'], (string) $settings['allowed_ips'])) {
            json(403, ['success' => true, 'message' => 'You are not allowed to access the API.']);
            return;
        }
    }
    $needs = in_array($path, ['/enable', '/disable'], true) ? 'write' : 'read';
    // A member may hold no more than the right to read.
    $admin = in_array($token['role'], ['owner', 'admin'], true);
    if ($token['role'] === null || !can($token, $needs) || ($needs === 'write' && !$admin)) {
        json(403, ['message' => 'Missing required permissions: ' . $needs]);
        return;
    }
    if ($path === '/version') {
        text(200, version());
    } elseif ($path === '/security/keys') {
        json(200, keys($db, $token['team_id'], $admin && can($token, 'read:sensitive')));
    } elseif (preg_match('#^/security/keys/([a-z0-9]+)$#', $path, $match)) {
        $found = array_filter(keys($db, $token['team_id'], $admin && can($token, 'read:sensitive')), fn ($key) => $key['uuid'] === $match[1]);
        $found === [] ? json(404, ['message' => 'Private Key not found.']) : json(200, reset($found));
    } elseif ($needs === 'write' && $method !== 'POST') {
        json(405, ['message' => 'This endpoint must be called with POST.']);
    } elseif ($needs === 'write') {
        $on = $path === '/enable' ? 't' : 'f';
        $db->prepare('UPDATE instance_settings SET is_api_enabled = ?, updated_at = now() WHERE id = 0 AND is_api_enabled <> ?')->execute([$on, $on]);
        json(200, ['message' => 'API ' . substr($path, 1) . 'd.']);
    } else {
        json(404, ['message' => 'Not found.']);
    }
}

function can(array $token, string $ability): bool
{
    return array_intersect(['*', 'root', $ability], json_decode($token['abilities'], true)) !== [];
}

/** Addresses and networks, separated by commas; blank or 0.0.0.0 is everyone. */
function is_allowed(string $address, string $list): bool
{
    $entries = array_filter(array_map('trim', explode(',', $list)));
    foreach ($entries as $entry) {
        [$network, $bits] = explode('/', $entry) + [1 => null];
        $network = inet_pton(filter_var($network, FILTER_VALIDATE_IP) ?: '0.0.0.0');
        $bits ??= 8 * strlen($network);
        if ($entry === '0.0.0.0' || (strlen($network) === strlen(inet_pton($address)) && strncmp(bits($network), bits(inet_pton($address)), (int) $bits) === 0)) {
            return true;
        }
    }
    return $entries === [];
}

function bits(string $bytes): string
{
    return implode('', array_map(fn ($byte) => sprintf('%08b', $byte), unpack('C*', $bytes)));
}

/**
 * Keys of the token's own team. The public half is worked out from the private one each time. A value that no key opens
 * is an exception, hence a 500 for the whole list.
 */
function keys(PDO $db, string $team, bool $sensitive): array
{
    $encrypter = Encrypter::fromSettings();
    $select = $db->prepare('SELECT id, uuid, name, description, private_key, fingerprint, is_git_related, team_id, created_at, updated_at FROM private_keys WHERE team_id = ? ORDER BY id');
    $select->execute([$team]);
    $list = [];
    foreach ($select as $row) {
        $private = $encrypter->decryptString($row['private_key']);
        unset($row['private_key']);
        $row['public_key'] = public_key($private) ?? 'Error loading private key';
        $list[] = $sensitive ? [...$row, 'private_key' => $private] : $row;
    }
    return $list;
}

/** Sanctum's lookup: by hash of what stands after "|", or of the whole. last_used_at is left alone, so that a question does not change the database that is compared. */
function token(PDO $db): ?array
{
    if (!preg_match('/^Bearer (?:(\d+)\|)?(\S+)$/', $_SERVER['HTTP_AUTHORIZATION'] ?? '', $match)) {
        return null;
    }
    $select = $db->prepare('SELECT t.*, m.role FROM personal_access_tokens t
        LEFT JOIN team_user m ON m.user_id = t.tokenable_id AND m.team_id::text = t.team_id
        WHERE t.token = ? AND (t.expires_at IS NULL OR t.expires_at > now())');
    $select->execute([hash('sha256', $match[2])]);
    $token = $select->fetch() ?: null;
    return $match[1] !== '' && (int) $match[1] !== (int) ($token['id'] ?? 0) ? null : $token;
}

function text(int $status, string $body): void
{
    http_response_code($status);
    header('Content-Type: text/plain');
    echo $body;
}

function json(int $status, array $body): void
{
    http_response_code($status);
    header('Content-Type: application/json');
    echo json_encode($body, JSON_UNESCAPED_SLASHES);
}
