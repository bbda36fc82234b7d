// Several hosts at once: how time and memory grow. Hosts are added as a case wants them: they all share the processors of
// this machine.
import { join } from 'node:path';
import { PROGRAM } from '../harness/as-published.mjs';
import { BUCKET, hostsUp } from '../harness/lab.mjs';
import { ansible } from './whole.mjs';

/** With more the playbook takes minutes for each run. */
const MOST_HOSTS_OF_PEER = 4;

export function fleetCases({ folder, fleets, s3, path }) {
  return fleets.map(({ hosts, inventory }) => ({
    name: `fleet-${hosts}`,
    title: `whole backup of ${hosts} ${hosts === 1 ? 'host' : 'hosts'}, --forks ${hosts}`,
    prepare: () => hostsUp(hosts),
    against:
      hosts > MOST_HOSTS_OF_PEER ? undefined : `the playbook without the keys of the UI, --forks ${hosts}`,
    ours: {
      command: () => ({
        argv: [
          ...[process.execPath, PROGRAM, 'backup', '-i', inventory, '--state-dir', join(folder, 'fleet')],
          ...['--forks', String(hosts), '--no-live'],
        ],
        env: s3.env,
      }),
    },
    peer:
      hosts > MOST_HOSTS_OF_PEER
        ? undefined
        : {
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
