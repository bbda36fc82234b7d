import type { HostFacts } from '../facts.js';
import type { Instance } from '../instance.js';
import type { Space, TargetFacts } from './target-facts.js';

/** Space that a restore takes on one file system, beside what is used there now. */
export interface Need {
  readonly space: Space;
  readonly bytes: number;
  /** What it is for, in the words of the plan. */
  readonly parts: readonly string[];
}

export interface SnapshotSize {
  /** Bytes of the dump, which is not compressed. */
  readonly dumpBytes: number;
  /** Size of the database on the disk when it was dumped, where the manifest records it. */
  readonly databaseBytes: number | undefined;
  /** Bytes of all other files of the snapshot. */
  readonly fileBytes: number;
}

const MIB = 1024 * 1024;
/** PostgreSQL keeps this much of its log by default before it starts over (`max_wal_size`). */
const LOG_LIMIT = 1024 * MIB;
/** An empty database, and what is written beside it. */
const DATABASE_BASE = 32 * MIB;
/** Logs and copies of the installer, notes. */
const DATA_BASE = 16 * MIB;
/** What Coolify's own installer demands to be free before it fetches its images. Source: its install.sh. */
const INSTALL_BYTES = 5 * 1024 * MIB;

/**
 * Size of the database that a dump becomes: as large as it was, with some room, or, where that is not recorded, twice the text
 * of its rows, for indexes and for what a row takes beside its values.
 */
export function incomingDatabaseBytes({ dumpBytes, databaseBytes }: SnapshotSize): number {
  return Math.ceil(databaseBytes === undefined ? dumpBytes * 2 : Math.max(databaseBytes, dumpBytes) * 1.2);
}

/** What a restore needs on each file system. The live database stays beside the new one until all is proven. */
export function needsOf(facts: TargetFacts, size: SnapshotSize): Need[] {
  const incoming = incomingDatabaseBytes(size);
  const log = Math.min(incoming, LOG_LIMIT);
  const wanted: { place: Space['place']; bytes: number; part: string }[] = [
    {
      place: 'database',
      bytes: incoming + log + DATABASE_BASE,
      part: `the new database beside the present one (${mebibytes(incoming)}) and PostgreSQL's log of it (${mebibytes(log)})`,
    },
    { place: 'data', bytes: size.fileBytes + DATA_BASE, part: `files (${mebibytes(size.fileBytes)})` },
  ];
  if (!facts.hasImage)
    wanted.push({ place: 'docker', bytes: INSTALL_BYTES, part: "Coolify's programs and images (5 GiB)" });
  const needs = new Map<string, Need>();
  for (const { place, bytes, part } of wanted) {
    const space = facts.spaces.find((candidate) => candidate.place === place);
    if (space === undefined) continue;
    const before = needs.get(space.device);
    needs.set(space.device, {
      space: before?.space ?? space,
      bytes: (before?.bytes ?? 0) + bytes,
      parts: [...(before?.parts ?? []), part],
    });
  }
  return [...needs.values()];
}

/** Systems that Coolify's installer takes, and those it treats as one of them. Source: its install.sh. */
export const SUPPORTED_SYSTEMS: readonly string[] = [
  ...['arch', 'archarm', 'ubuntu', 'debian', 'raspbian', 'centos', 'fedora', 'rhel', 'ol', 'rocky', 'sles'],
  ...['opensuse-leap', 'opensuse-tumbleweed', 'almalinux', 'amzn', 'alpine', 'postmarketos', 'tencentos'],
  ...['manjaro', 'manjaro-arm', 'endeavouros', 'cachyos', 'fedora-asahi-remix', 'pop', 'linuxmint', 'zorin'],
];

/** Architectures that Coolify's images are made for, by the names of `uname -m`. */
export const SUPPORTED_ARCHITECTURES: readonly string[] = ['x86_64', 'amd64', 'aarch64', 'arm64'];

/** Whether one version of Coolify is newer than another; versions that are no numbers are neither. */
export function isNewer(version: string, than: string): boolean {
  const [a, b] = [numbersOf(version), numbersOf(than)];
  if (a === undefined || b === undefined) return false;
  for (let i = 0; i < Math.max(a.numbers.length, b.numbers.length); i++) {
    const difference = (a.numbers[i] ?? 0) - (b.numbers[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  // 4.4.0 comes after 4.4.0-rc.1.
  if (a.rest === '' || b.rest === '') return a.rest === '' && b.rest !== '';
  return a.rest.localeCompare(b.rest, 'en', { numeric: true }) > 0;
}

/** Major version of the PostgreSQL that dumped. */
export function dumpMajor({ database }: Instance): number {
  return Math.trunc(database.versionNumber / 10_000);
}

/** The facts of a target for people, one clause each. */
export function factsOf(facts: HostFacts, target: TargetFacts): string[] {
  const containers = facts.containers.map(({ name, state }) =>
    state === 'running' ? name : `${name} (${state})`,
  );
  return [
    `${facts.system}, ${facts.architecture}`,
    `Docker ${facts.docker ?? 'is missing'}${facts.docker !== undefined && !target.hasCompose ? ', without docker compose' : ''}`,
    `containers: ${containers.length === 0 ? 'none' : containers.join(', ')}`,
    `volumes of the database: ${facts.databaseVolumes.length === 0 ? 'none' : facts.databaseVolumes.join(', ')}${
      target.volumeMajor === undefined ? '' : ` (PostgreSQL ${target.volumeMajor})`
    }`,
    `.env: ${facts.hasEnv ? 'there' : 'none'}; key files: ${target.keyFiles}`,
  ];
}

export function mebibytes(bytes: number): string {
  const mib = bytes / MIB;
  return mib >= 1024
    ? `${(mib / 1024).toFixed(1)} GiB`
    : `${mib < 10 ? mib.toFixed(1) : Math.round(mib)} MiB`;
}

function numbersOf(version: string): { numbers: number[]; rest: string } | undefined {
  const match = /^v?(\d+(?:\.\d+)*)[-.]?(.*)/s.exec(version);
  if (match?.[1] === undefined) return undefined;
  return { numbers: match[1].split('.').map(Number), rest: match[2] ?? '' };
}
