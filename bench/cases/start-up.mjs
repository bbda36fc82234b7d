// How long it takes before anything is seen.
import { join } from 'node:path';
import { PROGRAM } from '../harness/as-published.mjs';

export function startUpCases({ folder, inventory, s3, restic }) {
  const env = { ...s3.env, COOLIFY_STATE_CACHE_PATH: join(folder, 'cache') };
  return [
    {
      name: 'help',
      title: 'start-up: `--help`',
      against: '`ansible-playbook --help`',
      limitSeconds: 0.15,
      ours: { command: () => ({ argv: [process.execPath, '--help'] }) },
      peer: { command: () => ({ argv: ['ansible-playbook', '--help'] }) },
    },
    {
      name: 'bare-node',
      title: 'start-up of Node itself',
      ours: { command: () => ({ argv: [process.execPath, '-e', '0'] }) },
    },
    {
      name: 'snapshots',
      title: 'start-up: `snapshots`',
      against: '`restic snapshots`',
      needs: 'upload-restic',
      ours: {
        command: () => ({
          argv: [
            process.execPath,
            PROGRAM,
            'snapshots',
            '-i',
            inventory.s3,
            '--state-dir',
            join(folder, 'state'),
          ],
          env,
        }),
      },
      peer: {
        command: () => ({
          argv: ['restic', '-r', restic.repository('small-0'), '-q', 'snapshots'],
          env: { ...env, RESTIC_CACHE_DIR: join(folder, 'restic-cache-small-0') },
        }),
      },
    },
  ];
}
