import { writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { coolifyState, knownHostsOf, LAB, lab, onHost, PROGRAM, type Workplace, workplace } from './lab.js';
import { PG_DUMP, replacePgDump } from './pg-dump.js';
import { inOrder, withoutFigures } from './recording.js';
import { RecordedTerminal, type Window } from './tmux.js';

/**
 * What a person sees, as tmux shows it. The approved recordings are in test/data/terminal: look at what has changed, and
 * write them anew with `npx vitest run --project e2e test/e2e/recording.test.ts -u`.
 */
const HOST = 'recording.test';
const PORT = 2299;
/** Three names for one host. That of Asia has another APP_KEY than its database. */
const HOSTS = ['asia.example.com', 'europe.example.com', 'us.example.com'] as const;

let place: Workplace;

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  await onHost(
    HOST,
    `cp -a /data/coolify /data/other &&
     sed -i "s|^APP_KEY=.*|APP_KEY=base64:$(head -c 32 /dev/urandom | base64)|" /data/other/source/.env`,
  );
  place = await workplace(HOST, PORT, {});
  const [asia, europe, us] = HOSTS;
  await writeFile(
    join(place.folder, 'inventory.yml'),
    JSON.stringify({
      controller: {
        hosts: { [asia]: { coolify_data_path: '/data/other' }, [europe]: {}, [us]: {} },
        vars: {
          ...{ ansible_host: '127.0.0.1', ansible_port: PORT, ansible_user: 'root' },
          ansible_ssh_private_key_file: join(LAB, 'id_ed25519'),
          coolify_known_hosts_file: knownHostsOf(PORT),
          coolify_backup_encryption_key_path: join(LAB, 'backup_ed25519'),
          coolify_repository: `file:${join(place.folder, 'repository')}`,
        },
      },
    }),
  );
  // How long a dump will take is told by how large the last one was.
  const first = await coolifyState(['backup', ...place.options]);
  expect(first.status, first.stderr).toBe(4);
  await replacePgDump(HOST, PG_DUMP.slow);
}, 300_000);

afterAll(async () => {
  await place?.remove();
});

function program(
  args: readonly string[],
  window: Window,
  env: NodeJS.ProcessEnv = {},
): Promise<RecordedTerminal> {
  const words = [process.execPath, PROGRAM, ...args].map((word) => `'${word}'`);
  const { CI: _CI, NO_COLOR: _NO_COLOR, ...inherited } = process.env;
  return RecordedTerminal.open(words.join(' '), window, {
    cwd: place.folder,
    env: { ...inherited, LC_ALL: 'C.UTF-8', COOLIFY_STATE_CACHE_PATH: join(LAB, 'cache'), ...env },
  });
}

/** Three dumps on their way, and of the two hosts that were backed up before it is told how long they will take. */
function dumpsAreUnderWay(screen: string): boolean {
  const dumps = screen.split('\n').filter((line) => /^ {2}\S pull dump/u.test(line));
  const areTold = dumps.every((line) => line.length < 40 || line.includes('B/s  '));
  return areTold && dumps.length === 3 && dumps.filter((line) => / left\b/.test(line)).length === 2;
}

const approved = (name: string): string => `../data/terminal/${name}.txt`;
const shown = (screen: string): string => `${withoutFigures(screen, place.folder)}\n`;
const told = (screen: string): string => `${inOrder(withoutFigures(screen, place.folder), HOSTS)}\n`;

