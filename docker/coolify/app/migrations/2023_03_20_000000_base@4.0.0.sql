-- The tables of Coolify that matter to a backup, under their real names and with their real encrypted columns.
CREATE TABLE teams (
    id bigserial PRIMARY KEY,
    name varchar(255) NOT NULL,
    description text,
    personal_team boolean NOT NULL DEFAULT false,
    show_boarding boolean NOT NULL DEFAULT false,
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE users (
    id bigserial PRIMARY KEY,
    name varchar(255) NOT NULL,
    email varchar(255) NOT NULL UNIQUE,
    email_verified_at timestamptz(0),
    password varchar(255) NOT NULL,
    two_factor_secret text,
    two_factor_recovery_codes text,
    two_factor_confirmed_at timestamptz(0),
    remember_token varchar(100),
    force_password_reset boolean NOT NULL DEFAULT false,
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE team_user (
    id bigserial PRIMARY KEY,
    team_id bigint NOT NULL REFERENCES teams (id),
    user_id bigint NOT NULL REFERENCES users (id),
    role varchar(255) NOT NULL DEFAULT 'member',
    UNIQUE (team_id, user_id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE team_invitations (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    team_id bigint NOT NULL REFERENCES teams (id),
    email varchar(255) NOT NULL,
    role varchar(255) NOT NULL,
    link text NOT NULL,
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE password_reset_tokens (
    email varchar(255) PRIMARY KEY,
    token varchar(255) NOT NULL,
    created_at timestamptz(0)
);
CREATE TABLE personal_access_tokens (
    id bigserial PRIMARY KEY,
    tokenable_type varchar(255) NOT NULL,
    tokenable_id bigint NOT NULL,
    name varchar(255) NOT NULL,
    token varchar(64) NOT NULL UNIQUE,
    team_id varchar(255) NOT NULL,
    abilities text,
    last_used_at timestamptz(0),
    expires_at timestamptz(0),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE instance_settings (
    id bigint PRIMARY KEY,
    fqdn varchar(255),
    public_port_min integer NOT NULL DEFAULT 9000,
    public_port_max integer NOT NULL DEFAULT 9100,
    do_not_track boolean NOT NULL DEFAULT false,
    is_auto_update_enabled boolean NOT NULL DEFAULT true,
    is_api_enabled boolean NOT NULL DEFAULT false,
    allowed_ips text,
    smtp_enabled boolean NOT NULL DEFAULT false,
    smtp_from_address text,
    smtp_from_name text,
    smtp_recipients text,
    smtp_host text,
    smtp_port integer,
    smtp_username text,
    smtp_password text,
    resend_api_key text,
    domain_connect_private_key text,
    sentinel_token text,
    instance_name varchar(255),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE private_keys (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    description text,
    private_key text NOT NULL,
    fingerprint varchar(255),
    is_git_related boolean NOT NULL DEFAULT false,
    team_id bigint NOT NULL REFERENCES teams (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE servers (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    description text,
    ip varchar(255) NOT NULL UNIQUE,
    port integer NOT NULL DEFAULT 22,
    "user" varchar(255) NOT NULL DEFAULT 'root',
    team_id bigint NOT NULL REFERENCES teams (id),
    private_key_id bigint NOT NULL REFERENCES private_keys (id),
    proxy jsonb,
    validation_logs text,
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE server_settings (
    id bigserial PRIMARY KEY,
    server_id bigint NOT NULL UNIQUE REFERENCES servers (id),
    is_reachable boolean NOT NULL DEFAULT false,
    is_usable boolean NOT NULL DEFAULT false,
    wildcard_domain varchar(255),
    sentinel_token text,
    docker_cleanup_frequency varchar(255) NOT NULL DEFAULT '0 0 * * *',
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE standalone_dockers (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    network varchar(255) NOT NULL,
    server_id bigint NOT NULL REFERENCES servers (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE projects (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    description text,
    team_id bigint NOT NULL REFERENCES teams (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE project_settings (
    id bigserial PRIMARY KEY,
    project_id bigint NOT NULL REFERENCES projects (id),
    wildcard_domain varchar(255)
);
CREATE TABLE environments (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    description text,
    project_id bigint NOT NULL REFERENCES projects (id),
    UNIQUE (name, project_id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE github_apps (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    html_url varchar(255) NOT NULL,
    app_id bigint,
    client_id varchar(255),
    client_secret varchar(255),
    webhook_secret varchar(255),
    is_system_wide boolean NOT NULL DEFAULT false,
    team_id bigint NOT NULL REFERENCES teams (id),
    private_key_id bigint,
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE gitlab_apps (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    api_url varchar(255) NOT NULL,
    access_token text,
    refresh_token text,
    client_secret text,
    team_id bigint NOT NULL REFERENCES teams (id),
    private_key_id bigint,
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE applications (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    fqdn text,
    git_repository varchar(255) NOT NULL,
    git_branch varchar(255) NOT NULL,
    build_pack varchar(255) NOT NULL,
    ports_exposes varchar(255),
    docker_compose_raw text,
    custom_labels text,
    http_basic_auth_password text,
    manual_webhook_secret_github text,
    manual_webhook_secret_gitlab text,
    manual_webhook_secret_bitbucket text,
    manual_webhook_secret_gitea text,
    private_key_id bigint,
    source_type varchar(255),
    source_id bigint,
    status varchar(255) NOT NULL DEFAULT 'exited',
    environment_id bigint NOT NULL REFERENCES environments (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE application_settings (
    id bigserial PRIMARY KEY,
    application_id bigint NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    is_static boolean NOT NULL DEFAULT false,
    is_auto_deploy_enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE application_previews (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    pull_request_id integer NOT NULL,
    fqdn text,
    application_id bigint NOT NULL REFERENCES applications (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE application_deployment_queues (
    id bigserial PRIMARY KEY,
    application_id varchar(255) NOT NULL,
    deployment_uuid varchar(255) NOT NULL UNIQUE,
    status varchar(255) NOT NULL DEFAULT 'queued',
    logs text,
    commit varchar(255) NOT NULL DEFAULT 'HEAD',
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE services (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    docker_compose_raw text NOT NULL,
    docker_compose text,
    environment_id bigint NOT NULL REFERENCES environments (id),
    server_id bigint REFERENCES servers (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE service_applications (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    fqdn text,
    image varchar(255),
    service_id bigint NOT NULL REFERENCES services (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE service_databases (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    image varchar(255),
    service_id bigint NOT NULL REFERENCES services (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE standalone_postgresqls (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    description text,
    postgres_user varchar(255) NOT NULL DEFAULT 'postgres',
    postgres_password text NOT NULL,
    postgres_db varchar(255) NOT NULL DEFAULT 'postgres',
    init_scripts json,
    image varchar(255) NOT NULL,
    is_public boolean NOT NULL DEFAULT false,
    public_port integer,
    limits_memory varchar(255) NOT NULL DEFAULT '0',
    status varchar(255) NOT NULL DEFAULT 'exited',
    environment_id bigint NOT NULL REFERENCES environments (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE standalone_mysqls (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    description text,
    mysql_root_password text NOT NULL,
    mysql_user varchar(255) NOT NULL,
    mysql_password text NOT NULL,
    image varchar(255) NOT NULL,
    is_public boolean NOT NULL DEFAULT false,
    public_port integer,
    limits_memory varchar(255) NOT NULL DEFAULT '0',
    status varchar(255) NOT NULL DEFAULT 'exited',
    environment_id bigint NOT NULL REFERENCES environments (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE standalone_mariadbs (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    description text,
    mariadb_root_password text NOT NULL,
    mariadb_password text NOT NULL,
    image varchar(255) NOT NULL,
    is_public boolean NOT NULL DEFAULT false,
    public_port integer,
    limits_memory varchar(255) NOT NULL DEFAULT '0',
    status varchar(255) NOT NULL DEFAULT 'exited',
    environment_id bigint NOT NULL REFERENCES environments (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE standalone_mongodbs (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    description text,
    mongo_initdb_root_username text NOT NULL,
    mongo_initdb_root_password text NOT NULL,
    image varchar(255) NOT NULL,
    is_public boolean NOT NULL DEFAULT false,
    public_port integer,
    limits_memory varchar(255) NOT NULL DEFAULT '0',
    status varchar(255) NOT NULL DEFAULT 'exited',
    environment_id bigint NOT NULL REFERENCES environments (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE standalone_redis (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    description text,
    redis_conf text,
    image varchar(255) NOT NULL,
    is_public boolean NOT NULL DEFAULT false,
    public_port integer,
    limits_memory varchar(255) NOT NULL DEFAULT '0',
    status varchar(255) NOT NULL DEFAULT 'exited',
    environment_id bigint NOT NULL REFERENCES environments (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE standalone_keydbs (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    description text,
    keydb_password text NOT NULL,
    image varchar(255) NOT NULL,
    is_public boolean NOT NULL DEFAULT false,
    public_port integer,
    limits_memory varchar(255) NOT NULL DEFAULT '0',
    status varchar(255) NOT NULL DEFAULT 'exited',
    environment_id bigint NOT NULL REFERENCES environments (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE standalone_dragonflies (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    description text,
    dragonfly_password text NOT NULL,
    image varchar(255) NOT NULL,
    is_public boolean NOT NULL DEFAULT false,
    public_port integer,
    limits_memory varchar(255) NOT NULL DEFAULT '0',
    status varchar(255) NOT NULL DEFAULT 'exited',
    environment_id bigint NOT NULL REFERENCES environments (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE standalone_clickhouses (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    description text,
    clickhouse_admin_password text NOT NULL,
    image varchar(255) NOT NULL,
    is_public boolean NOT NULL DEFAULT false,
    public_port integer,
    limits_memory varchar(255) NOT NULL DEFAULT '0',
    status varchar(255) NOT NULL DEFAULT 'exited',
    environment_id bigint NOT NULL REFERENCES environments (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE environment_variables (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    key varchar(255) NOT NULL,
    value text,
    is_literal boolean NOT NULL DEFAULT false,
    is_preview boolean NOT NULL DEFAULT false,
    resourceable_type varchar(255),
    resourceable_id bigint,
    "order" integer,
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now(),
    UNIQUE (key, resourceable_type, resourceable_id, is_preview)
);
CREATE TABLE shared_environment_variables (
    id bigserial PRIMARY KEY,
    key varchar(255) NOT NULL,
    value text,
    type varchar(255) NOT NULL,
    team_id bigint NOT NULL REFERENCES teams (id),
    project_id bigint REFERENCES projects (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE s3_storages (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    region varchar(255) NOT NULL,
    key text NOT NULL,
    secret text NOT NULL,
    bucket varchar(255) NOT NULL,
    endpoint varchar(255),
    is_usable boolean NOT NULL DEFAULT false,
    team_id bigint NOT NULL REFERENCES teams (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE scheduled_database_backups (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    enabled boolean NOT NULL DEFAULT true,
    save_s3 boolean NOT NULL DEFAULT false,
    frequency varchar(255) NOT NULL,
    database_type varchar(255) NOT NULL,
    database_id bigint NOT NULL,
    s3_storage_id bigint REFERENCES s3_storages (id),
    team_id bigint NOT NULL REFERENCES teams (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE scheduled_database_backup_executions (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    status varchar(255) NOT NULL DEFAULT 'running',
    message text,
    size bigint,
    filename text,
    scheduled_database_backup_id bigint NOT NULL REFERENCES scheduled_database_backups (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE scheduled_tasks (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    enabled boolean NOT NULL DEFAULT true,
    name varchar(255) NOT NULL,
    command varchar(255) NOT NULL,
    frequency varchar(255) NOT NULL,
    application_id bigint REFERENCES applications (id),
    team_id bigint NOT NULL REFERENCES teams (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE scheduled_task_executions (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    status varchar(255) NOT NULL DEFAULT 'running',
    message text,
    scheduled_task_id bigint NOT NULL REFERENCES scheduled_tasks (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE local_file_volumes (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    fs_path text NOT NULL,
    mount_path text,
    content text,
    is_directory boolean NOT NULL DEFAULT false,
    resource_type varchar(255),
    resource_id bigint,
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE local_persistent_volumes (
    id bigserial PRIMARY KEY,
    name varchar(255) NOT NULL,
    mount_path varchar(255) NOT NULL,
    host_path varchar(255),
    resource_type varchar(255),
    resource_id bigint,
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE ssl_certificates (
    id bigserial PRIMARY KEY,
    ssl_certificate text NOT NULL,
    ssl_private_key text NOT NULL,
    common_name varchar(255),
    valid_until timestamptz(0) NOT NULL,
    server_id bigint NOT NULL REFERENCES servers (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE cloud_provider_tokens (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    provider varchar(255) NOT NULL,
    token text NOT NULL,
    name varchar(255),
    team_id bigint NOT NULL REFERENCES teams (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE cloud_init_scripts (
    id bigserial PRIMARY KEY,
    name varchar(255) NOT NULL,
    script text NOT NULL,
    team_id bigint NOT NULL REFERENCES teams (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE oauth_settings (
    id bigserial PRIMARY KEY,
    provider varchar(255) NOT NULL UNIQUE,
    enabled boolean NOT NULL DEFAULT false,
    client_id varchar(255),
    client_secret text,
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE email_notification_settings (
    id bigserial PRIMARY KEY,
    team_id bigint NOT NULL UNIQUE REFERENCES teams (id),
    enabled boolean NOT NULL DEFAULT false,
    smtp_host text,
    smtp_username text,
    smtp_password text,
    resend_api_key text,
    deployment_success boolean NOT NULL DEFAULT false,
    deployment_failure boolean NOT NULL DEFAULT true
);
CREATE TABLE discord_notification_settings (
    id bigserial PRIMARY KEY,
    team_id bigint NOT NULL UNIQUE REFERENCES teams (id),
    enabled boolean NOT NULL DEFAULT false,
    discord_webhook_url text,
    deployment_success boolean NOT NULL DEFAULT false,
    deployment_failure boolean NOT NULL DEFAULT true
);
CREATE TABLE slack_notification_settings (
    id bigserial PRIMARY KEY,
    team_id bigint NOT NULL UNIQUE REFERENCES teams (id),
    enabled boolean NOT NULL DEFAULT false,
    slack_webhook_url text,
    deployment_success boolean NOT NULL DEFAULT false,
    deployment_failure boolean NOT NULL DEFAULT true
);
CREATE TABLE telegram_notification_settings (
    id bigserial PRIMARY KEY,
    team_id bigint NOT NULL UNIQUE REFERENCES teams (id),
    enabled boolean NOT NULL DEFAULT false,
    telegram_token text,
    telegram_chat_id text,
    deployment_success boolean NOT NULL DEFAULT false,
    deployment_failure boolean NOT NULL DEFAULT true
);
CREATE TABLE pushover_notification_settings (
    id bigserial PRIMARY KEY,
    team_id bigint NOT NULL UNIQUE REFERENCES teams (id),
    enabled boolean NOT NULL DEFAULT false,
    pushover_user_key text,
    pushover_api_token text,
    deployment_success boolean NOT NULL DEFAULT false,
    deployment_failure boolean NOT NULL DEFAULT true
);
CREATE TABLE webhook_notification_settings (
    id bigserial PRIMARY KEY,
    team_id bigint NOT NULL UNIQUE REFERENCES teams (id),
    enabled boolean NOT NULL DEFAULT false,
    webhook_url text,
    deployment_success boolean NOT NULL DEFAULT false,
    deployment_failure boolean NOT NULL DEFAULT true
);
CREATE TABLE tags (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    team_id bigint NOT NULL REFERENCES teams (id),
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE taggables (
    tag_id bigint NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    taggable_type varchar(255) NOT NULL,
    taggable_id bigint NOT NULL,
    UNIQUE (tag_id, taggable_id, taggable_type)
);
CREATE TABLE activity_log (
    id bigserial PRIMARY KEY,
    log_name varchar(255),
    description text NOT NULL,
    subject_type varchar(255),
    subject_id bigint,
    properties json,
    batch_uuid uuid,
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE TABLE jobs (
    id bigserial PRIMARY KEY,
    queue varchar(255) NOT NULL,
    payload text NOT NULL,
    attempts smallint NOT NULL,
    reserved_at integer,
    available_at integer NOT NULL,
    created_at integer NOT NULL
);
CREATE TABLE failed_jobs (
    id bigserial PRIMARY KEY,
    uuid varchar(255) NOT NULL UNIQUE,
    connection text NOT NULL,
    queue text NOT NULL,
    payload text NOT NULL,
    exception text NOT NULL,
    failed_at timestamptz(0) NOT NULL DEFAULT now()
);
CREATE TABLE sessions (
    id varchar(255) PRIMARY KEY,
    user_id bigint,
    ip_address varchar(45),
    user_agent text,
    payload text NOT NULL,
    last_activity integer NOT NULL
);
CREATE TABLE cache (
    key varchar(255) PRIMARY KEY,
    value bytea NOT NULL,
    expiration integer NOT NULL
);
CREATE TABLE subscriptions (
    id bigserial PRIMARY KEY,
    team_id bigint NOT NULL REFERENCES teams (id),
    stripe_customer_id varchar(255),
    stripe_invoice_paid boolean NOT NULL DEFAULT false,
    created_at timestamptz(0) DEFAULT now(),
    updated_at timestamptz(0) DEFAULT now()
);
CREATE INDEX applications_environment_id ON applications (environment_id);
CREATE INDEX environment_variables_resource ON environment_variables (resourceable_type, resourceable_id);
CREATE INDEX activity_log_properties ON activity_log ((properties ->> 'type'));
CREATE INDEX sessions_last_activity ON sessions (last_activity DESC);
CREATE VIEW reachable_servers AS SELECT s.id, s.name FROM servers s JOIN server_settings t ON t.server_id = s.id WHERE t.is_reachable;
