<?php
// The parts of Coolify's boot that a restore has to reckon with.

function wait_for_database(): void
{
    for ($attempt = 0; ; $attempt++) {
        try {
            database();
            return;
        } catch (PDOException $error) {
            if ($attempt >= 60) {
                throw $error;
            }
            usleep(500_000);
        }
    }
}

/** Forward only: migrations that a newer version has run and this one does not know end the boot. */
function migrate(PDO $db): void
{
    $db->exec('CREATE TABLE IF NOT EXISTS migrations (id serial PRIMARY KEY, migration varchar(255) NOT NULL, batch integer NOT NULL)');
    // One at a time, as `migrate --isolated`: the lock ends with the connection.
    $db->query('SELECT pg_advisory_lock(432011)');
    $done = $db->query('SELECT migration FROM migrations ORDER BY id')->fetchAll(PDO::FETCH_COLUMN);
    $known = [];
    foreach (glob(__DIR__ . '/migrations/*.sql') as $file) {
        // 2026_08_01_000000_name@4.3.12.sql came with that version.
        [$name, $since] = explode('@', basename($file, '.sql'));
        if (version_compare($since, version(), '<=')) {
            $known[$name] = $file;
        }
    }
    $unknown = array_diff($done, array_keys($known));
    if ($unknown !== []) {
        fwrite(STDERR, 'the database was migrated by a newer version: ' . implode(', ', $unknown) . "\n");
        exit(1);
    }
    $batch = (int) $db->query('SELECT coalesce(max(batch), 0) + 1 FROM migrations')->fetchColumn();
    foreach (array_diff_key($known, array_flip($done)) as $name => $file) {
        $db->beginTransaction();
        $db->exec(file_get_contents($file));
        $db->prepare('INSERT INTO migrations (migration, batch) VALUES (?, ?)')->execute([$name, $batch]);
        $db->commit();
        echo "migrated $name\n";
    }
}

/** Rows that must be there; existing ones are not touched, so that a boot changes nothing in a full database. */
function seed_production(PDO $db): void
{
    $db->exec("INSERT INTO teams (id, name, personal_team) VALUES (0, 'Root Team', true) ON CONFLICT DO NOTHING");
    $db->exec('INSERT INTO instance_settings (id, is_api_enabled) VALUES (0, false) ON CONFLICT DO NOTHING');
    if ($db->query('SELECT count(*) FROM private_keys WHERE id = 0')->fetchColumn() == 0) {
        foreach (glob(SSH . '/keys/*@host.docker.internal') as $file) {
            $private = file_get_contents($file);
            $public = public_key($private);
            $db->prepare('INSERT INTO private_keys (id, uuid, name, description, private_key, fingerprint, team_id) VALUES (0, ?, ?, ?, ?, ?, 0)')
                ->execute([public_id(), "localhost's key", 'The private key for the Coolify host machine (localhost).', Encrypter::fromSettings()->encryptString($private), $public === null ? null : fingerprint($public)]);
            break;
        }
    }
    if ($db->query('SELECT count(*) FROM servers WHERE id = 0')->fetchColumn() == 0
        && $db->query('SELECT count(*) FROM private_keys WHERE id = 0')->fetchColumn() == 1) {
        $db->prepare("INSERT INTO servers (id, uuid, name, description, ip, port, \"user\", team_id, private_key_id) VALUES (0, ?, 'localhost', 'This is the server where Coolify is running on.', 'host.docker.internal', 22, 'root', 0, 0)")
            ->execute([public_id()]);
        $db->prepare('INSERT INTO server_settings (server_id, is_reachable, is_usable, sentinel_token) VALUES (0, true, true, ?)')
            ->execute([Encrypter::fromSettings()->encryptString(bin2hex(random_bytes(24)))]);
    }
}

/** What a stopped instance was doing is not going on any more. Rows that say so already are not written again. */
function init(PDO $db): void
{
    foreach (['scheduled_database_backup_executions', 'scheduled_task_executions'] as $table) {
        $db->exec("UPDATE $table SET status = 'failed', updated_at = now() WHERE status = 'running'");
    }
    $db->exec("UPDATE application_deployment_queues SET status = 'failed', updated_at = now() WHERE status IN ('queued', 'in_progress')");
    $update = enabled('AUTOUPDATE') ? 't' : 'f';
    $db->prepare('UPDATE instance_settings SET is_auto_update_enabled = ? WHERE id = 0 AND is_auto_update_enabled <> ?')->execute([$update, $update]);
    foreach (['horizon' => 'HORIZON_ENABLED', 'scheduler' => 'SCHEDULER_ENABLED'] as $name => $key) {
        echo "$name " . (enabled($key) ? 'on' : 'off') . "\n";
    }
    if (enabled('HORIZON_ENABLED')) {
        connect_to_this_host($db);
    }
}

/** The first job looks at Coolify's own host, and leaves what a connection leaves: a lock beside the key, a control socket. */
function connect_to_this_host(PDO $db): void
{
    foreach ($db->query('SELECT s.uuid, k.uuid AS key FROM servers s JOIN private_keys k ON k.id = s.private_key_id WHERE s.id = 0') as $server) {
        $key = SSH . "/keys/ssh_key@{$server['key']}";
        if (is_file($key)) {
            foreach (["$key.lock", SSH . "/mux/mux_{$server['uuid']}"] as $left) {
                touch($left);
                chmod($left, 0600);
                chown($left, 9999);
            }
        }
    }
}

/** On every boot: the folder is emptied first and written anew after. With a wrong APP_KEY it stays empty. */
function populate_ssh_keys_directory(PDO $db): void
{
    foreach (['keys', 'mux'] as $folder) {
        exec('rm -rf -- ' . escapeshellarg(SSH . "/$folder"));
        mkdir(SSH . "/$folder", 0700);
    }
    try {
        $encrypter = Encrypter::fromSettings();
        foreach ($db->query('SELECT uuid, private_key FROM private_keys ORDER BY id') as $row) {
            $private = $encrypter->decryptString($row['private_key']);
            $file = SSH . "/keys/ssh_key@{$row['uuid']}";
            touch($file);
            chmod($file, 0600);
            file_put_contents($file, $private);
        }
    } catch (RuntimeException $error) {
        echo 'Error populating the SSH keys directory: ' . $error->getMessage() . "\n";
    }
    exec('chown -R 9999:root ' . SSH);
}
