import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asStateError } from '../../../src/core/errors.js';
import { ProgramStream } from '../../../src/operations/hosts/program-stream.js';
import { command } from '../../../src/ssh/command.js';
import { connect } from '../../../src/ssh/connection.js';
import { requireProgram, startSshd, type TestSshd } from './sshd.js';

/** An sshd that speaks on its standard input and output, as a throwaway host without a network is entered. */
let sshd: TestSshd;
beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

const never = new AbortController().signal;
const endpoint = () => {
  const program = requireProgram('/usr/sbin/sshd', 'openssh-server');
  const args = ['-i', '-f', join(sshd.folder, 'sshd_config')];
  return sshd.endpoint({
    address: 'no-such-address.invalid',
    pinnedFingerprints: sshd.hostKeys.map(({ fingerprint }) => fingerprint),
    dial: () => Promise.resolve(new ProgramStream(program, args)),
  });
};

describe('a connection over a program instead of TCP', () => {
  it('runs commands, moves megabytes both ways unchanged, and is closed in order', async () => {
    const connection = await connect(endpoint(), { signal: never });
    try {
      const content = Buffer.alloc(4 * 1024 * 1024, await readFile('/proc/version'));
      const { stdout } = await connection.run(command('cat'), { input: content });
      expect(stdout.equals(content)).toBe(true);
      await connection.files.write(join(sshd.folder, 'written'), Buffer.from('by sftp'), { mode: 0o600 });
      expect(await readFile(join(sshd.folder, 'written'), 'utf8')).toBe('by sftp');
    } finally {
      await connection.close();
    }
    await expect(connection.run(command('true'))).rejects.toMatchObject({ code: 'ssh.connection-closed' });
  });

  it('ends the program when the signal fires, and what runs with it', async () => {
    const controller = new AbortController();
    const connection = await connect(endpoint(), { signal: controller.signal });
    const running = connection.run(command('sleep', '60'));
    running.catch(() => undefined);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    await connection.close();
  });

  it('says so when the program ends at once, or is not there', async () => {
    for (const program of ['/bin/false', '/nowhere/sshd']) {
      const broken = { ...endpoint(), dial: () => Promise.resolve(new ProgramStream(program, [])) };
      const error = await connect(broken, { signal: never }).then(
        () => undefined,
        (thrown: unknown) => asStateError(thrown, 'connecting failed'),
      );
      expect(error).toMatchObject({ kind: 'unreachable' });
    }
  });

  it('refuses a program that presents another host key', async () => {
    const other = { ...endpoint(), pinnedFingerprints: [`SHA256:${'A'.repeat(43)}`] };
    await expect(connect(other, { signal: never })).rejects.toMatchObject({
      code: 'ssh.host-key-not-pinned',
    });
  });
});
