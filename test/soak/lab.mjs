import { execFile, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';

const execute = promisify(execFile);
export const PROJECT = resolve(import.meta.dirname, '../..');
const LAB = join(PROJECT, '.lab');

/** The Docker host, Ceph's S3 and the program, as the soak sees them. */
export class Lab {
  #env = {};
  #container;

  constructor({ host, port, program, folder }) {
    Object.assign(this, { host, port, program, folder });
    this.#container = `coolify-state-lab-host-${host}`;
    this.temporary = join(folder, 'tmp');
    this.state = join(folder, 'state');
    this.prefix = `soak-${process.pid}`;
  }

  async up() {
    await execute(join(PROJECT, 'docker/s3.sh'), ['up'], { cwd: PROJECT });
    await execute(join(PROJECT, 'docker/host.sh'), [
      ...['up', this.host, '--port', String(this.port), '--recreate'],
    ]);
    const text = await readFile(join(LAB, 's3.env'), 'utf8');
    for (const [, name, value] of text.matchAll(/^(?:export )?([A-Z0-9_]+)=['"]?(.*?)['"]?$/gm))
      this.#env[name] = value;
    await this.healthy();
  }

  async down() {
    await execute(join(PROJECT, 'docker/host.sh'), ['down', this.host]);
  }

  inventory() {
    const vars = {
      ansible_host: '127.0.0.1',
      ansible_port: this.port,
      ansible_user: 'root',
      ansible_ssh_private_key_file: join(LAB, 'id_ed25519'),
      coolify_known_hosts_file: join(LAB, 'known_hosts.d', String(this.port)),
      coolify_backup_encryption_key_path: join(LAB, 'backup_ed25519'),
      coolify_s3_endpoint: this.#env.COOLIFY_S3_ENDPOINT,
      coolify_repository: [
        `file:${join(this.folder, 'repository')}`,
        `s3://${this.#env.COOLIFY_S3_BUCKET}/${this.prefix}`,
      ],
    };
    return { controller: { hosts: { [this.host]: vars } } };
  }

  /** Runs the program; `disturb` gets it while it runs. */
  async run(args, disturb) {
    const options = ['-i', join(this.folder, 'inventory.yml'), '--state-dir', this.state];
    const child = spawn(process.execPath, [this.program, ...args, ...options], {
      env: {
        ...process.env,
        ...this.#env,
        TMPDIR: this.temporary,
        COOLIFY_STATE_CACHE_PATH: join(this.folder, 'cache'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(chunk));
    const ended = new Promise((done) => child.on('close', (status) => done(status)));
    const peak = watchPeak(child.pid, ended);
    const disturbed = disturb?.(child).catch((error) => console.log(`  the fault failed: ${error.message}`));
    const status = await ended;
    await disturbed;
    const tail = Buffer.concat(said).toString().trim().split('\n').slice(-6).join('\n    ');
    return { status, tail, stdout: Buffer.concat(said).toString(), peakMiB: await peak };
  }

  /** Ids of the snapshots there are. */
  async ids() {
    const { stdout } = await this.run(['snapshots', '--json']);
    return [...new Set([...stdout.matchAll(/"kind":"snapshot","id":"([0-9a-f]{8})"/g)].map(([, id]) => id))];
  }

  /** Something that makes the next backup differ from the last. */
  async change(step) {
    const sql = `UPDATE private_keys SET description = 'soak step ${step}' WHERE id = (SELECT min(id) FROM private_keys)`;
    await this.onHost(`docker exec coolify-db psql -qU coolify -c "$1" >/dev/null 2>&1 || :`, sql);
  }

  async onHost(script, ...args) {
    const command = ['exec', this.#container, 'sh', '-c', script, 'sh', ...args];
    return (await execute('docker', command, { maxBuffer: 64 * 1024 * 1024 })).stdout;
  }

  async docker(command) {
    await execute('docker', [command, this.#container]);
  }

  /** Waits until the database answers again. */
  async healthy() {
    const question = 'docker exec coolify-db psql -U coolify -Atc "SELECT 1" 2>/dev/null || :';
    for (let attempt = 0; attempt < 240; attempt++) {
      if ((await this.onHost(question).catch(() => '')).trim() === '1') return;
      await sleep(500);
    }
    console.log('  the database does not come back');
  }

  async stateLeftovers() {
    const paths = await readdir(this.state, { recursive: true });
    return paths.filter((path) =>
      /^\.locks\/.|\/(staging|fetched|dropped)-[^/]*$|\.tmp$|commit\.json$/.test(path),
    );
  }

  /** What runs on the host for us; it gets a while to end. */
  async remoteProcesses() {
    let left = [];
    for (let attempt = 0; attempt < 60; attempt++) {
      const lines = (await this.onHost('ps -eww -o args=')).split('\n');
      left = lines.filter((line) =>
        /pg_dump|\bpsql\b|pg_restore|^docker exec|^sshd-session: root/.test(line),
      );
      if (left.length === 0) return [];
      await sleep(500);
    }
    return left.map((line) => `process on the host: ${line.slice(0, 120)}`);
  }

  async spareDatabases() {
    const sql = "SELECT datname FROM pg_database WHERE datname LIKE 'coolify\\_state\\_%'";
    const out = await this.onHost('docker exec coolify-db psql -U coolify -Atc "$1"', sql);
    return out
      .split('\n')
      .filter((name) => name !== '')
      .map((name) => `database ${name}`);
  }

  async uploads() {
    const client = new S3Client({
      endpoint: this.#env.COOLIFY_S3_ENDPOINT,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: {
        accessKeyId: this.#env.HETZNER_S3_ACCESS_KEY,
        secretAccessKey: this.#env.HETZNER_S3_SECRET_KEY,
      },
    });
    try {
      const { Uploads = [] } = await client.send(
        new ListMultipartUploadsCommand({ Bucket: this.#env.COOLIFY_S3_BUCKET, Prefix: this.prefix }),
      );
      return Uploads.map(({ Key }) => Key);
    } finally {
      client.destroy();
    }
  }
}

/** The most memory that a process had, MiB. */
async function watchPeak(pid, ended) {
  let peak = 0;
  let done = false;
  ended.then(() => {
    done = true;
  });
  while (!done) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    peak = Math.max(peak, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0));
    await Promise.race([ended, sleep(100)]);
  }
  return peak / 1024;
}
