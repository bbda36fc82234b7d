import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { lineFault } from '../../src/cli/json/lines.js';
import { FOLDER, recordFiles, recordOutput, recordSecrets } from './whole-run/record.js';

/** The Docker lab as the tests see it: hosts, Ceph's S3, and the built program. */

const run = promisify(execFile);
export const PROJECT = resolve(import.meta.dirname, '../..');
export const LAB = join(PROJECT, '.lab');
/** The built program, or another build of it, such as an installed package. */
export const PROGRAM = process.env['COOLIFY_STATE_PROGRAM'] ?? join(PROJECT, 'dist/cli/main.js');

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Called with the running process, for tests that interrupt it. */
  readonly started?: (process: ReturnType<typeof spawn>) => void;
  readonly input?: string;
  readonly cwd?: string;
  /** For what a test reads itself, which nobody is shown. */
  readonly isPrivate?: boolean;
}

/**
 * Runs the built program as a user would. Everything it prints is kept for the search for secrets, and what it prints with
 * `--json` is held to the schemas.
 */
export async function coolifyState(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const outcome = await collect(process.execPath, [PROGRAM, ...args], options);
  // Of what was asked for in the clear nobody expects that it is hidden.
  const name = `program-${(args[0] ?? '').replace(/\W/g, '')}`;
  if (!args.includes('cat') && !args.includes('--show')) recordOutput(name, outcome.stdout);
  recordOutput(name, outcome.stderr);
  if (args.includes('--json')) expectDescribed(outcome.stdout);
  return outcome;
}

/** Every whole line that was printed is one that a schema describes. The last one of a killed run may be cut. */
function expectDescribed(stdout: string): void {
  const faults = stdout
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => lineFault(line) ?? []);
  if (faults.length > 0)
    throw new Error(`docs/schema does not describe what was printed:\n${faults.join('\n')}`);
}

export const ALL_OUTPUT: string[] = [];

export function collect(
  program: string,
  args: readonly string[],
  { env, started, input, cwd = PROJECT, isPrivate = false }: RunOptions = {},
): Promise<Outcome> {
  return new Promise((resolved, reject) => {
    const child = spawn(program, args, {
      cwd,
      // Nothing of a test belongs into the cache of whoever runs it.
      env: { ...process.env, COOLIFY_STATE_CACHE_PATH: join(LAB, 'cache'), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (status) => {
      const outcome = {
        status,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      };
      if (!isPrivate) ALL_OUTPUT.push(outcome.stdout, outcome.stderr);
      resolved(outcome);
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
    started?.(child);
  });
}

/** A script of the lab; throws with its output when it fails. */
export async function lab(script: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(join(PROJECT, 'docker', script), args, {
    cwd: PROJECT,
    maxBuffer: 64 * 1024 * 1024,
  });
  const [command, host] = args;
  if (script === 'host.sh' && command === 'up' && host !== undefined && RECORDING)
    await recordSecretsOf(host);
  return stdout;
}

const RECORDING = process.env[FOLDER] !== undefined;

/** Loaded when it is wanted, as it stands on this file. */
async function recordSecretsOf(host: string): Promise<void> {
  const { secretsOf } = await import('./secret-search.js');
  recordSecrets(await secretsOf(host));
}

/** Runs a shell script on a lab host as root, by the engine and not over SSH. */
export async function onHost(host: string, script: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(
    'docker',
    ['exec', `coolify-state-lab-host-${host}`, 'sh', '-c', script, 'sh', ...args],
    {
      maxBuffer: 256 * 1024 * 1024,
    },
  );
  return stdout;
}

/** What is known of the host at a port: a file of its own, as test files run side by side and restores change it. */
export function knownHostsOf(port: number): string {
  return join(LAB, 'known_hosts.d', String(port));
}

/** A folder of its own for a test: inventory, state, repository. */
export interface Workplace {
  readonly folder: string;
  readonly state: string;
  /** Options that point the program at this workplace. */
  readonly options: readonly string[];
  writeInventory(vars: Readonly<Record<string, unknown>>): Promise<void>;
  remove(): Promise<void>;
}

export async function workplace(
  host: string,
  port: number,
  vars: Readonly<Record<string, unknown>>,
): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'coolify-state-e2e-'));
  const state = join(folder, 'state');
  const inventory = join(folder, 'inventory.json');
  const write = async (more: Readonly<Record<string, unknown>>): Promise<void> => {
    const hostVars = {
      ansible_host: '127.0.0.1',
      ansible_port: port,
      ansible_user: 'root',
      ansible_ssh_private_key_file: join(LAB, 'id_ed25519'),
      coolify_known_hosts_file: knownHostsOf(port),
      coolify_backup_encryption_key_path: join(LAB, 'backup_ed25519'),
      ...vars,
      ...more,
    };
    // JSON is YAML.
    await writeFile(
      `${inventory.replace(/json$/, 'yml')}`,
      JSON.stringify({ controller: { hosts: { [host]: hostVars } } }),
    );
  };
  await write({});
  return {
    folder,
    state,
    options: ['-i', inventory.replace(/json$/, 'yml'), '--state-dir', state],
    writeInventory: write,
    remove: () => {
      recordFiles(folder);
      return rm(folder, { recursive: true, force: true });
    },
  };
}

export interface S3Access {
  readonly endpoint: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Ceph's S3, started when it is not there. */
export async function s3(): Promise<S3Access> {
  await lab('s3.sh', 'up');
  const text = await readFile(join(LAB, 's3.env'), 'utf8');
  const env = Object.fromEntries(
    text
      .split('\n')
      .map((line) => /^(?:export )?([A-Z0-9_]+)=['"]?(.*?)['"]?$/.exec(line))
      .flatMap((match) => (match?.[1] === undefined || match[2] === undefined ? [] : [[match[1], match[2]]])),
  );
  const endpoint = env['COOLIFY_S3_ENDPOINT'] ?? '';
  return { endpoint, env };
}

export function sha256(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}
