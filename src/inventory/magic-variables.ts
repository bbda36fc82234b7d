import type { HostEntry } from './graph.js';
import type { Value } from './value.js';

/** The variables that a host has without any file saying so. */
export function magicOf(host: HostEntry): Map<string, () => Value> {
  const names = groupNames(host);
  return new Map<string, () => Value>([
    ['inventory_hostname', () => host.name],
    ['inventory_hostname_short', () => shortName(host.name)],
    ['group_names', () => [...names]],
    ['inventory_file', () => host.file ?? null],
    ['inventory_dir', () => host.dir ?? null],
  ]);
}

/** An address has no short form. */
function shortName(name: string): string {
  const address = /^(?:\d{1,3}\.){3}\d{1,3}$/.test(name) || name.includes(':');
  return address ? name : (name.split('.')[0] ?? name);
}

/** The names of a host's groups, sorted, without `all`. */
export function groupNames(host: HostEntry): string[] {
  return [...host.groups]
    .map((group) => group.name)
    .filter((name) => name !== 'all')
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
