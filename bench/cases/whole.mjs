// A whole backup and a whole restore of a small host (a dump of about 10 MB, 200 keys), against a shell script, the playbook
// of the replaced role, and restic.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HAS_ZSTD, PROGRAM, WITH_ZSTD } from '../harness/as-published.mjs';
import { enlargeDatabase, shrinkDatabase } from '../harness/data.mjs';
import { BACKUP_KEY, BUCKET, HOSTS, onHost } from '../harness/lab.mjs';
import { bash } from '../harness/measured.mjs';
import { WAY_IN } from './transfer.mjs';

const run = promisify(execFile);
const PEERS = join(import.meta.dirname, '../peers');

export function wholeCases({ folder, inventory, s3, path, driver, restic, mebibytes }) {
  const state = join(folder, 'state');
  const largeState = join(folder, 'large-state');
  const at = (name) => `s3://${BUCKET}/${path}/${name}`;
  const program = (args, stateOf = () => state) => ({
    command: (index) => ({
      argv: [
        ...[process.execPath, PROGRAM, ...args, '-i', inventory.s3, '--no-live'],
        ...['--state-dir', stateOf(index)],
      ],
      env: { ...s3.env, COOLIFY_STATE_CACHE_PATH: join(folder, 'cache') },
    }),
  });
  const backup = program(['backup']);
  const upload = (from, env = {}) => ({
    command: () => ({
      argv: [process.execPath, ...driver('upload'), inventory.s3, from],
      env: { ...s3.env, COOLIFY_STATE_CACHE_PATH: join(folder, 'cache'), ...env },
    }),
  });
  const resticBackup = (from, nameOf) => ({
    command: (index) => ({
      argv: [
        ...['restic', '-r', restic.repository(nameOf(index)), '-q', 'backup'],
        join(from, HOSTS[0].name),
      ],
      env: { ...s3.env, RESTIC_CACHE_DIR: join(folder, `restic-cache-${nameOf(index)}`) },
    }),
  });
  const playbook = (file, more) => ({
    command: () => ansible(file, { folder, inventory: inventory.s3, s3, object: at('ansible'), more }),
  });
  return [
    {
      name: 'backup-shell',
      title: 'whole backup',
      against: 'a shell script, one multiplexed connection, read back too',
      target: 1,
      ours: backup,
      peer: {
        command: () => ({
          argv: [
            join(PEERS, 'backup.sh'),
            ...WAY_IN.map(String),
            ...[`${BACKUP_KEY}.pub`, join(folder, 'shell-state'), s3.endpoint, `${at('shell')}.tar.gz.age`],
          ],
          env: s3.env,
        }),
      },
    },
    {
      name: 'backup-restic',
      title: 'whole first backup',
      against: 'the same script with `restic init` and `restic backup`, not read back',
      target: 1,
      ours: program(['backup'], (index) => join(folder, `first-${index}`)),
      peer: {
        command: (index) => ({
          argv: [join(PEERS, 'backup-restic.sh'), ...WAY_IN.map(String), join(folder, 'restic-state')],
          env: {
            ...s3.env,
            RESTIC_REPOSITORY: restic.repository(`whole-${index}`),
            RESTIC_CACHE_DIR: join(folder, `restic-cache-whole-${index}`),
          },
        }),
      },
    },
    {
      name: 'backup-ansible',
      title: 'whole backup',
      against: 'the Ansible playbook of the replaced role',
      target: 5,
      ours: backup,
      peer: playbook('backup.yml'),
    },
    {
      name: 'backup-ansible-less',
      title: 'whole backup, the public keys of the UI included',
      against: 'the same playbook without those keys, as the role does when no API token was set up',
      ours: backup,
      peer: playbook('backup.yml', { public_keys: false }),
    },
    ...[{ kind: '', env: {} }, ...(HAS_ZSTD ? [{ kind: '-zstd', env: WITH_ZSTD }] : [])].flatMap(
      ({ kind, env }) => {
        const how = kind === '' ? '' : ', by zstd';
        return [
          {
            name: `upload-restic${kind}`,
            title: `first upload of a generation, read back${how}`,
            against: '`restic backup` of the same files, not read back',
            target: 1,
            needs: 'backup-shell',
            ours: upload(state, env),
            before: async (who, index) =>
              who === 'peer' ? restic('init', `small${kind}-${index}`) : undefined,
            peer: resticBackup(state, (index) => `small${kind}-${index}`),
          },
          {
            name: `upload-restic-large${kind}`,
            title: `first upload of a generation with a large dump, read back${how}`,
            mebibytes,
            against: '`restic backup` of the same files, not read back',
            target: 1,
            prepare: async () => {
              await enlargeDatabase(HOSTS[0].name, mebibytes);
              await run(process.execPath, [
                ...[PROGRAM, 'backup', '-i', inventory.plain],
                ...['--state-dir', largeState],
              ]);
              await shrinkDatabase(HOSTS[0].name);
            },
            ours: upload(largeState, env),
            before: async (who, index) =>
              who === 'peer' ? restic('init', `large${kind}-${index}`) : undefined,
            peer: resticBackup(largeState, (index) => `large${kind}-${index}`),
          },
        ];
      },
    ),
    {
      name: 'upload-restic-checked',
      title: 'first upload of a generation, read back',
      against: '`restic backup` of the same files, and `restic check --read-data`',
      needs: 'backup-shell',
      ours: upload(state),
      before: async (who, index) => (who === 'peer' ? restic('init', `checked-${index}`) : undefined),
      peer: {
        command: (index) => ({
          argv: bash(
            'restic -r "$1" -q backup "$2" && exec restic -r "$1" -q check --read-data',
            ...[restic.repository(`checked-${index}`), join(state, HOSTS[0].name)],
          ),
          env: { ...s3.env, RESTIC_CACHE_DIR: join(folder, `restic-cache-checked-${index}`) },
        }),
      },
    },
    {
      name: 'restore-ansible',
      title: 'whole restore onto the installed host, safety generation and proofs included',
      against: 'the restore of the replaced role, which proves nothing',
      needs: 'backup-ansible',
      // So that there is something to put back.
      before: () =>
        onHost(
          HOSTS[0].name,
          `docker exec coolify-db psql -q -U coolify -d coolify -c "UPDATE teams SET description = 'changed ' || now()"`,
        ),
      ours: program(['restore', '--yes']),
      peer: playbook('restore.yml'),
    },
  ];
}

export function ansible(file, { folder, inventory, s3, object, forks = 5, more = {} }) {
  const values = { work: folder, endpoint: s3.endpoint, object, backup_key: BACKUP_KEY, ...more };
  return {
    argv: [
      ...['ansible-playbook', '-i', inventory, '--forks', String(forks), '-e', JSON.stringify(values)],
      join(PEERS, file),
    ],
    env: {
      ...s3.env,
      // As the role's ansible.cfg had it.
      ANSIBLE_PIPELINING: 'True',
      ANSIBLE_SSH_ARGS: '-o ControlMaster=auto -o ControlPersist=60s',
      ANSIBLE_SSH_CONTROL_PATH_DIR: join(folder, 'cp'),
      ANSIBLE_LOCAL_TEMP: join(folder, 'ansible'),
      ANSIBLE_NOCOLOR: '1',
    },
  };
}
