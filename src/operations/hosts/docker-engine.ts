import { StateError } from '../../core/errors.js';
import { lastLines } from '../../core/terminal-text.js';
import { type ProgramOutcome, runLocally } from './local-program.js';

/**
 * The Docker engine that this machine's `docker` command speaks to (`DOCKER_HOST` and contexts apply). Arguments are arrays;
 * nothing goes through a shell of this machine.
 */

export interface DockerOptions {
  readonly signal?: AbortSignal | undefined;
  /** For the standard input of the command. */
  readonly input?: string;
  /** Whether a status other than 0 is an error. Default true. */
  readonly check?: boolean;
}

/** Runs one command. @throws StateError `docker.missing`, `docker.failed` */
export async function docker(
  args: readonly string[],
  { signal, input, check = true }: DockerOptions = {},
): Promise<ProgramOutcome> {
  const outcome = await runLocally('docker', args, {
    ...(signal !== undefined && { signal }),
    ...(input !== undefined && { input }),
  });
  if (outcome === undefined) {
    throw new StateError({
      kind: 'usage',
      code: 'docker.missing',
      what: 'There is no program "docker" on this machine',
      next: 'install a Docker engine here, or drill onto a spare machine of the inventory with --target',
    });
  }
  if (check && outcome.status !== 0) throw dockerFailed(args, outcome);
  return outcome;
}

/** What a command prints, without the last line break. @throws as `docker` does */
export async function dockerText(args: readonly string[], options: DockerOptions = {}): Promise<string> {
  return (await docker(args, options)).stdout.trim();
}

/** Asks the engine for its version. @throws StateError `docker.missing`, `docker.silent` */
export async function requireEngine(signal: AbortSignal): Promise<string> {
  const { status, stdout, stderr } = await docker(['version', '--format', '{{.Server.Version}}'], {
    signal,
    check: false,
  });
  const version = stdout.trim();
  if (status === 0 && version !== '') return version;
  throw new StateError({
    kind: 'failed',
    code: 'docker.silent',
    what: 'No Docker engine answers on this machine',
    ...(stderr.trim() !== '' && { why: lastLines(stderr, 1) }),
    next: 'start it ("systemctl start docker"), let this user use it, or set DOCKER_HOST',
  });
}

/** Of an image, `undefined` when there is none. */
export async function imageId(name: string, signal: AbortSignal): Promise<string | undefined> {
  return await inspected(['image', 'inspect', '--format', '{{.Id}}', name], signal);
}

/** When a volume was made, `undefined` when there is none. */
export async function volumeCreatedAt(name: string, signal: AbortSignal): Promise<string | undefined> {
  return await inspected(['volume', 'inspect', '--format', '{{.CreatedAt}}', name], signal);
}

async function inspected(args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  const { status, stdout } = await docker(args, { signal, check: false });
  return status === 0 ? stdout.trim() : undefined;
}

function dockerFailed(args: readonly string[], { status, stderr, stdout }: ProgramOutcome): StateError {
  const [verb = '', subject = ''] = args;
  const name = subject.startsWith('-') ? verb : `${verb} ${subject}`;
  return new StateError({
    kind: 'failed',
    code: 'docker.failed',
    what: `"docker ${name}" failed`,
    why: lastLines(stderr, 2) || lastLines(stdout, 2) || `it ended with status ${status ?? 'unknown'}`,
    next: 'look at "docker ps -a" and at the log of the engine',
    detail: lastLines(`${stdout}\n${stderr}`, 12),
  });
}
