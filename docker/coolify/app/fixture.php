<?php
// Fills the database with an instance that has some of everything. Run once, on an empty one:
//   php artisan lab:seed [--other] [--rows N] [--big-mib N] [--corrupt-key]

/** @param string[] $options */
function fill(PDO $db, array $options): void
{
    $has = fn (string $name): bool => in_array($name, $options, true);
    $number = function (string $name, int $default) use ($options): int {
        $at = array_search($name, $options, true);
        return $at === false ? $default : (int) $options[$at + 1];
    };
    $fixture = new Fixture($db, $has('--other'));
    $db->beginTransaction();
    $fixture->people();
    $fixture->keys($has('--other') ? 8 : 200, $has('--corrupt-key'));
    $fixture->resources();
    $fixture->settings();
    $fixture->bulk($number('--rows', $has('--other') ? 50 : 20_000));
    $fixture->big($number('--big-mib', 0));
    $db->commit();
    echo "1|$fixture->interfaceToken\n";
}

final class Fixture
{
    private Encrypter $encrypter;
    private string $tag;
    /** As the interface makes them: 40 characters and a checksum. It is shown after the id and "|", and never kept. */
    public readonly string $interfaceToken;

    public function __construct(private PDO $db, private bool $other)
    {
        $this->encrypter = Encrypter::fromSettings();
        $this->tag = $other ? 'other' : 'main';
        $secret = bin2hex(random_bytes(20));
        $this->interfaceToken = $secret . hash('crc32b', $secret);
    }

    /** @param array<string, mixed> $values */
    private function add(string $table, array $values): void
    {
        $columns = implode(', ', array_map(fn ($name) => "\"$name\"", array_keys($values)));
        $places = implode(', ', array_fill(0, count($values), '?'));
        $insert = $this->db->prepare("INSERT INTO $table ($columns) VALUES ($places)");
        foreach (array_values($values) as $index => $value) {
            $insert->bindValue($index + 1, $value, is_bool($value) ? PDO::PARAM_BOOL : (is_null($value) ? PDO::PARAM_NULL : PDO::PARAM_STR));
        }
        $insert->execute();
    }

    private function secret(string $what): string
    {
        return $this->encrypter->encryptString("{$this->tag} $what " . bin2hex(random_bytes(6)));
    }

    public function people(): void
    {
        $this->add('users', ['id' => 0, 'name' => 'Root', 'email' => "root@{$this->tag}.test", 'password' => password_hash('lab', PASSWORD_BCRYPT, ['cost' => 4]),
            'two_factor_secret' => $this->encrypter->encrypt('JBSWY3DPEHPK3PXP'), 'two_factor_confirmed_at' => '2026-02-03 04:05:06+00', 'two_factor_recovery_codes' => $this->encrypter->encrypt(json_encode(['aaaa-bbbb', 'cccc-dddd']))]);
        $this->add('team_user', ['team_id' => 0, 'user_id' => 0, 'role' => 'owner']);
        for ($id = 1; $id <= 3; $id++) {
            $this->add('teams', ['id' => $id, 'name' => "Team $id", 'description' => "tab\there, newline\nthere, backslash \\ and \\N"]);
            $this->add('users', ['id' => $id, 'name' => "Üser $id", 'email' => "user$id@{$this->tag}.test", 'password' => password_hash('lab', PASSWORD_BCRYPT, ['cost' => 4])]);
            $this->add('team_user', ['team_id' => $id, 'user_id' => $id, 'role' => 'member']);
        }
    }

