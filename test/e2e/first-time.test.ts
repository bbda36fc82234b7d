import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sshFingerprint } from '../../src/core/ssh-fingerprint.js';
import { acquireLock } from '../../src/state/lock.js';
import {
  collect,
  coolifyState,
  knownHostsOf,
  LAB,
  lab,
  onHost,
  PROGRAM,
  PROJECT,
  type S3Access,
  s3,
  type Workplace,
  workplace,
} from './lab.js';
import { type Answer, onTerminal } from './terminal.js';

/** What somebody does who has never seen this: docs/quick-start.md is carried out as it stands there. */
const HOST = 'init.test';
const PORT = 2281;
const BUCKET = 'first-time';

let store: S3Access;
let home: string;
let env: NodeJS.ProcessEnv;
let fingerprint: string;
let substitutions: readonly (readonly [string, string])[];
const page = await readFile(join(PROJECT, 'docs/quick-start.md'), 'utf8');

beforeAll(async () => {
  store = await s3();
  await lab('s3.sh', 'bucket', BUCKET);
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  home = await mkdtemp(join(tmpdir(), 'coolify-state-first-'));
  await mkdir(join(home, '.ssh'), { mode: 0o700 });
  await copyFile(join(LAB, 'id_ed25519'), join(home, '.ssh/id_ed25519'));
  await chmod(join(home, '.ssh/id_ed25519'), 0o600);
  // `npx coolify-state` is the program under test.
  const bin = join(home, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`, {
    mode: 0o755,
  });
  const { SSH_AUTH_SOCK: _agent, ...rest } = process.env;
  env = { ...rest, ...store.env, HOME: home, PATH: `${bin}:${process.env['PATH']}` };
  const known = (await readFile(knownHostsOf(PORT), 'utf8'))
    .split('\n')
    .find((line) => line.includes('ed25519'));
  fingerprint = sshFingerprint(Buffer.from(known?.split(' ')[2] ?? '', 'base64'));
  substitutions = [
    ['root@coolify.example.com', `root@127.0.0.1:${PORT}`],
    ['s3://my-bucket/coolify', `s3://${BUCKET}/run-${process.pid}`],
    ['https://fsn1.your-objectstorage.com', store.endpoint],
    ['/srv/snapshots', join(home, 'snapshots')],
    ['SHA256:...', fingerprint],
  ];
});

afterAll(async () => {
  await rm(home, { recursive: true, force: true });
  await lab('host.sh', 'down', HOST);
});

/** With this lab's values instead of the examples. */
function ours(text: string): string {
  return substitutions.reduce((now, [example, value]) => now.replaceAll(example, value), text);
}

/** The commands of a section, one a line. */
function commandsOf(title: string): string[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(title));
  const blocks = [...(section?.matchAll(/```sh\n(.*?)```/gs) ?? [])].map(([, body = '']) => body);
  return blocks.flatMap((body) => body.split('\n')).filter((line) => line !== '');
}

/** The questions and answers that the page shows. */
function answersOf(): Answer[] {
  const body = /```text\n(.*?)```/s.exec(page)?.[1] ?? '';
  return body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, question = '', answer = ''] = /^(.*?):(?: (.*))?$/.exec(line) ?? [];
      return { question, answer: ours(answer) };
    });
}

async function carryOut(title: string, cwd: string): Promise<string> {
  let output = '';
  for (const line of commandsOf(title)) {
    const { status, stdout, stderr } = await collect('sh', ['-c', `cd '${cwd}' && ${ours(line)}`], {
      env: definedIn(env),
    });
    expect(status, `${line}\n${stdout}${stderr}`).toBe(0);
    output += stdout;
  }
  return output;
}

