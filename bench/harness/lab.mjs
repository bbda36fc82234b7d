// The lab as the benchmarks see it: hosts, the S3 server, keys, and inventories for us and for Ansible.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv, promisify } from 'node:util';

const exec = promisify(execFile);
export const PROJECT = join(import.meta.dirname, '../..');
const LAB = join(PROJECT, '.lab');
export const CLIENT_KEY = join(LAB, 'id_ed25519');
export const BACKUP_KEY = join(LAB, 'backup_ed25519');
export const BUCKET = 'bench';

/** Names and ports of the lab hosts; as many are made as a case asks for. */
export const HOSTS = Array.from({ length: 16 }, (_, index) => ({
  name: index === 0 ? 'bench.test' : `bench${index + 1}.test`,
  port: 2371 + index,
}));

const containerOf = (name) => `coolify-state-lab-host-${name}`;

export async function lab(script, ...args) {
  await exec(join(PROJECT, 'docker', script), args, { cwd: PROJECT, maxBuffer: 64 * 1024 * 1024 });
}

/** Runs a shell script on a host as root, by the engine and not over SSH. */
export async function onHost(name, script, ...args) {
  const { stdout } = await exec('docker', [
    'exec',
    containerOf(name),
    'sh',
    '-c',
    script,
    'sh',
    ...args.map(String),
  ]);
  return stdout.trim();
}

export async function copyToHost(name, file, target) {
  await exec('docker', ['cp', '-q', file, `${containerOf(name)}:${target}`]);
}

/** Ansible wants Python on a host. */
const INSTALL_PYTHON = `python3 -c 'import json, zipfile' 2>/dev/null ||
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3; } >/dev/null 2>&1`;

export async function hostsUp(count) {
  for (const { name, port } of HOSTS.slice(0, count)) {
    await lab('host.sh', 'up', name, '--port', String(port));
    await onHost(name, INSTALL_PYTHON);
  }
}

export async function hostsDown(names) {
  for (const name of names) await lab('host.sh', 'down', name);
}

/** The S3 server with the bucket of the benchmarks, and the environments in which we, aws and restic reach it. */
export async function s3Up() {
  await lab('s3.sh', 'up');
  await lab('s3.sh', 'bucket', BUCKET);
  const access = parseEnv(await readFile(join(LAB, 's3.env'), 'utf8'));
  const { HETZNER_S3_ACCESS_KEY: id, HETZNER_S3_SECRET_KEY: secret, COOLIFY_S3_ENDPOINT: endpoint } = access;
  return {
    endpoint,
    env: {
      HETZNER_S3_ACCESS_KEY: id,
      HETZNER_S3_SECRET_KEY: secret,
      AWS_ACCESS_KEY_ID: id,
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      RESTIC_PASSWORD: 'bench',
    },
    vars: { coolify_s3_endpoint: endpoint, coolify_s3_bucket: BUCKET },
  };
}

/** Removes everything below a path: the lab's S3 lives in memory. */
export function emptyPath(s3, path) {
  return remove(s3, `${path}/`, '--recursive');
}

export function removeObject(s3, key) {
  return remove(s3, key);
}

async function remove({ env, endpoint }, key, ...options) {
  const place = `s3://${BUCKET}/${key}`;
  await exec('aws', ['--endpoint-url', endpoint, 's3', 'rm', '--quiet', ...options, place], {
    env: { ...process.env, ...env },
  });
}

export function knownHosts() {
  return join(LAB, 'known_hosts');
}

/** The arguments of ssh to a host as root, beside its address, `root@127.0.0.1`. */
export function sshArgs(port) {
  return [
    ...[
      '-F',
      'none',
      '-p',
      String(port),
      '-i',
      CLIENT_KEY,
      '-o',
      'IdentitiesOnly=yes',
      '-o',
      'BatchMode=yes',
    ],
    ...['-o', `UserKnownHostsFile=${knownHosts()}`],
  ];
}

/** An inventory for this program. Ansible reads the same one. */
export async function writeInventory(file, hosts, vars) {
  const entries = hosts.map(({ name, port }) => [
    name,
    {
      ansible_host: '127.0.0.1',
      ansible_port: port,
      ansible_user: 'root',
      ansible_ssh_private_key_file: CLIENT_KEY,
      ansible_ssh_common_args: `-o UserKnownHostsFile=${knownHosts()}`,
      coolify_known_hosts_file: knownHosts(),
      coolify_backup_encryption_key_path: BACKUP_KEY,
      coolify_ssh_config: 'none',
      ...vars,
    },
  ]);
  // JSON is YAML.
  await writeFile(file, JSON.stringify({ controller: { hosts: Object.fromEntries(entries) } }));
  return file;
}
