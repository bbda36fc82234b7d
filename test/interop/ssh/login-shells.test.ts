import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { command, pipe, script } from '../../../src/ssh/command.js';
import { type Connection, connect } from '../../../src/ssh/connection.js';
import { requireProgram, startSshd, type TestSshd } from './sshd.js';

/** A forced command stands in for a login shell: accounts are not made for a test. */
const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

describe('a host whose login shell is', () => {
  test.each([
    ['fish', '/usr/bin/fish', 'fish', ''],
    ['zsh', '/usr/bin/zsh', 'zsh', ''],
    ['busybox sh', '/usr/bin/busybox', 'busybox', 'sh'],
  ])('%s runs commands as any other', async (_name, path, debianPackage, applet) => {
    requireProgram(path, debianPackage);
    const { connection } = await logIn(`${path} ${applet} -c "$SSH_ORIGINAL_COMMAND"`);
    const odd = [`it's`, 'a\\b', `\\'`, '$HOME', '%self', '=ls', '{a,b}', '\n', 'ü', ''];
    const { stdout } = await connection.run(command('printf', '%s|', ...odd));
    expect(stdout.toString()).toBe(odd.map((word) => `${word}|`).join(''));
    const piped = pipe(script('echo "$1"; exit 3', '\\'), command('cat'));
    expect(await connection.run(piped, { check: false })).toMatchObject({
      code: 3,
      stdout: Buffer.from('\\\n'),
    });
    await writeAndRead(connection);
  });

  test('chatty at start-up gives clean output all the same', async () => {
    const { connection } = await logIn(
      'echo "Welcome to $HOME"; echo noise >&2; exec sh -c "$SSH_ORIGINAL_COMMAND"',
    );
    expect(await connection.run(script('echo out; echo err >&2'))).toEqual({
      code: 0,
      stdout: Buffer.from('out\n'),
      stderr: 'err\n',
    });
    const process = await connection.open(command('cat'));
    process.stdin.end('data');
    expect(Buffer.concat(await process.stdout.toArray()).toString()).toBe('data');
    await writeAndRead(connection);
  });

  test('no shell at all is told apart from a command that fails', async () => {
    const { connection } = await logIn('echo "This account is currently not available."; exit 1');
    await expect(connection.run(command('id'), { check: false })).rejects.toMatchObject({
      kind: 'failed',
      code: 'ssh.command-not-started',
      why: expect.stringContaining('status 1'),
      detail: 'This account is currently not available.',
      next: expect.stringContaining('login shell'),
    });
    const process = await connection.open(command('id'));
    await expect(process.stdout.toArray()).rejects.toMatchObject({ code: 'ssh.command-not-started' });
    await expect(process.done).rejects.toMatchObject({ code: 'ssh.command-not-started' });
  });
});

test('a host with MaxSessions 2 runs twenty commands all the same', async () => {
  const { connection } = await logIn(undefined, ['MaxSessions 2']);
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, index) => connection.run(script('sleep 0.01; echo "$1"', String(index)))),
  );
  expect(results.map(({ stdout }) => Number(stdout.toString()))).toEqual(results.map((_, index) => index));
});

test('a host that allows no session says so', async () => {
  const { connection } = await logIn(undefined, ['MaxSessions 0']);
  await expect(connection.run(command('true'))).rejects.toMatchObject({ code: 'ssh.session-refused' });
});

async function writeAndRead(connection: Connection): Promise<void> {
  const { stdout } = await connection.run(command('mktemp', '-d'));
  const folder = stdout.toString().trim();
  try {
    await connection.files.write(`${folder}/ä ö`, Buffer.from('content'), { mode: 0o600 });
    expect((await connection.files.read(`${folder}/ä ö`, { limitBytes: 10 })).toString()).toBe('content');
    expect((await connection.files.list(folder))?.map(({ name }) => name)).toEqual(['ä ö']);
  } finally {
    await connection.files.remove(folder, { recursive: true });
  }
}

/** A forced command also stands in for the sftp subsystem, so files go by commands here. */
async function logIn(
  forced: string | undefined,
  config: readonly string[] = [],
): Promise<{ sshd: TestSshd; connection: Connection }> {
  const sshd = await startSshd({ config });
  cleanup.push(() => sshd.stop());
  if (forced !== undefined) {
    const file = join(sshd.folder, 'shell');
    await writeFile(file, `#!/bin/sh\n${forced}\n`, { mode: 0o755 });
    await writeFile(join(sshd.folder, 'authorized_keys'), '');
    const { execFileSync } = await import('node:child_process');
    const key = execFileSync('cat', [`${sshd.identity}.pub`], { encoding: 'utf8' });
    await writeFile(join(sshd.folder, 'authorized_keys'), `command="${file}" ${key}`);
  }
  const connection = await connect(sshd.endpoint(), { signal: new AbortController().signal });
  cleanup.push(() => connection.close());
  return { sshd, connection };
}
