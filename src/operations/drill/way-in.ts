import { join } from 'node:path';
import { newKeyPair } from '../../archive/new-key-pair.js';
import { StateError } from '../../core/errors.js';
import type { Endpoint } from '../../ssh/endpoint.js';
import { hostKeyOf } from '../../ssh/host-key.js';
import { replacePrivateFile } from '../../state/private-files.js';
import { docker, dockerText } from '../hosts/docker-engine.js';
import { ProgramStream } from '../hosts/program-stream.js';

/**
 * How a machine without a network is entered by SSH: each connection is an sshd of its own, started by the engine, that speaks
 * on its standard input and output. The key for it stands beside the machine's own authorized_keys, which a restore
 * replaces; the machine's host keys are read through the engine, so they are known and need no trust.
 *
 * `folder` is private to this run and gets the key and a known_hosts.
 */
export async function wayInto(
  container: string,
  host: string,
  folder: string,
  signal: AbortSignal,
): Promise<Endpoint> {
  const pair = newKeyPair('coolify-state drill');
  const keyFile = join(folder, 'id_ed25519');
  await replacePrivateFile(keyFile, pair.privateText.reveal());
  await docker(['exec', '-i', container, 'sh', '-c', ADMIT, 'sh', FOLDER, ADMITTED], {
    input: `${pair.publicLine}\n`,
    signal,
  });
  const dial = (): Promise<ProgramStream> =>
    Promise.resolve(new ProgramStream('docker', ['exec', '-i', container, ...SSHD]));
  return {
    host,
    address: container,
    port: 22,
    user: 'root',
    identityFiles: [keyFile],
    identitiesOnly: true,
    knownHostsFiles: [join(folder, 'known_hosts')],
    hostKeyChecking: 'strict',
    pinnedFingerprints: await fingerprintsOf(container, signal),
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    connectRetries: 2,
    keepaliveMs: KEEPALIVE_MS,
    dial,
  };
}

/** How a person gets into a machine that was kept. */
export function shellInto(container: string): string {
  return `docker exec -it ${container} bash -l`;
}

/** Forgets the key, for a machine that is to be copied. */
export async function closeWayInto(container: string, signal: AbortSignal): Promise<void> {
  await docker(['exec', container, 'rm', '-rf', FOLDER], { signal });
}

const CONNECT_TIMEOUT_MS = 30_000;
const KEEPALIVE_MS = 15_000;
const FOLDER = '/run/coolify-state-drill';
const ADMITTED = `${FOLDER}/authorized_keys`;
const ADMIT = `set -e; umask 077; mkdir -p /run/sshd "$1"; cat >"$2"`;
const SSHD: readonly string[] = [
  ...['/usr/sbin/sshd', '-i', '-o', `AuthorizedKeysFile=${ADMITTED}`],
  ...['-o', 'PermitRootLogin=prohibit-password', '-o', 'PasswordAuthentication=no'],
];

async function fingerprintsOf(container: string, signal: AbortSignal): Promise<string[]> {
  const text = await dockerText(['exec', container, 'sh', '-c', 'cat /etc/ssh/ssh_host_*_key.pub'], {
    signal,
  });
  const fingerprints = text.split('\n').flatMap((line) => {
    const key = hostKeyOf(Buffer.from(line.split(/\s+/)[1] ?? '', 'base64'));
    return key === undefined ? [] : [key.fingerprint];
  });
  if (fingerprints.length > 0) return fingerprints;
  throw new StateError({
    kind: 'failed',
    code: 'drill.host-silent',
    what: 'The throwaway host has no host keys',
    why: 'there is none in its /etc/ssh, where "ssh-keygen -A" of its start script puts them',
    next: 'see what docs/drill.md says of the image',
  });
}
