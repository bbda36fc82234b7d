import { StateError } from '../core/errors.js';
import { type RemoteCommand, script } from '../ssh/command.js';
import type { Connection } from '../ssh/connection.js';
import type { Layout } from './layout.js';

export interface ContainerFact {
  readonly name: string;
  readonly image: string;
  /** `running`, `exited`, `created`, ... */
  readonly state: string;
}

/** What a host is, read in one round trip. Nothing here is guessed. */
export interface HostFacts {
  readonly uid: number;
  readonly system: string;
  readonly architecture: string;
  /** Version of the Docker engine; undefined when none answers. */
  readonly docker: string | undefined;
  /** Whether Docker is there at all, answering or not. */
  readonly hasDocker: boolean;
  readonly containers: readonly ContainerFact[];
  /** Volumes of Coolify's database (`coolify-db`, `coolify-db-pg18`): where one exists, a password is fixed. */
  readonly databaseVolumes: readonly string[];
  readonly hasEnv: boolean;
  readonly hasInstaller: boolean;
}

export async function gatherFacts(
  connection: Connection,
  layout: Layout,
  signal: AbortSignal,
): Promise<HostFacts> {
  const { stdout } = await connection.run(factsCommand(layout), { signal });
  return parseFacts(stdout.toString('utf8'));
}

/** The container of that name, if there is one. */
export function containerOf(facts: HostFacts, name: string): ContainerFact | undefined {
  return facts.containers.find((container) => container.name === name);
}

/** Version of the installed Coolify by the tag of its image; undefined when no such container exists. */
export function installedVersion(facts: HostFacts): string | undefined {
  const image = containerOf(facts, 'coolify')?.image;
  // What stands behind an "@" is the image's hash.
  return /:([^/:]+)$/.exec(image?.split('@', 1)[0] ?? '')?.[1];
}

/** @throws StateError `host.no-docker`, `host.not-root` */
export function requireUsableHost(facts: HostFacts): void {
  if (facts.uid !== 0) {
    throw new StateError({
      kind: 'failed',
      code: 'host.not-root',
      what: 'The remote user is not root',
      why: `its uid is ${facts.uid}; Coolify's files belong to root and to uid 9999`,
      next: 'connect as root, or set ansible_become: true for a user that may use sudo',
    });
  }
}

/**
 * A host whose engine is down hides its volumes: what it is can only be told when the engine answers, or was never there.
 * @throws StateError `host.no-docker`
 */
export function requireKnownVolumes(facts: HostFacts): void {
  if (facts.hasDocker || facts.hasEnv) requireDocker(facts);
}

/** @throws StateError `host.no-docker` */
export function requireDocker(facts: HostFacts): void {
  if (facts.docker !== undefined) return;
  throw new StateError({
    kind: 'failed',
    code: 'host.no-docker',
    what: 'No Docker engine answers on the host',
    next: 'look at "systemctl status docker" there, start it and run this again',
  });
}

/** A host says who it is in fewer characters, or does not say it. */
const LONGEST_VALUE = 300;

const FACTS_SCRIPT = `
say() { printf '%s\\t%s\\n' "$1" "$2"; }
say uid "$(id -u)"
say architecture "$(uname -m)"
say system "$(. /etc/os-release 2>/dev/null && printf '%s' "$PRETTY_NAME")"
if command -v docker >/dev/null 2>&1 || [ -d /var/lib/docker/volumes ]; then say has-docker yes; fi
[ -f "$1" ] && say env yes
[ -f "$2" ] && say installer yes
if version=$(docker version --format '{{.Server.Version}}' 2>/dev/null); then
  say docker "$version"
  names=$(docker ps -a --format '{{.Names}}' | grep '^coolify' || :)
  # By inspect: what "docker ps" shows as image is a bare id once the tag has moved on.
  [ -z "$names" ] || docker inspect --type container \\
    --format 'container{{"\\t"}}{{slice .Name 1}}{{"\\t"}}{{.Config.Image}}{{"\\t"}}{{.State.Status}}' $names
  docker volume ls --format 'volume\t{{.Name}}' | grep 'coolify-db' || :
fi
`;

/** All that `gatherFacts` runs. */
export function factsCommand(layout: Layout): RemoteCommand {
  return script(FACTS_SCRIPT, layout.env, layout.installer);
}

function parseFacts(text: string): HostFacts {
  const values = new Map<string, string>();
  const containers: ContainerFact[] = [];
  const databaseVolumes: string[] = [];
  for (const line of text.split('\n')) {
    const [key, first, second, third] = line.split('\t').map((value) => value.slice(0, LONGEST_VALUE));
    if (key === undefined || first === undefined) continue;
    if (key === 'container') containers.push({ name: first, image: second ?? '', state: third ?? '' });
    else if (key === 'volume') databaseVolumes.push(first);
    else values.set(key, first);
  }
  const uid = Number(values.get('uid'));
  if (!Number.isInteger(uid)) {
    throw new StateError({
      kind: 'failed',
      code: 'host.no-facts',
      what: 'The host did not answer as a Linux host does',
      why: 'the commands id, uname and printf gave no usable output',
      next: 'log in by hand with the same user and see what "sh -c id" prints',
    });
  }
  return {
    uid,
    system: values.get('system') || 'unknown',
    architecture: values.get('architecture') || 'unknown',
    docker: values.get('docker'),
    hasDocker: values.has('has-docker'),
    containers,
    databaseVolumes,
    hasEnv: values.has('env'),
    hasInstaller: values.has('installer'),
  };
}
