import { access, constants } from 'node:fs/promises';
import type { HostConfig } from '../../operations/hosts/host-config.js';

/** The identity files of hosts that this machine does not have, or may not read. */
export async function missingIdentities(hosts: Iterable<HostConfig>): Promise<string[]> {
  const paths = new Set([...hosts].map(({ identityPath }) => identityPath));
  const missing: string[] = [];
  for (const path of paths)
    await access(path, constants.R_OK).catch(() => {
      missing.push(path);
    });
  return missing;
}