    public function keys(int $count, bool $corrupt): void
    {
        $names = ['deploy key', 'web/01', '../../etc/passwd', 'Schlüssel für München', '.hidden', 'name.with.dots', "o'brien \"quoted\"", 'a/b', 'a b', 'a_b', 'same name', 'same name', 'trailing dot.', '钥匙', 'UPPER', 'upper'];
        $folder = sys_get_temp_dir() . '/lab-keys';
        mkdir($folder, 0700);
        for ($id = 1; $id < $count; $id++) {
            $kind = $id % 17 === 0 ? 'rsa -b 2048' : ($id % 6 === 0 ? 'ecdsa -b ' . [256, 384, 521][intdiv($id, 6) % 3] : 'ed25519');
            // Some as users paste them and as GitHub hands them out: PEM instead of OpenSSH's own form.
            $form = in_array($id, [30, 34, 68], true) ? '-m PEM' : ($id === 51 ? '-m PKCS8' : '');
            exec("ssh-keygen -q -t $kind $form -N '' -C '' -f $folder/k$id", $out, $status);
            if ($status !== 0) {
                throw new RuntimeException("ssh-keygen failed for key $id");
            }
            $private = file_get_contents("$folder/k$id");
            $public = implode(' ', array_slice(explode(' ', trim(file_get_contents("$folder/k$id.pub"))), 0, 2));
            $this->add('private_keys', ['id' => $id, 'uuid' => public_id(), 'name' => $names[$id - 1] ?? "key $id", 'private_key' => $corrupt && $id === 2 ? 'eyJpdiI6ImJyb2tlbiJ9' : $this->encrypter->encryptString($private),
                'fingerprint' => fingerprint($public), 'is_git_related' => $id === 34, 'team_id' => in_array($id, [12, 40], true) ? 1 : 0]);
        }
        array_map('unlink', glob("$folder/*"));
        rmdir($folder);
        $this->add('servers', ['id' => 1, 'uuid' => public_id(), 'name' => 'worker', 'ip' => '192.0.2.10', 'team_id' => 0, 'private_key_id' => 1, 'proxy' => json_encode(['type' => 'TRAEFIK', 'status' => 'running'])]);
        $this->add('server_settings', ['server_id' => 1, 'is_reachable' => true, 'sentinel_token' => $this->secret('sentinel')]);
        foreach ([0, 1] as $server) {
            $this->add('ssl_certificates', ['ssl_certificate' => $this->secret('certificate'), 'ssl_private_key' => $this->secret('key'), 'common_name' => 'coolify', 'valid_until' => '2036-01-01', 'server_id' => $server]);
        }
    }

