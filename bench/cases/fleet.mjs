// Several hosts at once: how time and memory grow.
import { join } from 'node:path';
import { PROGRAM } from '../harness/as-published.mjs';
import { BUCKET } from '../harness/lab.mjs';
import { ansible } from './whole.mjs';

export function fleetCases({ folder, fleets, s3, path }) {
  return fleets.map(({ hosts, inventory }) => ({
    name: `fleet-${hosts}`,
    title: `whole backup of ${hosts} ${hosts === 1 ? 'host' : 'hosts'}, --forks ${hosts}`,
    against: `the playbook without the keys of the UI, --forks ${hosts}`,
    ours: {
      command: () => ({
        argv: [
          ...[process.execPath, PROGRAM, 'backup', '-i', inventory, '--state-dir', join(folder, 'fleet')],
          ...['--forks', String(hosts), '--no-live'],
        ],
        env: s3.env,
      }),
    },
    peer: {
      command: () =>
        ansible('backup.yml', {
          folder,
          inventory,
          s3,
          object: `s3://${BUCKET}/${path}/fleet`,
          forks: hosts,
          // With them 16 hosts would take half an hour: `backup-ansible` tells what they cost.
          more: { public_keys: false },
        }),
    },
  }));
}