describe('a backup of three hosts, one of which fails', () => {
  it('is a tree of what is at work in a window of 80x24, and ends with what to do', async () => {
    const window = { columns: 80, rows: 24 };
    await using terminal = await program(['backup', ...place.options], window);
    const frame = await terminal.until(dumpsAreUnderWay);
    await expect(shown(frame)).toMatchFileSnapshot(approved('backup-80x24-at-work'));
    const end = await terminal.ended();
    await expect(told(end)).toMatchFileSnapshot(approved('backup-80x24-end'));
    // What to do, and what became of each host, stands in the window without scrolling.
    const last = await terminal.screen();
    expect(last).toContain('exit status 4');
    expect(last).toContain('next: ');
    for (const host of HOSTS) expect(last).toContain(`${host} `);
    expect(await terminal.everything({ colors: true })).toMatch(RED);
  });

  it('is drawn anew when the window becomes narrow, and when it is wide again', async () => {
    const window = { columns: 80, rows: 24 };
    await using terminal = await program(['backup', ...place.options], window);
    await terminal.until(dumpsAreUnderWay);
    await terminal.resize({ columns: 40, rows: 16 });
    const narrow = await terminal.until(
      (screen) => dumpsAreUnderWay(screen) && screen.split('\n').every((line) => line.length < 40),
    );
    await expect(shown(narrow)).toMatchFileSnapshot(approved('backup-40x16-at-work'));
    await terminal.resize(window);
    const wide = await terminal.until((screen) => / SPEED/.test(shown(screen)));
    // What the smaller window had pushed out at its top comes back above; the frame below it is whole, and there once.
    const lines = wide.split('\n');
    const frame = lines.slice(lines.findLastIndex((line) => line.startsWith(HOSTS[0])));
    for (const host of HOSTS) expect(frame.filter((line) => line.startsWith(host))).toHaveLength(1);

    const end = await terminal.ended();
    expect(end).toContain('exit status 4');
    // Nothing of a drawn frame is left below what has ended.
    const [, results = ''] = end.split(/^proven /m);
    expect(results).not.toMatch(/^ {2}[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] /mu);
  });

  it('shows more in a window of 200x50, and no color with NO_COLOR', async () => {
    await using terminal = await program(
      ['backup', ...place.options],
      { columns: 200, rows: 50 },
      { NO_COLOR: '1' },
    );
    const frame = await terminal.until(dumpsAreUnderWay);
    await expect(shown(frame)).toMatchFileSnapshot(approved('backup-200x50-at-work'));
    const end = await terminal.ended();
    await expect(told(end)).toMatchFileSnapshot(approved('backup-200x50-end'));
    expect(await terminal.everything({ colors: true })).not.toContain(ESCAPE);
  });
});

describe('twelve hosts', () => {
  it('fit into a window of 80x24 as far as there is room, and are unreachable in the end', async () => {
    await using silent = await silentServer();
    const inventory = join(place.folder, 'twelve.yml');
    const names = Array.from({ length: 12 }, (_, index) => `web${String(index + 1).padStart(2, '0')}`);
    const vars = {
      ...{
        ansible_host: '127.0.0.1',
        ansible_port: silent.port,
        ansible_user: 'root',
        ansible_ssh_retries: 0,
      },
      ansible_ssh_private_key_file: join(LAB, 'id_ed25519'),
      coolify_s3_enabled: false,
    };
    const hosts = Object.fromEntries(names.map((name) => [name, {}]));
    await writeFile(inventory, JSON.stringify({ controller: { hosts, vars } }));
    const args = ['backup', '--forks', '12', '-i', inventory, '--state-dir', place.state];
    await using terminal = await program(args, { columns: 80, rows: 24 });
    const frame = await terminal.until((screen) => screen.split(' connect  ').length > 11);
    await expect(shown(frame)).toMatchFileSnapshot(approved('twelve-80x24-at-work'));
    silent.hangUp();
    const end = await terminal.ended();
    expect(end.match(/unreachable=1/g)).toHaveLength(12);
    expect(end).toContain('exit status 3');

    // A screen reader is told each step once, and nothing is drawn over.
    await using plain = await program([...args, '--no-live', '-l', 'web01'], { columns: 80, rows: 24 });
    await expect(shown(await plain.ended())).toMatchFileSnapshot(approved('no-live-80x24'));
  });
});

const ESCAPE = '\u001b[';
const RED = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*31m`);

interface SilentServer extends AsyncDisposable {
  readonly port: number;
  /** Ends all connections, and from now on each new one at once. */
  hangUp(): void;
}

/** Takes connections and says nothing, as a host whose sshd hangs. */
async function silentServer(): Promise<SilentServer> {
  const open = new Set<Socket>();
  let isOver = false;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.resume();
    if (isOver) socket.destroy();
    else open.add(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const hangUp = (): void => {
    isOver = true;
    for (const socket of open) socket.destroy();
  };
  return {
    port: address.port,
    hangUp,
    [Symbol.asyncDispose]: async () => {
      hangUp();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
