import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type FaultyProxy, startFaultyProxy } from '../../interop/repository/faulty-proxy.js';
import { coolifyState, knownHostsOf, LAB, lab, onHost, type S3Access, s3 } from '../lab.js';
import { begin, eventually } from '../observations.js';
import { type Line, openLine } from './line.js';

const run = promisify(execFile);

export interface StageOptions {
  /** More settings of the host. */
  readonly vars?: Readonly<Record<string, unknown>>;
  /** Which of the two repositories stands first: a snapshot that both have is read from there. */
  readonly reads?: 'folder' | 's3';
}

export type Running = ReturnType<typeof begin>;

/**
 * Where faults are played: a host behind a line that can be broken, a folder and Ceph's S3 behind a proxy as repositories, and a
 * small disk of its own for all that this machine keeps.
 */
export class Stage {
  readonly host: string;
  readonly folder: string;
  readonly disk: string;
  readonly state: string;
  readonly temporary: string;
  readonly line: Line;
  readonly store: FaultyProxy;
  readonly bucket: S3Access;
  readonly prefix: string;
  readonly #vars: Readonly<Record<string, unknown>>;

  private constructor(
    host: string,
    folder: string,
    { line, store, bucket, port }: { line: Line; store: FaultyProxy; bucket: S3Access; port: number },
    { vars = {}, reads = 'folder' }: StageOptions,
  ) {
    this.host = host;
    this.folder = folder;
    this.disk = join(folder, 'disk');
    this.state = join(this.disk, 'state');
    this.temporary = join(folder, 'tmp');
    this.line = line;
    this.store = store;
    this.bucket = bucket;
    this.prefix = `faults-${process.pid}-${port}`;
    const repositories = [
      `file:${join(this.disk, 'repository')}`,
      `s3://${bucket.env['COOLIFY_S3_BUCKET']}/${this.prefix}`,
    ];
    this.#vars = {
      ansible_host: '127.0.0.1',
      ansible_port: line.port,
      ansible_user: 'root',
      ansible_timeout: 5,
      ansible_ssh_retries: 1,
      // Silence is noticed after 4 s here, and after 40 s without these.
      ansible_ssh_common_args: '-o ServerAliveInterval=1 -o ServerAliveCountMax=3',
      ansible_ssh_private_key_file: join(LAB, 'id_ed25519'),
      coolify_known_hosts_file: join(folder, 'known_hosts'),
      coolify_backup_encryption_key_path: join(LAB, 'backup_ed25519'),
      coolify_s3_endpoint: store.endpoint,
      coolify_repository: reads === 's3' ? repositories.reverse() : repositories,
      ...vars,
    };
  }

  static async open(host: string, port: number, options: StageOptions = {}): Promise<Stage> {
    const bucket = await s3();
    await lab('host.sh', 'up', host, '--port', String(port), '--recreate');
    const folder = await mkdtemp(join(tmpdir(), 'coolify-state-faults-'));
    const line = await openLine(port);
    const store = await startFaultyProxy(bucket.endpoint);
    const stage = new Stage(host, folder, { line, store, bucket, port }, options);
    await mkdir(stage.temporary);
    await mkdir(stage.disk);
    if (IS_ROOT) await run('mount', ['-t', 'tmpfs', '-o', DISK, 'tmpfs', stage.disk]);
    const known = await readFile(knownHostsOf(port), 'utf8');
    await writeFile(join(folder, 'known_hosts'), known.replaceAll(`]:${port}`, `]:${line.port}`));
    await stage.writeInventory();
    // Coolify's API as a second witness costs a second of each backup, and has tests of its own.
    await stage.onHost('rm -f /data/coolify/ansible-token');
    return stage;
  }

  async close(): Promise<void> {
    await this.line[Symbol.asyncDispose]();
    await this.store.stop();
    if (IS_ROOT) await run('umount', ['-l', this.disk]);
    await rm(this.folder, { recursive: true, force: true });
    await lab('host.sh', 'down', this.host);
  }

  async writeInventory(more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    // JSON is YAML.
    const inventory = { controller: { hosts: { [this.host]: { ...this.#vars, ...more } } } };
    await writeFile(join(this.folder, 'inventory.yml'), JSON.stringify(inventory));
  }

  get options(): readonly string[] {
    return ['-i', join(this.folder, 'inventory.yml'), '--state-dir', this.state];
  }

  get env(): Readonly<Record<string, string>> {
    return {
      ...this.bucket.env,
      TMPDIR: this.temporary,
      COOLIFY_STATE_CACHE_PATH: join(this.folder, 'cache'),
    };
  }

  begin(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    return begin([...args, ...this.options, '--json'], { ...this.env, ...env });
  }

  run(args: readonly string[]): ReturnType<typeof coolifyState> {
    return coolifyState([...args, ...this.options, '--json'], { env: this.env });
  }

  onHost(script: string, ...args: readonly string[]): Promise<string> {
    return onHost(this.host, script, ...args);
  }

  /** What the engine is told about the container that is the host. */
  async engine(...args: readonly string[]): Promise<void> {
    await run('docker', [...args, `coolify-state-lab-host-${this.host}`]);
  }

  async remountDisk(options: string): Promise<void> {
    await run('mount', ['-o', `remount,${options}`, this.disk]);
  }

  /** Everything is as it was, whatever the fault did: the line, the store, the disk, the host, its database, and Coolify. */
  async mend(coolify: 'runs' | 'may stand still' = 'runs'): Promise<void> {
    this.line.mend();
    this.store.faults = () => undefined;
    if (IS_ROOT) await this.remountDisk(`rw,${DISK}`);
    const health = `[ "$(docker inspect --format '{{.State.Health.Status}}' coolify)" = healthy ]`;
    const database = "docker exec coolify-db psql -U coolify -Atc 'SELECT 1'";
    const script = coolify === 'runs' ? `${database} && ${health}` : database;
    const answers = (): Promise<boolean> =>
      this.onHost(script).then(
        (text) => text.trim() === '1',
        () => false,
      );
    await eventually('Coolify and its database are well', answers, 180);
  }
}

export const IS_ROOT = process.getuid?.() === 0;
/** What the small disk is like when nothing is wrong with it. */
const DISK = 'size=256m,nr_inodes=100000,mode=0700';
