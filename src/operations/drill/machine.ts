import { setTimeout as sleep } from 'node:timers/promises';
import { StateError } from '../../core/errors.js';
import { lastLines } from '../../core/terminal-text.js';
import { docker } from '../hosts/docker-engine.js';

/**
 * A server as a container: sshd and a Docker engine of its own. What image such a machine is made of has to bring is said in
 * docs/drill.md.
 */

export interface MachineSettings {
  readonly container: string;
  readonly image: string;
  /** Becomes /var/lib/docker. */
  readonly volume: string;
  /** `none` for a machine that reaches nobody; otherwise the engine's usual network. */
  readonly network: 'none' | 'bridge';
  readonly hostname: string;
  /** `--label` and values. */
  readonly labels: readonly string[];
}

/**
 * Starts a machine. Fails with `docker.failed` where its name is taken.
 *
 * Privileged is not to be had everywhere; these are the rights that an engine inside an engine needs.
 */
export async function startMachine(settings: MachineSettings, signal: AbortSignal): Promise<void> {
  const { container, image, volume, network, hostname, labels } = settings;
  await docker(
    [
      ...['run', '--detach', '--name', container, ...labels, '--network', network],
      ...['--hostname', hostname, ...RIGHTS],
      ...['--cgroupns', 'host', '--volume', '/sys/fs/cgroup:/sys/fs/cgroup:rw'],
      ...['--device-cgroup-rule', 'a *:* rwm', '--volume', `${volume}:/var/lib/docker`, image],
    ],
    { signal },
  );
}

const RIGHTS: readonly string[] = [
  ...['--cap-add', 'ALL', '--cap-drop', 'SYS_RESOURCE'],
  ...['--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined'],
  ...['--security-opt', 'systempaths=unconfined'],
];

/** Waits until sshd and the engine inside answer. @throws StateError `drill.host-silent` with the engine's last lines */
export async function waitForMachine(container: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const { status } = await docker(['exec', container, 'sh', '-c', READY], { signal, check: false });
    if (status === 0) return;
    if (Date.now() > deadline) break;
    await sleep(POLL_MS, undefined, { signal });
  }
  const log = await docker(['exec', container, 'tail', '-n', '8', '/var/log/dockerd.log'], {
    signal,
    check: false,
  });
  const outside = await docker(['logs', '--tail', '8', container], { signal, check: false });
  throw new StateError({
    kind: 'failed',
    code: 'drill.host-silent',
    what: 'The throwaway host did not come up',
    why: `its sshd or its Docker engine did not answer within ${PATIENCE_MS / 1000} s`,
    next: 'see what docs/drill.md says of the image and of rights, and try it by hand: docker run -it IMAGE',
    detail: lastLines(`${outside.stdout}\n${outside.stderr}\n${log.stdout}`, 12),
  });
}

const PATIENCE_MS = 120_000;
const POLL_MS = 300;
const READY = `test -s /run/sshd.pid && docker version --format '{{.Server.Version}}' >/dev/null 2>&1`;

/** A new volume, filled with a copy of another one; an engine's folder has extended attributes, hence the rights. */
export async function copyVolume(
  from: string | undefined,
  to: string,
  image: string,
  labels: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await docker(['volume', 'create', ...labels, to], { signal });
  if (from === undefined) return;
  await docker(
    [
      ...['run', '--rm', ...labels, '--network', 'none', '--cap-add', 'ALL', '--cap-drop', 'SYS_RESOURCE'],
      ...['--security-opt', 'apparmor=unconfined', '--entrypoint', 'cp'],
      ...['--volume', `${from}:/from:ro`, '--volume', `${to}:/to`],
      ...[image, '-a', '--reflink=auto', '/from/.', '/to/'],
    ],
    { signal },
  );
}
