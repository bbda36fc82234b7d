<?php
// What the commands and the web server share: settings, database, encryption.
error_reporting(E_ALL);
set_error_handler(function (int $level, string $message, string $file, int $line): bool {
    if ((error_reporting() & $level) === 0) {
        return false;
    }
    throw new ErrorException($message, 0, $level, $file, $line);
});

const SSH = '/var/www/html/storage/app/ssh';

/** Settings as Laravel reads them: the environment first (compose's env_file), then the mounted file. */
function setting(string $key, string $default = ''): string
{
    $value = getenv($key);
    if ($value !== false && $value !== '') {
        return $value;
    }
    foreach (@file('/var/www/html/.env', FILE_IGNORE_NEW_LINES) ?: [] as $line) {
        if (str_starts_with($line, "$key=")) {
            $value = trim(substr($line, strlen($key) + 1));
            return preg_match('/^(["\'])(.*)\1$/', $value, $m) ? $m[2] : $value;
        }
    }
    return $default;
}

/** For HORIZON_ENABLED and its like: everything but a plain no is yes. */
function enabled(string $key): bool
{
    return !in_array(strtolower(setting($key, 'true')), ['false', '0', 'no'], true);
}

function version(): string
{
    return getenv('COOLIFY_APP_VERSION') ?: '0.0.0';
}

/** Over the network with the password, as Coolify does. */
function database(): PDO
{
    $dsn = sprintf('pgsql:host=%s;port=%s;dbname=%s', setting('DB_HOST', 'coolify-db'), setting('DB_PORT', '5432'), setting('DB_DATABASE', 'coolify'));
    return new PDO($dsn, setting('DB_USERNAME', 'coolify'), setting('DB_PASSWORD'), [
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
        PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
        PDO::ATTR_TIMEOUT => 2,
    ]);
}

/** Laravel's encrypter: AES-256-CBC under an HMAC that is checked first; older keys open, only the current one closes. */
final class Encrypter
{
    /** @param string[] $keys */
    public function __construct(private array $keys)
    {
    }

    public static function fromSettings(): self
    {
        $texts = array_filter([setting('APP_KEY'), ...explode(',', setting('APP_PREVIOUS_KEYS'))], fn ($text) => $text !== '');
        $keys = array_map(fn ($text) => base64_decode(substr(trim($text), strlen('base64:')), true) ?: '', array_values($texts));
        if (setting('APP_KEY') === '' || array_filter($keys, fn ($key) => strlen($key) !== 32) !== []) {
            throw new RuntimeException('Unsupported cipher or incorrect key length.');
        }
        return new self($keys);
    }

    public function encryptString(string $plain): string
    {
        $iv = random_bytes(16);
        $value = openssl_encrypt($plain, 'aes-256-cbc', $this->keys[0], 0, $iv);
        $iv = base64_encode($iv);
        $mac = hash_hmac('sha256', $iv . $value, $this->keys[0]);
        return base64_encode(json_encode(['iv' => $iv, 'value' => $value, 'mac' => $mac, 'tag' => ''], JSON_UNESCAPED_SLASHES));
    }

    /** One that closes with the newest of the previous keys; null without such a key. */
    public function previous(): ?self
    {
        return isset($this->keys[1]) ? new self([$this->keys[1]]) : null;
    }

    /** The form that serialises first, as some columns have it. */
    public function encrypt(string $plain): string
    {
        return $this->encryptString(serialize($plain));
    }

    public function decryptString(string $payload): string
    {
        $parts = json_decode(base64_decode($payload), true);
        if (!is_string($parts['iv'] ?? null) || !is_string($parts['value'] ?? null) || !is_string($parts['mac'] ?? null)
            || strlen((string) base64_decode($parts['iv'], true)) !== 16) {
            throw new RuntimeException('The payload is invalid.');
        }
        foreach ($this->keys as $key) {
            if (hash_equals(hash_hmac('sha256', $parts['iv'] . $parts['value'], $key), $parts['mac'])) {
                $plain = openssl_decrypt($parts['value'], 'aes-256-cbc', $key, 0, base64_decode($parts['iv']));
                if ($plain === false) {
                    throw new RuntimeException('Could not decrypt the data.');
                }
                return $plain;
            }
        }
        throw new RuntimeException('The MAC is invalid.');
    }
}

/** The public half as OpenSSH writes it, without a comment; null when the text is no private key. */
function public_key(string $private): ?string
{
    $file = tempnam(sys_get_temp_dir(), 'key');
    chmod($file, 0600);
    file_put_contents($file, $private);
    exec('ssh-keygen -y -P "" -f ' . escapeshellarg($file) . ' 2>/dev/null', $lines, $status);
    unlink($file);
    return $status === 0 && isset($lines[0]) ? implode(' ', array_slice(explode(' ', $lines[0]), 0, 2)) : null;
}

function fingerprint(string $public): string
{
    return rtrim(base64_encode(hash('sha256', base64_decode(explode(' ', $public)[1]), true)), '=');
}

function public_id(): string
{
    $id = '';
    for ($i = 0; $i < 24; $i++) {
        $id .= '0123456789abcdefghijklmnopqrstuvwxyz'[random_int(0, 35)];
    }
    return $id;
}