    public function resources(): void
    {
        $this->add('standalone_dockers', ['uuid' => public_id(), 'name' => 'coolify', 'network' => 'coolify', 'server_id' => 0]);
        $this->add('github_apps', ['uuid' => public_id(), 'name' => 'GitHub App', 'html_url' => 'https://github.test', 'app_id' => 42, 'client_secret' => 'not encrypted in Coolify', 'webhook_secret' => 'nor this', 'team_id' => 0, 'private_key_id' => 2]);
        $this->add('gitlab_apps', ['uuid' => public_id(), 'name' => 'GitLab', 'api_url' => 'https://gitlab.test', 'access_token' => $this->secret('access'), 'refresh_token' => $this->secret('refresh'), 'client_secret' => $this->secret('client'), 'team_id' => 0]);
        for ($project = 1; $project <= 4; $project++) {
            $this->add('projects', ['id' => $project, 'uuid' => public_id(), 'name' => "Project $project", 'team_id' => $project % 3]);
            $this->add('environments', ['id' => $project, 'uuid' => public_id(), 'name' => 'production', 'project_id' => $project]);
            $common = fn (string $name): array => ['uuid' => public_id(), 'name' => "$name $project", 'environment_id' => $project, 'image' => "$name:latest"];
            $this->add('standalone_postgresqls', [...$common('postgres'), 'postgres_password' => $this->secret('postgres'), 'init_scripts' => '[{"content": "SELECT 1;\n"}]']);
            $this->add('standalone_mysqls', [...$common('mysql'), 'mysql_root_password' => $this->secret('root'), 'mysql_user' => 'app', 'mysql_password' => $this->secret('mysql')]);
            $this->add('standalone_mariadbs', [...$common('mariadb'), 'mariadb_root_password' => $this->secret('root'), 'mariadb_password' => $this->secret('mariadb')]);
            $this->add('standalone_mongodbs', [...$common('mongo'), 'mongo_initdb_root_username' => 'root', 'mongo_initdb_root_password' => $this->encrypter->encrypt('mongo secret')]);
            $this->add('standalone_redis', [...$common('redis'), 'redis_conf' => null]);
            $this->add('standalone_keydbs', [...$common('keydb'), 'keydb_password' => $this->secret('keydb')]);
            $this->add('standalone_dragonflies', [...$common('dragonfly'), 'dragonfly_password' => $this->secret('dragonfly')]);
            $this->add('standalone_clickhouses', [...$common('clickhouse'), 'clickhouse_admin_password' => $this->secret('clickhouse')]);
            $this->add('applications', ['id' => $project, 'uuid' => public_id(), 'name' => "app $project", 'git_repository' => 'team/app', 'git_branch' => 'main', 'build_pack' => 'nixpacks', 'environment_id' => $project, 'docker_compose_raw' => "services:\n  web:\n    image: nginx\n\t# a tab", 'http_basic_auth_password' => $this->secret('basic'), 'manual_webhook_secret_github' => $this->secret('webhook'), 'manual_webhook_secret_gitlab' => $this->secret('webhook'), 'manual_webhook_secret_bitbucket' => $this->secret('webhook'), 'manual_webhook_secret_gitea' => $this->secret('webhook'), 'private_key_id' => 3]);
            $this->add('application_settings', ['application_id' => $project]);
            $this->add('services', ['id' => $project, 'uuid' => public_id(), 'name' => "service $project", 'docker_compose_raw' => 'services: {}', 'environment_id' => $project, 'server_id' => 0]);
            $this->add('service_applications', ['uuid' => public_id(), 'name' => 'web', 'service_id' => $project]);
            $this->add('service_databases', ['uuid' => public_id(), 'name' => 'db', 'service_id' => $project]);
            for ($n = 0; $n < 12; $n++) {
                $this->add('environment_variables', ['uuid' => public_id(), 'key' => "KEY_$n", 'value' => $n === 11 ? null : $this->encrypter->encrypt("välue $n of {$this->tag}"), 'resourceable_type' => 'App\\Models\\Application', 'resourceable_id' => $project, 'order' => $n]);
            }
            $this->add('shared_environment_variables', ['key' => 'SHARED', 'value' => $this->encrypter->encrypt('shared'), 'type' => 'project', 'team_id' => $project % 3, 'project_id' => $project]);
            $this->add('local_file_volumes', ['uuid' => public_id(), 'fs_path' => '/etc/app.conf', 'content' => $this->secret("a file\nwith lines"), 'resource_type' => 'App\\Models\\Application', 'resource_id' => $project]);
            $this->add('local_persistent_volumes', ['name' => "volume-$project", 'mount_path' => '/data', 'resource_type' => 'App\\Models\\Application', 'resource_id' => $project]);
            $this->add('scheduled_tasks', ['id' => $project, 'uuid' => public_id(), 'name' => 'nightly', 'command' => 'php artisan inspire', 'frequency' => '@daily', 'application_id' => $project, 'team_id' => $project % 3]);
            $this->add('scheduled_task_executions', ['uuid' => public_id(), 'status' => 'success', 'message' => 'done', 'scheduled_task_id' => $project]);
        }
    }

