import { hostname } from 'node:os';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { Proof } from '../../state/manifest.js';
import { Canary, ownAddresses } from '../doctor/canary.js';
import { docker, dockerText } from '../hosts/docker-engine.js';

/**
 * Proves that a throwaway host and the containers in it reach nobody: the engine has given it no network, it has no route
 * out, no connection to a listener of this machine comes about by any of its addresses or by name, and no name is
 * answered. Each attempt is made beside one that has to succeed, so that a missing tool is not taken for silence.
 */
export async function proveIsolation(container: string, signal: AbortSignal): Promise<Proof[]> {
  await using canary = await Canary.open();
  const addresses = ownAddresses();
  const names = [hostname(), OUTSIDE_NAME].filter((name) => /^[\w.-]+$/.test(name));
  const { stdout } = await docker(
    [
      'exec',
      container,
      'bash',
      '-c',
      PROBES,
      'bash',
      ATTEMPTS,
      `${canary.port}`,
      names.join(' '),
      ...addresses,
    ],
    { signal, check: false },
  );
  return [
    await proveNoNetwork(container, signal),
    ...judgeIsolation(readFindings(stdout), {
      heard: canary.connections,
      addresses: addresses.length,
      names,
    }),
  ];
}

/** The error for a host that reaches somebody. */
export function notIsolated(failed: readonly Proof[]): StateError {
  return new StateError({
    kind: 'proof',
    code: 'drill.not-isolated',
    what: `The throwaway host is not cut off (${failed.map(({ name }) => name).join(', ')})`,
    why: failed.map(({ detail }) => detail).join('; '),
    next: 'the drill ended there, and the host was removed; see docs/drill.md, "Cut off"',
  });
}

/** A line of what the probes found: a kind, from where, and what. */
export interface Finding {
  readonly kind: string;
  readonly where: string;
  readonly what: string;
}

export function readFindings(text: string): Finding[] {
  return text.split('\n').flatMap((line) => {
    const [kind = '', where = '', what = ''] = line.split('\t');
    return kind === '' ? [] : [{ kind, where: printable(where), what: printable(what) }];
  });
}

export interface IsolationFacts {
  /** Connections that the listener heard. */
  readonly heard: number;
  /** How many addresses were tried. */
  readonly addresses: number;
  readonly names: readonly string[];
}

/** What the findings prove. What was not tried is not proven. */
export function judgeIsolation(
  findings: readonly Finding[],
  { heard, addresses, names }: IsolationFacts,
): Proof[] {
  const of = (kind: string): Finding[] => findings.filter((finding) => finding.kind === kind);
  const told = (some: readonly Finding[]): string =>
    some.map(({ where, what }) => `${what} from ${where}`).join(', ');
  const routes = of('route');
  const able = of('able');
  const places = able.map(({ where }) => where);
  const unable = of('unable');
  const tried = places.includes('the host') && places.some((where) => where !== 'the host');
  const reached = of('reached');
  const resolved = of('resolved');
  const finished = of('end').length > 0;
  return [
    {
      name: 'no-route',
      ok: finished && routes.length === 0,
      detail:
        routes.length > 0
          ? `there is a route out: ${told(routes)}`
          : finished
            ? 'the host has no default route, neither for IPv4 nor for IPv6'
            : 'the probes did not come to their end',
    },
    {
      name: 'no-connection',
      ok: finished && tried && unable.length === 0 && reached.length === 0 && heard === 0,
      detail:
        reached.length > 0 || heard > 0
          ? `connections came about: ${told(reached) || 'the listener heard them'} (${heard} heard)`
          : unable.length > 0
            ? `attempts prove nothing, as one that has to succeed failed: ${told(unable)}`
            : tried
              ? `a listener on ${addresses} addresses of this machine heard nothing from ${places.join(', ')}, by address or by name`
              : 'no attempt was made from the host and from a container in it',
    },
    {
      name: 'no-names',
      ok: finished && of('names').length > 0 && resolved.length === 0,
      detail:
        resolved.length > 0
          ? `names are answered: ${told(resolved)}`
          : of('names').length > 0
            ? `nobody answers for ${names.join(' and ')}`
            : 'names could not be asked for at all',
    },
  ];
}

async function proveNoNetwork(container: string, signal: AbortSignal): Promise<Proof> {
  const format =
    '{{.HostConfig.NetworkMode}} {{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}| {{range .Mounts}}{{.Destination}} {{end}}';
  const text = await dockerText(['container', 'inspect', '--format', format, container], { signal });
  const [networks = '', mounts = ''] = text.split('|').map((part) => part.trim());
  const alone = networks.split(' ').every((name) => name === 'none');
  const closed = mounts.split(' ').every((path) => EXPECTED_MOUNTS.includes(path));
  return {
    name: 'no-network',
    ok: alone && closed,
    detail:
      alone && closed
        ? 'the engine has connected the host to no network, and lent it no socket of this machine'
        : `the engine says: networks ${networks}, mounts ${mounts}`,
  };
}

const EXPECTED_MOUNTS: readonly string[] = ['/var/lib/docker', '/sys/fs/cgroup'];

/** A name that the whole world answers for (RFC 2606). */
const OUTSIDE_NAME = 'example.com';

/** From one place: everything at once, as each takes its time to fail. */
const ATTEMPTS = `
where=$1 control=$2 port=$3 names=$4
shift 4
export RES_OPTIONS='timeout:2 attempts:1'
say() { printf '%s\\t%s\\t%s\\n' "$1" "$where" "$2"; }
dial() { timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" >/dev/null 2>&1; }
if dial "$control" 22; then say able "sshd at $control"; else say unable "sshd at $control"; fi
for address in "$@"; do
  { if dial "$address" "$port"; then say reached "$address"; fi; } &
done
for name in $names; do
  { if timeout 4 getent ahosts "$name" >/dev/null 2>&1; then say resolved "$name"; fi
    if dial "$name" "$port"; then say reached "$name"; fi; } &
done
wait
`;

/** On the host and in a fresh container on each of its networks. The network of a container is entered with the host's tools. */
const PROBES = `
attempts=$1 port=$2 names=$3
shift 3
awk '$2 == "00000000" && $1 != "lo" && NR > 1 { print "route\\tthe host\\t" $1 }' /proc/net/route
awk '$1 ~ /^0+$/ && $2 == "00" && $NF != "lo" { print "route\\tthe host\\t" $NF }' /proc/net/ipv6_route 2>/dev/null
if getent ahosts localhost >/dev/null; then printf 'names\\tthe host\\tlocalhost\\n'; fi
bash -c "$attempts" attempts 'the host' 127.0.0.1 "$port" "$names" "$@" &
image=$(docker image ls --quiet | head -n 1)
for network in $(docker network ls --filter driver=bridge --format '{{.Name}}'); do
  {
    place="a container on $network"
    container=$(docker run --detach --network "$network" --entrypoint sleep "$image" 120) || {
      printf 'unable\\t%s\\tstarting it\\n' "$place"
      exit 0
    }
    pid=$(docker inspect --format '{{.State.Pid}}' "$container")
    gateway=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}' "$container")
    nsenter --net="/proc/$pid/ns/net" -- bash -c "$attempts" attempts "$place" "$gateway" "$port" "$names" "$@" &
    for name in $names; do
      { if timeout 4 docker exec --env RES_OPTIONS='timeout:2 attempts:1' "$container" getent ahosts "$name" >/dev/null 2>&1; then
        printf 'resolved\\t%s\\t%s\\n' "$place" "$name"
      fi; } &
    done
    wait
    docker rm --force "$container" >/dev/null
  } &
done
wait
printf 'end\\n'
`;
