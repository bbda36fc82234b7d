-- What only the newer version knows: after a restore of an older snapshot it must not remain.
CREATE TABLE server_groups (
    id bigserial PRIMARY KEY,
    name varchar(255) NOT NULL,
    team_id bigint NOT NULL REFERENCES teams (id)
);
INSERT INTO server_groups (name, team_id) SELECT 'default', id FROM teams ORDER BY id LIMIT 1;
ALTER TABLE servers ADD COLUMN server_group_id bigint REFERENCES server_groups (id);
