import type { HostConfig } from '../hosts/host-config.js';

/** Folders beside the state folder that a run of these hosts writes to: repositories in folders, and metrics. */
export function writableFoldersOf(
  hosts: readonly Pick<HostConfig, 'repositories' | 'unattended'>[],
): string[] {
  const folders = hosts.flatMap(({ repositories, unattended: { metricsFolder } }) => [
    ...repositories.flatMap((place) => (place.kind === 'directory' ? [place.path] : [])),
    ...(metricsFolder === undefined ? [] : [metricsFolder]),
  ]);
  return [...new Set(folders)].sort();
}
