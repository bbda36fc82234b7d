import type { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { renderError } from '../../../src/cli/render-error.js';
import { DatabaseSession } from '../../../src/coolify/database/session.js';
import { gatherFacts } from '../../../src/coolify/facts.js';
import { readKeyFolder } from '../../../src/coolify/key-folder.js';
import { layoutOf } from '../../../src/coolify/layout.js';
import { contentOf, readGlobs, readPaths } from '../../../src/coolify/remote-files.js';
import { StateError } from '../../../src/core/errors.js';
import { printable } from '../../../src/core/terminal-text.js';
import { command } from '../../../src/ssh/command.js';
import type { Connection } from '../../../src/ssh/connection.js';
import { endlessly, type LyingHost, lyingHost, says, TAR_END, tarFile, tarHeader } from './lying-host.js';

/** A host that lies: what it sends has a limit, is refused in a sentence, and is never followed. */
const signal = new AbortController().signal;
const layout = layoutOf({
  dataPath: '/data/coolify',
  installScript: '/root/install.sh',
  databaseContainer: 'coolify-db',
});
const access = { container: 'coolify-db', user: 'coolify', database: 'coolify' };
const MiB = 1024 * 1024;

let host: LyingHost;
let connection: Connection;

beforeAll(async () => {
  host = await lyingHost();
  connection = await host.connect();
});
beforeEach(() => {
  host.honestStart = true;
});
afterAll(async () => {
  await connection?.close();
  await host?.stop();
});

/** The error, after it was looked at: a sentence with what to do, and nothing in it that a terminal would obey. */
async function refusal(work: Promise<unknown>): Promise<StateError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StateError)) throw new Error(`no refusal: ${String(error)}`);
  const shown = renderError(error).replaceAll('\n', '');
  expect(shown).toBe(printable(shown));
  return error;
}

const env = (): Promise<unknown> =>
  readPaths(
    connection,
    [layout.env],
    async (_file, content) => void (await contentOf(content, MiB, layout.env)),
    signal,
  );

describe('output without end', () => {
  it.each([
    ['instead of facts', () => gatherFacts(connection, layout, signal), 'ssh.output-too-large'],
    ['in one line of the database', () => asked('SELECT 1;'), 'database.answer-too-large'],
    ['instead of a tar archive', env, 'archive.corrupt'],
  ] as const)('%s is cut off', async (_name, work, code) => {
    host.lie = (channel) => endlessly(channel, Buffer.alloc(64 * 1024, 'x'));
    expect(await refusal(work())).toMatchObject({ code });
  });

  it('of lines that are no answer is cut off', async () => {
    host.lie = (channel) => endlessly(channel, Buffer.from(`${'line '.repeat(2000)}\n`.repeat(6)));
    expect(await refusal(asked('SELECT 1;'))).toMatchObject({ code: 'database.answer-too-large' });
  });

  it('of a banner, when the command never begins, is not listened to for ever', async () => {
    host.honestStart = false;
    host.lie = (channel) => endlessly(channel, Buffer.from('Welcome! \u001b[2J\n'.repeat(1000)));
    const error = await refusal(connection.run(command('id')));
    expect(error).toMatchObject({ code: 'ssh.command-not-started' });
    expect(error.next).toContain('start-up files');
  });

  it('of a database that says nothing more does not keep a session open', async () => {
    host.lie = (channel, line) => {
      expect(line).toContain('psql');
      endlessly(channel, Buffer.from('x\n'.repeat(1000)));
    };
    const session = await DatabaseSession.open(connection, access, signal);
    await session[Symbol.asyncDispose]();
  });

  it('of empty files in the key folder is cut off', async () => {
    const files = Buffer.concat(Array.from({ length: 100 }, (_, index) => tarHeader(`ssh_key@${index}`)));
    host.lie = (channel) => endlessly(channel, files);
    expect(await refusal(readKeyFolder(connection, layout.keys, signal))).toMatchObject({
      code: 'host.too-many-files',
    });
  });

  it('of standard error is kept to its end only', async () => {
    host.lie = (channel) => {
      for (let count = 0; count < 64; count++) channel.stderr.write(Buffer.alloc(64 * 1024, 'e'));
      channel.stderr.write('\n\u001b]0;owned\u0007 the end', () => {
        channel.exit(1);
        channel.end();
      });
    };
    const error = await refusal(connection.run(command('id')));
    expect(error.code).toBe('ssh.command-failed');
    expect(renderError(error).length).toBeLessThan(3000);
    expect(error.detail?.slice(-20)).toMatch(/the end$/);
  });
});

async function asked(sql: string): Promise<string[]> {
  await using session = await DatabaseSession.open(connection, access, signal);
  return await session.query(sql);
}

describe('a file that was not asked for', () => {
  it.each([
    ['beside the one that was', '/data/coolify/source/.env2'],
    ['elsewhere', '/etc/cron.d/job'],
    ['in a folder of that name', '/data/coolify/source/.envs/x'],
  ])('is refused %s', async (_name, path) => {
    host.lie = (channel) => says(channel, tarFile(path.slice(1), 'x'), TAR_END);
    expect(await refusal(env())).toMatchObject({ code: 'host.file-unasked' });
  });

  it('is refused among host keys too', async () => {
    host.lie = (channel) =>
      says(channel, tarFile('etc/ssh/ssh_host_rsa_key', 'k'), tarFile('etc/ssh/sshd_config', 'x'), TAR_END);
    const taken: string[] = [];
    const reading = readGlobs(
      connection,
      [{ folder: '/etc/ssh', pattern: 'ssh_host_*' }],
      async ({ origin }, content) => {
        taken.push(origin.path);
        await contentOf(content, MiB, origin.path);
      },
      signal,
    );
    expect(await refusal(reading)).toMatchObject({ code: 'host.file-unasked' });
    expect(taken).toEqual(['/etc/ssh/ssh_host_rsa_key']);
  });
});

