import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backupCommands } from '../../../src/coolify/backup-commands.js';
import { pgDump, psql } from '../../../src/coolify/database/commands.js';
import { type HostCommand, VALUE } from '../../../src/coolify/host-command.js';
import { hostGate } from '../../../src/coolify/host-gate.js';
import { layoutOf } from '../../../src/coolify/layout.js';
import { packPaths } from '../../../src/coolify/remote-files.js';
import { command, type RemoteCommand, render, script } from '../../../src/ssh/command.js';
import { bootArguments, newMarker } from '../../../src/ssh/start-marker.js';
import { requireProgram } from './sshd.js';

/** The gate of `host-policy` in the shells that `/bin/sh` is, with programs that only tell what they were given. */
const SHELLS = [
  [requireProgram('/bin/dash', 'dash')],
  [requireProgram('/bin/bash', 'bash'), '--posix'],
  [requireProgram('/bin/busybox', 'busybox'), 'sh'],
];

const access = { container: 'coolify-db', user: 'coolify', database: 'coolify' };
const layout = layoutOf({
  dataPath: '/data/coolify',
  installScript: '/root/install.sh',
  databaseContainer: 'coolify-db',
});
const COMMANDS = backupCommands({
  layout,
  access,
  dumpCompression: 0,
  extraPaths: ["/srv/it's \\ odd; $(id)", '/etc/hostname'],
});
const ENV = packPaths([layout.env]);

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'host-gate-'));
  // What would run says so, takes its input and ends: nothing of a host is touched.
  const told =
    '#!/bin/sh\nname=$(basename "$0")\nprintf "<%s>" "$name" "$@"\necho\ncat\nprintf "env:%s" "$(env)" >&2\n';
  for (const program of ['docker', 'curl', 'tar', 'sh', 'id']) {
    await writeFile(join(folder, `told-${program}`), told);
    await chmod(join(folder, `told-${program}`), 0o755);
  }
  const gate = hostGate(COMMANDS, ['for a test']);
  // The programs of the commands get other names, so that the gate's own shell stays what it is.
  await writeFile(
    join(folder, 'gate'),
    gate
      .replace('clean="env -i PATH=$PATH', `clean="env -i PATH=${folder}:$PATH`)
      .replaceAll(/exec \$clean \$1|\$clean \$1/g, (text) => text.replace('$1', 'told-$1')),
  );
});

afterAll(() => rm(folder, { recursive: true, force: true }));

interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function ask(shell: readonly string[], line: string, input = '', env: Record<string, string> = {}): Answer {
  const [program = '', ...args] = shell;
  const { status, stdout, stderr } = spawnSync(program, [...args, join(folder, 'gate')], {
    input,
    env: { PATH: '/usr/bin:/bin', ...env, SSH_ORIGINAL_COMMAND: line },
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

function sent(remote: RemoteCommand, marker = newMarker()): string {
  return render({ argv: bootArguments(marker, remote.argv), summary: '' });
}

/** A command of a backup as it is when its value is known. */
function filled({ command: remote }: HostCommand): RemoteCommand {
  const [program, ...args] = remote.argv;
  return command(program, ...args.map((word) => word.replace(VALUE, '00000003-0000001B-1')));
}

/** The words that a program was given. */
function told(remote: RemoteCommand): string {
  return `<told-${remote.argv.join('><')}>\n`;
}

const GOOD_SQL = [
  'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;',
  '\\echo end-of-answer-0a',
  'SELECT pg_export_snapshot();',
  '',
].join('\n');

describe.each(SHELLS.map((shell) => [shell.join(' '), shell] as const))('the gate in %s', (_name, shell) => {
  it('runs every command of a backup with exactly its words', () => {
    expect(COMMANDS.length).toBeGreaterThan(8);
    for (const one of COMMANDS) {
      if (typeof one.input === 'object') continue;
      const marker = newMarker();
      const remote = filled(one);
      const answer = ask(shell, sent(remote, marker), 'input');
      expect(answer.status, answer.stderr).toBe(0);
      expect(answer.stdout).toBe(`${marker}${told(remote)}${one.input === 'open' ? 'input' : ''}`);
      expect(answer.stderr.startsWith(marker)).toBe(true);
    }
  });

  it('gives a command nothing of the environment that the client sent', () => {
    const smuggled = {
      TAR_OPTIONS: '--to-command=id',
      DOCKER_HOST: 'tcp://elsewhere',
      LC_X: '$(id)',
      IFS: '/',
    };
    const { stderr } = ask(shell, sent(ENV), '', smuggled);
    const names = [...stderr.slice(stderr.indexOf('env:') + 4).matchAll(/^([A-Z_]+)=/gm)].map(
      ([, name]) => name,
    );
    expect(names.filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name ?? '')).sort()).toEqual([
      'HOME',
      'LC_ALL',
      'PATH',
    ]);
  });

  it('passes on the input of a backup as it comes', () => {
    const { status, stdout } = ask(shell, sent(psql(access)), GOOD_SQL);
    expect(status).toBe(0);
    expect(stdout.endsWith(`>\n${GOOD_SQL}`)).toBe(true);
  });

  it('ends with psql, also while the client has not ended its input', async () => {
    await writeFile(join(folder, 'told-docker-broken'), '#!/bin/sh\necho gone >&2\nexit 3\n', {
      mode: 0o755,
    });
    const gate = await readFile(join(folder, 'gate'), 'utf8');
    await writeFile(join(folder, 'gate-broken'), gate.replaceAll('told-$1', 'told-docker-broken'));
    const [program = '', ...args] = shell;
    const child = spawn(program, [...args, join(folder, 'gate-broken')], {
      env: { PATH: '/usr/bin:/bin', SSH_ORIGINAL_COMMAND: sent(psql(access)) },
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const [status] = await once(child, 'close');
    child.stdin.destroy();
    expect(status).toBe(3);
    expect(said.endsWith('gone\n'), said).toBe(true);
  });

  it.each<[string, string]>([
    ['another command', 'id'],
    ['nothing', ''],
    ['another command in the frame of a backup', sent(command('id'))],
    ['another script', sent(script('id; cat "$1"', '/etc/shadow'))],
    ['another path', sent(packPaths(['/etc/shadow']))],
    ['one path more', sent(packPaths([layout.env, '/etc/shadow']))],
    ['a command behind', `${sent(ENV)}; id`],
    ['a command on the next line', `${sent(ENV)}\nid`],
    ['a command before', `id; ${sent(ENV)}`],
    ['a variable before', `TAR_OPTIONS=--to-command=id ${sent(ENV)}`],
    ['a substitution in the marker', sent(ENV).replace(/(@coolify-state:)[0-9a-f]{5}/, '$1$(id)')],
    ['a short marker', sent(ENV).replace(/(@coolify-state:)[0-9a-f]{5}/, '$1')],
    ['quotes that mean the same', sent(ENV).replace('/data', "/da''ta")],
    ['a pattern', sent(packPaths(['/data/coolify/source/.en?']))],
    ['a snapshot with a command', sent(pgDump(access, { compression: 0, snapshot: "0-1'; id; '" }))],
    ['a snapshot and an option', sent(pgDump(access, { compression: 0, snapshot: '0-1 --file=/tmp/x' }))],
    ['an empty snapshot', sent(pgDump(access, { compression: 0, snapshot: '' }))],
    ['an endless snapshot', sent(pgDump(access, { compression: 0, snapshot: 'A'.repeat(5000) }))],
    [
      'a dump of another database',
      sent(pgDump({ ...access, database: 'postgres' }, { compression: 0, snapshot: '0' })),
    ],
    ['a dump without a snapshot', sent(pgDump(access, { compression: 0 }))],
    ['another container', sent(psql({ ...access, container: 'web' }))],
  ])('refuses %s', (_case, line) => {
    const { status, stdout, stderr } = ask(shell, line, 'SELECT 1;\n');
    expect(stderr).toMatch(/^coolify-state-gate: refused: /);
    expect(stdout).toBe('');
    expect(status).toBe(126);
  });

  it.each<[string, RemoteCommand, string]>([
    ['a statement of its own', psql(access), 'CREATE TABLE abuse (id int);\n'],
    ['one after those of a backup', psql(access), `${GOOD_SQL}\nCOMMIT;\n`],
    ['one without an end of line', psql(access), 'COMMIT;'],
    ['a program by psql', psql(access), '\\! touch /tmp/abuse\n'],
    ['a marker with a program', psql(access), GOOD_SQL.replace('-0a', '-`id`')],
    ['a marker and a command', psql(access), GOOD_SQL.replace('-0a', '-0a \\! id')],
    ['statements in another order', psql(access), 'SELECT pg_export_snapshot();\n'],
    ['a file by curl', command('curl', '--disable', '--config', '-'), 'url = "file:///etc/shadow"\n'],
    [
      'another path of the API',
      command('curl', '--disable', '--config', '-'),
      'url = "http://127.0.0.1:8000/api/v1/enable"\n',
    ],
    [
      'an output of curl',
      command('curl', '--disable', '--config', '-'),
      'url = "http://127.0.0.1:8000/api/v1/security/keys"\nsilent\noutput = "/tmp/abuse"\n',
    ],
    [
      'part of what curl is told',
      command('curl', '--disable', '--config', '-'),
      'url = "http://127.0.0.1:8000/api/v1/security/keys"\nsilent\n',
    ],
  ])('takes no input but that of a backup: %s', (_case, remote, input) => {
    const marker = newMarker();
    const { stdout, stderr } = ask(shell, sent(remote, marker), input);
    const bad = input.split('\n').filter((line) => !GOOD_SQL.includes(line) && line !== '');
    if (!input.includes('8000/api/v1/security/keys"\nsilent\n') || input.includes('output'))
      expect(stderr).toContain('refused: this is not what a backup sends');
    for (const line of bad) expect(stdout).not.toContain(line);
    if (remote.argv[0] === 'curl') expect(stdout).toBe('');
  });
});

it('no change of a command of a backup passes, wherever it is made', () => {
  const [dash = []] = SHELLS;
  const lines = COMMANDS.map((one) => sent(filled(one)));
  const pieces = fc.oneof(
    fc.constantFrom(
      ';id',
      '\nid',
      '$(id)',
      '`id`',
      '|id',
      '&id&',
      ' ',
      "'",
      '"',
      '\\',
      '*',
      '>/tmp/x',
      '\u0001',
    ),
    fc.string({ minLength: 1, maxLength: 4 }).filter((text) => !text.includes('\0')),
  );
  fc.assert(
    fc.property(fc.constantFrom(...lines), fc.nat(), fc.nat(3), pieces, (line, at, gone, piece) => {
      const place = at % (line.length + 1);
      const changed = `${line.slice(0, place)}${piece}${line.slice(place + gone)}`;
      // A marker and a snapshot are free within their characters.
      fc.pre(!lines.some((one) => shapeOf(one) === shapeOf(changed)));
      const { status, stdout } = ask(dash, changed);
      return status === 126 && stdout === '';
    }),
    { numRuns: 150 },
  );
});

function shapeOf(line: string): string {
  return line
    .replace(/@coolify-state:[0-9a-f]{24}@/, 'MARKER')
    .replace(/--snapshot=[0-9A-Fa-f-]{1,200}'/, "--snapshot'");
}