function definedIn(variables: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

describe('the quick start', () => {
  let folder: string;

  it('begins in an empty folder and asks six questions', async () => {
    const [makeFolder = '', setCredentials = '', run = '', ...more] = commandsOf('1. ');
    expect(more).toEqual([]);
    folder = join(home, /^mkdir (\S+) && cd \1$/.exec(makeFolder)?.[1] ?? '');
    await mkdir(folder);
    for (const [, name = ''] of setCredentials.matchAll(/(\w+)=/g)) expect(env[name]).toBeTruthy();
    const answers = answersOf();
    expect(answers).toHaveLength(6);
    const { status, screen, left } = await onTerminal(run, answers, { cwd: folder, env });
    expect(left, screen).toEqual([]);
    expect(status, screen).toBe(0);
    expect(screen).toContain(fingerprint);
    expect(screen).toMatch(/coolify\.version +Coolify 4\.\d+\.\d+ in \/data\/coolify/);
    expect(screen).toMatch(/Next:\s+coolify-state backup/);
  });

  it('wrote no secret, knows the host, and keeps the key and the state apart', async () => {
    const inventory = await readFile(join(folder, 'inventory/hosts.yml'), 'utf8');
    for (const name of ['HETZNER_S3_ACCESS_KEY', 'HETZNER_S3_SECRET_KEY'])
      expect(inventory).not.toContain(store.env[name]);
    expect(await readFile(join(folder, '.gitignore'), 'utf8')).toContain('/state/');
    expect((await stat(join(home, '.ssh/coolify-state'))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(home, '.ssh/known_hosts'), 'utf8')).toContain(
      `[127.0.0.1]:${PORT} ssh-ed25519 `,
    );
  });

  it('goes on to a backup', async () => {
    expect(await carryOut('2. ', folder)).toMatch(/127\.0\.0\.1 +[0-9a-f]{8} .* proven/);
  });

  it('ends with a snapshot whose data was proven, and a doctor who finds nothing bad', async () => {
    const output = await carryOut('3. ', folder);
    for (const proof of ['stored-bytes', 'app-key', 'dump'])
      expect(output).toMatch(new RegExp(`proven +${proof}`));
    expect(output).toContain('Nothing stands in the way of a backup');
  });

  it('shows the plan of a restore', async () => {
    await carryOut('And on the bad day', folder);
  });

  it('works without questions too, and adds a host', async () => {
    const other = join(home, 'other');
    await mkdir(other);
    // In the home of the first run the host is known by now.
    await rm(join(home, '.ssh/known_hosts'));
    const output = await carryOut('Without questions', other);
    expect(output).toMatch(/--127\.0\.0\.1\n.*--second/);
    const known = await readFile(join(home, '.ssh/known_hosts'), 'utf8');
    expect(known.trim().split('\n')).toHaveLength(1);
  });
});

describe('init', () => {
  const init = (folder: string, ...args: string[]) =>
    collect('sh', ['-c', `cd '${folder}' && exec npx coolify-state init "$@"`, 'sh', ...args], {
      env: definedIn(env),
    });
  const target = `root@127.0.0.1:${PORT}`;
  const fresh = (): Promise<string> => mkdtemp(join(home, 'init-'));

  it('does not ask where there is no terminal, and says what to do instead', async () => {
    const { status, stderr } = await init(await fresh());
    expect(status).toBe(2);
    expect(stderr).toContain('code: cli.no-terminal');
    expect(stderr).toContain('--yes');
  });

  it('believes no host key that nobody vouched for, and writes nothing', async () => {
    const folder = await fresh();
    const known = ['--known-hosts', join(folder, 'known')];
    const asked = await init(folder, target, '--repository', 'none', '--yes', ...known);
    expect(asked.status).toBe(3);
    expect(asked.stdout).toContain(`--accept-host-key ${fingerprint}`);
    const other = `SHA256:${'A'.repeat(43)}`;
    const wrong = await init(
      folder,
      target,
      '--repository',
      'none',
      '--yes',
      ...known,
      '--accept-host-key',
      other,
    );
    expect(wrong.status).toBe(3);
    expect(wrong.stdout).toContain('is not the one of --accept-host-key');
    await expect(stat(join(folder, 'inventory'))).rejects.toThrow();
    await expect(stat(join(folder, 'known'))).rejects.toThrow();
  });

  it('gives the command to run again, which then works as it stands', async () => {
    const folder = await fresh();
    const broken = await init(folder, target, '--repository', '/dev/null/x', '--yes');
    expect(broken.status).toBe(1);
    expect(broken.stdout).toMatch(/BAD +repository\.reach/);
    const again = /^ {2}coolify-state init (.*)$/m.exec(broken.stdout)?.[1] ?? '';
    const line = `cd '${folder}' && npx coolify-state init ${again.replace('/dev/null/x', './snapshots')} --yes`;
    const { status, stdout, stderr } = await collect('sh', ['-c', line], { env: definedIn(env) });
    expect(status, stdout + stderr).toBe(0);
  });

  it('never writes over what is there, and asks nothing in vain', async () => {
    const folder = await fresh();
    await mkdir(join(folder, 'inventory'));
    await writeFile(join(folder, 'inventory/mine.yml'), 'web1:\n');
    const { status, stderr } = await init(folder);
    expect(status).toBe(2);
    expect(stderr).toContain('code: init.inventory-exists');
  });

  it('says which credentials to set where they are missing, and goes on', async () => {
    const folder = await fresh();
    const line = `unset HETZNER_S3_ACCESS_KEY HETZNER_S3_SECRET_KEY; cd '${folder}' && exec npx coolify-state init '${target}' --repository s3://my-bucket --endpoint '${store.endpoint}' --yes --json`;
    const { status, stdout } = await collect('sh', ['-c', line], { env: definedIn(env) });
    expect(status).toBe(0);
    const summary = z
      .object({ command: z.literal('init'), environment: z.array(z.string()), written: z.array(z.string()) })
      .parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
    expect(summary.environment.join()).toContain('HETZNER_S3_SECRET_KEY');
    expect(summary.written).toContain(join(folder, 'inventory/hosts.yml'));
  });
});

describe('doctor', () => {
  let place: Workplace;
  beforeAll(async () => {
    place = await workplace(HOST, PORT, {});
    await usual();
    await settled();
  });
  afterAll(() => place?.remove());

  /** Until no container is starting any more. */
  async function settled(): Promise<void> {
    await onHost(
      HOST,
      'for try in $(seq 200); do docker ps | grep -q "(health: starting)" || exit 0; sleep 0.3; done; exit 1',
    );
  }

  const usual = (vars: Readonly<Record<string, unknown>> = {}): Promise<void> =>
    place.writeInventory({ coolify_repository: `file:${join(place.folder, 'snapshots')}`, ...vars });

  interface Look {
    readonly status: number | null;
    readonly findings: readonly z.output<typeof finding>[];
  }
  const finding = z.looseObject({
    check: z.string(),
    verdict: z.string(),
    fix: z.string().optional(),
    host: z.string().optional(),
    kind: z.string().optional(),
  });

  async function look(hosts: string): Promise<Look> {
    const { status, stdout } = await coolifyState(['doctor', hosts, '--json', ...place.options]);
    const { findings } = z
      .object({ type: z.literal('summary'), command: z.literal('doctor'), findings: z.array(finding) })
      .parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
    return { status, findings };
  }

  /** `check: verdict` of everything that is not well, and the exit status. */
  async function trouble(): Promise<{ status: number | null; found: Record<string, string> }> {
    const { status, findings } = await look(HOST);
    const notWell = findings.filter(({ verdict }) => verdict === 'warning' || verdict === 'bad');
    for (const { check, fix } of notWell) expect(fix, check).toBeTruthy();
    return { status, found: Object.fromEntries(notWell.map(({ check, verdict }) => [check, verdict])) };
  }

  it('finds nothing where all is well, but that there is no backup yet', async () => {
    expect(await trouble()).toEqual({ status: 0, found: { 'repository.snapshots': 'warning' } });
    expect((await coolifyState(['backup', HOST, ...place.options])).status).toBe(0);
    expect(await trouble()).toEqual({ status: 0, found: {} });
  });

  it('changes nothing on the host', async () => {
    await onHost(HOST, 'touch /tmp/before; sleep 1.1');
    await trouble();
    expect(
      await onHost(HOST, 'find /root /etc /data/coolify/source /data/coolify/ssh -xdev -newer /tmp/before'),
    ).toBe('');
  });

  it('warns of what stops nothing: status 0', async () => {
    await usual({ coolify_backup_identity_path: join(place.folder, 'elsewhere'), ansible_password: 'plain' });
    await writeFile(
      join(place.folder, `snapshots/${HOST}/coolify-state-${HOST}-20251229T101112.tar.gz.enc`),
      '',
    );
    await mkdir(join(place.state, `.generations/${HOST}/staging-000000000000`), { mode: 0o700 });
    await onHost(HOST, 'mkdir -p /root/.coolify-state-restore; docker stop coolify-redis >/dev/null');
    try {
      expect(await trouble()).toEqual({
        status: 0,
        found: {
          'inventory.password': 'warning',
          'keys.identity': 'warning',
          'state.leftovers': 'warning',
          'coolify.containers': 'warning',
          'host.restore': 'warning',
          'repository.legacy': 'warning',
        },
      });
    } finally {
      await onHost(HOST, 'rmdir /root/.coolify-state-restore; docker start coolify-redis >/dev/null');
      await settled();
      await rm(join(place.state, `.generations/${HOST}/staging-000000000000`), { recursive: true });
      await rm(join(place.folder, `snapshots/${HOST}/coolify-state-${HOST}-20251229T101112.tar.gz.enc`));
      await usual();
    }
  });

  it('tells who is at work', async () => {
    await using _lock = await acquireLock(join(place.state, `.locks/${HOST}.lock`), HOST, 'backup');
    expect((await trouble()).found).toEqual({ 'state.lock': 'warning' });
  });

  describe('on spoiled hosts', () => {
    const spoiled = [
      ['a misspelt setting', { coolify_s3_buket: 'x' }, 'usage', ['inventory.settings']],
      [
        'no encryption key',
        { coolify_backup_encryption_key_path: '/nowhere/key' },
        'usage',
        ['keys.recipients'],
      ],
      [
        'another private key',
        { coolify_backup_identity_path: join(LAB, 'id_ed25519') },
        'usage',
        ['keys.identity'],
      ],
      [
        'an unknown host',
        { coolify_known_hosts_file: '/nowhere/known_hosts' },
        'unreachable',
        ['connection.host-key'],
      ],
      ['a user who may not in', { ansible_user: 'nobody-here' }, 'unreachable', ['connection.login']],
      ['a port that is closed', { ansible_port: 1 }, 'unreachable', ['connection.reach']],
      [
        'a user who is not root',
        { ansible_user: 'deployer', ansible_become: false },
        'failed',
        ['host.root'],
      ],
      ['a Coolify that is elsewhere', { coolify_data_path: '/data/elsewhere' }, 'failed', ['coolify.env']],
      [
        'a database that is elsewhere',
        { coolify_database_container: 'other-db' },
        'failed',
        ['coolify.containers', 'coolify.database'],
      ],
      [
        'a repository that is a file',
        { coolify_repository: 'file:/etc/hostname' },
        'failed',
        ['repository.reach'],
      ],
      [
        'no credentials for S3',
        { coolify_repository: 's3://my-bucket', coolify_s3_endpoint: 'http://127.0.0.1:1' },
        'usage',
        ['repository.credentials'],
      ],
    ] as const;
    let outcome: Look;

    // All in one run, each as a host of its own: what is bad on one hides nothing of another.
    beforeAll(async () => {
      const inventory = z
        .object({ controller: z.object({ hosts: z.record(z.string(), z.record(z.string(), z.unknown())) }) })
        .parse(JSON.parse(await readFile(join(place.folder, 'inventory.yml'), 'utf8')));
      const well = inventory.controller.hosts[HOST];
      const hosts = spoiled.map(([, vars], index) => [
        `spoiled${index}`,
        { ...well, ansible_ssh_retries: 0, ...vars },
      ]);
      await writeFile(
        join(place.folder, 'inventory.yml'),
        JSON.stringify({ controller: { hosts: Object.fromEntries(hosts) } }),
      );
      outcome = await look('controller');
    });
    afterAll(() => usual());

    it.each(
      spoiled.map(([what, , kind, checks], index) => ({ what, kind, checks, host: `spoiled${index}` })),
    )('finds $what', ({ host, kind, checks }) => {
      const bad = outcome.findings.filter((one) => one.host === host && one.verdict === 'bad');
      expect(bad.map(({ check }) => check)).toEqual(checks);
      expect(new Set(bad.map((one) => one.kind))).toEqual(new Set([kind]));
    });

    it('has the status of the worst', () => {
      expect(outcome.status).toBe(3);
    });
  });

  it('finds an APP_KEY that does not open the database: status 4', async () => {
    await onHost(
      HOST,
      `cp -a /data/coolify/source/.env /tmp/env; sed -i "s|^APP_KEY=.*|APP_KEY=base64:$(openssl rand -base64 32)|" /data/coolify/source/.env; sed -i '/^APP_PREVIOUS_KEYS/d' /data/coolify/source/.env`,
    );
    try {
      expect(await trouble()).toEqual({ status: 4, found: { 'coolify.app-key': 'bad' } });
    } finally {
      await onHost(HOST, 'cp -a /tmp/env /data/coolify/source/.env');
    }
  });

  it('finds a database that is down', async () => {
    await onHost(HOST, 'docker stop coolify-db >/dev/null');
    try {
      const { status, found } = await trouble();
      expect(status).toBe(1);
      expect(found).toMatchObject({ 'coolify.containers': 'bad', 'coolify.database': 'bad' });
    } finally {
      await onHost(HOST, 'docker start coolify-db >/dev/null');
      await settled();
    }
  });

  it('finds a state folder that others can read, and shows all of it to a person', async () => {
    await chmod(place.state, 0o755);
    try {
      const { status, stdout } = await coolifyState(['doctor', HOST, ...place.options]);
      expect(status).toBe(2);
      expect(stdout).toMatch(/BAD +state\.folder .*\n +fix: chmod -R go= /);
      expect(stdout).toContain('1 thing is bad');
    } finally {
      await chmod(place.state, 0o700);
    }
  });
});
