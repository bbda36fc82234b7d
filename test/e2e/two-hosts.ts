import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { knownHostsOf, LAB, type Workplace, workplace } from './lab.js';

export interface TwoHosts {
  readonly source: string;
  readonly sourcePort: number;
  readonly target: string;
  readonly targetPort: number;
  /** Variables of the target, such as another user. */
  readonly targetVars?: Readonly<Record<string, unknown>>;
}

/** A workplace with two hosts in one inventory; only the source is a controller. */
export async function twoHosts(hosts: TwoHosts): Promise<Workplace> {
  const place = await workplace(hosts.source, hosts.sourcePort, {});
  await writeTwoHosts(place, hosts);
  return place;
}

export async function writeTwoHosts(
  place: Workplace,
  { source, sourcePort, target, targetPort, targetVars = {} }: TwoHosts,
): Promise<void> {
  const host = (port: number): Record<string, unknown> => ({
    ansible_host: '127.0.0.1',
    ansible_port: port,
    coolify_known_hosts_file: knownHostsOf(port),
  });
  const inventory = {
    all: {
      vars: {
        ansible_user: 'root',
        ansible_ssh_private_key_file: join(LAB, 'id_ed25519'),
        coolify_backup_encryption_key_path: join(LAB, 'backup_ed25519'),
        coolify_repository: `file:${join(place.folder, 'repository')}`,
      },
    },
    controller: { hosts: { [source]: host(sourcePort) } },
    spare: { hosts: { [target]: { ...host(targetPort), ...targetVars } } },
  };
  await writeFile(join(place.folder, 'inventory.yml'), JSON.stringify(inventory));
}