describe('a name that is none', () => {
  it.each<[string, string | Buffer]>([
    ['leads out of the folder', '../../etc/passwd'],
    ['leads out of it in the middle', 'a/../../x'],
    ['is absolute', '/etc/passwd'],
    ['is not UTF-8', Buffer.from([0x73, 0xff, 0xfe, 0x80])],
  ])('is refused when it %s', async (_name, name) => {
    host.lie = (channel) => says(channel, tarFile(name, 'x'), TAR_END);
    const error = await refusal(readKeyFolder(connection, layout.keys, signal));
    expect(error).toMatchObject({ kind: 'failed', code: 'host.file-name-unsafe' });
    expect(error.next).toContain('on the host');
  });

  it('is taken as it is when it only looks odd, and shown safely', async () => {
    host.lie = (channel) =>
      says(channel, tarHeader('./', { type: '5' }), tarFile('./ssh_key@a\nb\u001b[2J', 'x'), TAR_END);
    const { files } = await readKeyFolder(connection, layout.keys, signal);
    expect(files.map(({ header }) => header.path)).toEqual(['ssh_key@a\nb\u001b[2J']);
  });
});

describe('what is no plain file', () => {
  it('is left out of the key folder, whatever it points to', async () => {
    host.lie = (channel) =>
      says(
        channel,
        tarHeader('./', { type: '5' }),
        tarFile('./ssh_key@one', 'x'),
        tarHeader('./ssh_key@link', { type: '2', link: '/etc/shadow' }),
        tarHeader('./ssh_key@hard', { type: '1', link: 'ssh_key@one' }),
        tarHeader('./ssh_key@zero', { type: '3' }),
        tarHeader('./ssh_key@disk', { type: '4' }),
        tarHeader('./ssh_key@pipe', { type: '6' }),
        tarHeader('./folder', { type: '5' }),
        tarFile('./folder/ssh_key@two', 'x'),
        TAR_END,
      );
    const { files, ignored } = await readKeyFolder(connection, layout.keys, signal);
    expect(files.map(({ header }) => header.path)).toEqual(['ssh_key@one']);
    expect(ignored.sort()).toEqual(
      ['disk', 'hard', 'link', 'pipe', 'zero']
        .map((name) => `ssh_key@${name}`)
        .concat('folder', 'folder/ssh_key@two')
        .sort(),
    );
  });

  it('does not stand for .env', async () => {
    host.lie = (channel) => says(channel, tarHeader(layout.env.slice(1), { type: '3' }), TAR_END);
    const found: unknown[] = [];
    await readPaths(connection, [layout.env], async (file) => void found.push(file), signal);
    expect(found).toEqual([]);
  });
});

describe('a size', () => {
  it('of 40 TB is refused before a byte of it is read', async () => {
    let sent = 0;
    host.lie = (channel) => {
      channel.write(tarHeader('srv/data/huge', { size: 40e12 }));
      const more = Buffer.alloc(64 * 1024);
      const go = (): void => {
        while (channel.writable && channel.write(more)) sent += more.length;
        if (channel.writable) channel.once('drain', go);
      };
      go();
    };
    const reading = readPaths(connection, ['/srv/data'], (_file, content) => drain(content), signal);
    expect(await refusal(reading)).toMatchObject({ kind: 'failed', code: 'host.file-too-large' });
    expect(sent).toBeLessThan(64 * MiB);
  });

  it('that a small file cannot have is refused while it comes', async () => {
    host.lie = (channel) => {
      channel.write(tarHeader(layout.env.slice(1), { size: 1e12 }));
      endlessly(channel, Buffer.alloc(64 * 1024, 'A=b\n'));
    };
    expect(await refusal(env())).toMatchObject({ code: 'host.file-too-large' });
  });
});

describe('words', () => {
  it('that a terminal would obey reach nobody', async () => {
    host.lie = (channel) => {
      channel.stderr.write('\u001b[2J\u202eevil\u0007\rerror: none\n');
      channel.exit(1);
      channel.end();
    };
    const error = await refusal(connection.run(command('id')));
    expect(renderError(error)).toContain('\\x1b[2J');
  });

  it('without end about itself are cut', async () => {
    host.lie = (channel) =>
      says(channel, Buffer.from(`uid\t0\nsystem\t${'S'.repeat(5 * MiB)}\narchitecture\t\u001b[31m\n`));
    const { system } = await gatherFacts(connection, layout, signal);
    expect(system.length).toBeLessThan(1000);
  });

  it('that are no facts are told as that', async () => {
    host.lie = (channel) => says(channel, Buffer.from('uid\tNaN\n'));
    expect(await refusal(gatherFacts(connection, layout, signal))).toMatchObject({ code: 'host.no-facts' });
  });
});

async function drain(content: Readable): Promise<void> {
  for await (const chunk of content) void chunk;
}
