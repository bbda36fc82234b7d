import { script } from '../../ssh/command.js';
import type { Connection } from '../../ssh/connection.js';
import { containerOf, type HostFacts } from '../facts.js';
import type { Layout } from '../layout.js';

/** Free space where something of a restore goes. Two places on one file system share it. */
export interface Space {
  /**
   * - `system`: `/`, where the installer puts programs;
   * - `data`: Coolify's folder;
   * - `docker`: the engine's folder, for images;
   * - `database`: the volume of the database, or where it will be.
   */
  readonly place: 'system' | 'data' | 'docker' | 'database';
  /** The folder, or the nearest one above it that exists. */
  readonly path: string;
  /** The file system: the same number means the same space. */
  readonly device: string;
  readonly freeBytes: number;
}

/** What a restore has to know of its target beside the facts of every operation. Reading it changes nothing there. */
export interface TargetFacts {
  /** `ID` of /etc/os-release: `debian`, `rocky`, ... */
  readonly systemId: string;
  readonly spaces: readonly Space[];
  /** Whether the image of the version that is to be installed is on the host already. */
  readonly hasImage: boolean;
  /** Whether Coolify's folder exists. */
  readonly hasData: boolean;
  /** Files in Coolify's key folder. */
  readonly keyFiles: number;
  /** Major version of the data in the database's volume (its `PG_VERSION`); undefined where none can be read. */
  readonly volumeMajor: number | undefined;
  /** Whether `docker compose` is there. */
  readonly hasCompose: boolean;
}

/** `version` is the version of Coolify that the target is to have. */
export async function gatherTargetFacts(
  connection: Connection,
  layout: Layout,
  facts: HostFacts,
  version: string,
  signal: AbortSignal,
): Promise<TargetFacts> {
  const volume = facts.databaseVolumes.at(-1) ?? 'coolify-db';
  const container =
    containerOf(facts, layout.databaseContainer) === undefined ? '' : layout.databaseContainer;
  const { stdout } = await connection.run(
    script(FACTS, layout.data, layout.keys, container, volume, version),
    { signal },
  );
  return parseTargetFacts(stdout.toString('utf8'));
}

/** Reads what the script says: lines of a name and values between tabs. */
export function parseTargetFacts(text: string): TargetFacts {
  const values = new Map<string, string>();
  const spaces: Space[] = [];
  for (const line of text.split('\n')) {
    const [name, first, second, third, fourth] = line.split('\t');
    if (name === undefined || first === undefined) continue;
    if (name !== 'space') values.set(name, first);
    else if (isPlace(first)) {
      const freeKib = Number(fourth);
      if (Number.isFinite(freeKib) && fourth !== '')
        spaces.push({ place: first, path: second ?? '', device: third ?? '', freeBytes: freeKib * 1024 });
    }
  }
  const major = Number.parseInt(values.get('volume-major') ?? '', 10);
  return {
    systemId: values.get('system-id') ?? '',
    spaces,
    hasImage: values.has('image'),
    hasData: values.has('data'),
    keyFiles: Number.parseInt(values.get('key-files') ?? '', 10) || 0,
    volumeMajor: Number.isNaN(major) ? undefined : major,
    hasCompose: values.has('compose'),
  };
}

function isPlace(text: string): text is Space['place'] {
  return text === 'system' || text === 'data' || text === 'docker' || text === 'database';
}

const FACTS = `
data=$1 keys=$2 container=$3 volume=$4 version=$5
say() { printf '%s\\t%s\\n' "$1" "$2"; }
space() {
  path=$2
  until [ -e "$path" ]; do path=$(dirname -- "$path"); done
  free=$(df -P -k -- "$path" 2>/dev/null | awk 'NR == 2 { print $4 }')
  printf 'space\\t%s\\t%s\\t%s\\t%s\\n' "$1" "$path" "$(stat -c %d -- "$path")" "$free"
}
say system-id "$(. /etc/os-release 2>/dev/null && printf '%s' "$ID")"
space system /
space data "$data"
if [ -d "$data" ]; then say data yes; fi
if [ -d "$keys" ]; then say key-files "$(find "$keys" -maxdepth 1 -type f ! -name '*.lock' | wc -l)"; fi
root=/var/lib/docker
mount=
if command -v docker >/dev/null 2>&1 && found=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null); then
  root=$found
  if docker compose version >/dev/null 2>&1; then say compose yes; fi
  if docker image ls --format '{{.Repository}}:{{.Tag}}' | grep -q "coollabsio/coolify:$version\\$"; then say image yes; fi
  if [ -n "$container" ]; then
    mount=$(docker inspect --type container --format \\
      '{{range .Mounts}}{{if eq .Type "volume"}}{{.Source}}{{"\\n"}}{{end}}{{end}}' "$container" 2>/dev/null | head -n 1)
  fi
  if [ -z "$mount" ]; then mount=$(docker volume inspect --format '{{.Mountpoint}}' "$volume" 2>/dev/null || :); fi
fi
space docker "$root"
space database "\${mount:-$root/volumes}"
if [ -n "$mount" ]; then
  # PostgreSQL 18 and newer keep their data one folder further down.
  major=$(cat "$mount/PG_VERSION" 2>/dev/null || cat "$mount"/*/docker/PG_VERSION 2>/dev/null | sort -n | tail -n 1)
  [ -z "$major" ] || say volume-major "$major"
fi
`;