    public function settings(): void
    {
        $this->db->prepare("UPDATE instance_settings SET is_api_enabled = true, allowed_ips = '0.0.0.0', instance_name = ?, smtp_enabled = true, smtp_host = ?, smtp_username = ?, smtp_password = ?, smtp_from_address = ?, smtp_from_name = ?, smtp_recipients = ?, resend_api_key = ?, domain_connect_private_key = ?, sentinel_token = ? WHERE id = 0")
            ->execute([$this->tag, $this->secret('host'), $this->secret('user'), $this->secret('password'), $this->secret('from'), $this->secret('name'), $this->secret('to'), $this->secret('resend'), $this->secret('domain connect'), $this->secret('sentinel')]);
        $this->add('s3_storages', ['id' => 1, 'uuid' => public_id(), 'name' => 'backups', 'region' => 'eu', 'key' => $this->secret('key'), 'secret' => $this->secret('secret'), 'bucket' => 'b', 'team_id' => 0]);
        $this->add('scheduled_database_backups', ['id' => 1, 'uuid' => public_id(), 'frequency' => '@daily', 'database_type' => 'App\\Models\\StandalonePostgresql', 'database_id' => 1, 's3_storage_id' => 1, 'team_id' => 0]);
        for ($n = 0; $n < 30; $n++) {
            $this->add('scheduled_database_backup_executions', ['uuid' => public_id(), 'status' => 'success', 'size' => 1000 + $n, 'filename' => "/data/backup-$n.dmp", 'scheduled_database_backup_id' => 1]);
        }
        foreach ([0, 1, 2, 3] as $team) {
            $this->add('email_notification_settings', ['team_id' => $team, 'smtp_host' => $this->secret('host'), 'smtp_username' => $this->secret('user'), 'smtp_password' => $this->secret('password'), 'resend_api_key' => $this->secret('resend')]);
            $this->add('discord_notification_settings', ['team_id' => $team, 'discord_webhook_url' => $this->secret('url')]);
            $this->add('slack_notification_settings', ['team_id' => $team, 'slack_webhook_url' => $this->secret('url')]);
            $this->add('telegram_notification_settings', ['team_id' => $team, 'telegram_token' => $this->secret('token'), 'telegram_chat_id' => $this->secret('chat')]);
            $this->add('pushover_notification_settings', ['team_id' => $team, 'pushover_user_key' => $this->secret('user'), 'pushover_api_token' => $this->secret('token')]);
            $this->add('webhook_notification_settings', ['team_id' => $team, 'webhook_url' => $this->secret('url')]);
        }
        $this->add('cloud_provider_tokens', ['uuid' => public_id(), 'provider' => 'hetzner', 'token' => $this->secret('token'), 'team_id' => 0]);
        $this->add('cloud_init_scripts', ['name' => 'init', 'script' => $this->secret('#!/bin/sh'), 'team_id' => 0]);
        $this->add('oauth_settings', ['provider' => 'github', 'client_secret' => $this->secret('oauth')]);
        $this->add('tags', ['id' => 1, 'uuid' => public_id(), 'name' => 'prod', 'team_id' => 0]);
        $this->add('taggables', ['tag_id' => 1, 'taggable_type' => 'App\\Models\\Application', 'taggable_id' => 1]);
        // A value from before the key was changed: only a key of APP_PREVIOUS_KEYS opens it.
        $previous = $this->encrypter->previous();
        if ($previous !== null) {
            $this->db->prepare("UPDATE shared_environment_variables SET value = ? WHERE id = (SELECT max(id) FROM shared_environment_variables)")->execute([$previous->encrypt('from before')]);
        }
        $this->add('personal_access_tokens', ['id' => 1, 'tokenable_type' => 'App\\Models\\User', 'tokenable_id' => 0, 'name' => 'from the interface', 'token' => hash('sha256', $this->interfaceToken), 'team_id' => '0', 'abilities' => '["read"]']);
        $this->db->exec("INSERT INTO cache (key, value, expiration) SELECT 'key' || n, decode(md5(n::text) || '00ff5c0a09', 'hex'), 2000000000 FROM generate_series(1, 40) n");
        $this->db->exec("INSERT INTO sessions (id, payload, last_activity) SELECT md5(n::text), encode(convert_to('a:1:{s:6:\"_token\";}', 'UTF8'), 'base64'), n FROM generate_series(1, 25) n");
        foreach ($this->db->query("SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'id' AND column_default LIKE 'nextval%'")->fetchAll(PDO::FETCH_COLUMN) as $table) {
            $this->db->exec("SELECT setval(pg_get_serial_sequence('$table', 'id'), greatest((SELECT coalesce(max(id), 1) FROM $table), 1))");
        }
    }

    public function bulk(int $rows): void
    {
        $this->db->exec("INSERT INTO activity_log (log_name, description, properties, batch_uuid, created_at)
            SELECT 'default', E'deployment \\t' || n || E' of\\n\\\\app\\\\', json_build_object('type', 'command', 'n', n, 'text', repeat(md5(n::text), 4)), md5(n::text)::uuid, timestamptz '2026-01-01' + n * interval '1 minute'
            FROM generate_series(1, $rows) n");
        $this->db->exec("INSERT INTO application_deployment_queues (application_id, deployment_uuid, status, logs) SELECT '1', 'd' || n, 'finished', repeat('step ' || n || E'\\n', 20) FROM generate_series(1, 300) n");
    }

    /** Text like logs, as much as asked for, in rows of 64 KiB. */
    public function big(int $mebibytes): void
    {
        if ($mebibytes > 0) {
            $this->db->exec("INSERT INTO application_deployment_queues (application_id, deployment_uuid, status, logs)
                SELECT '1', 'big' || n, 'finished', (SELECT string_agg(md5((n * 2048 + i)::text), E'\\n') FROM generate_series(1, 1986) i) FROM generate_series(1, $mebibytes * 16) n");
        }
    }
}
