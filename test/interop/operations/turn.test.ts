import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runInTurn, waitForTurn } from '../../../src/coolify/restore/turn.js';
import { type Connection, connect } from '../../../src/ssh/connection.js';
import { type FaultyProxy, startProxy } from '../ssh/proxy.js';
import { startSshd, type TestSshd } from '../ssh/sshd.js';

/** What a run that has lost its connection left at work on the host, and the run after it. */
let sshd: TestSshd;
let proxy: FaultyProxy;
let folder: string;

beforeEach(async () => {
  sshd = await startSshd();
  proxy = await startProxy(sshd.port);
  folder = await mkdtemp(join(tmpdir(), 'coolify-state-turn-'));
});
afterEach(async () => {
  await proxy.close();
  await sshd.stop();
  await rm(folder, { recursive: true, force: true });
});

const signal = new AbortController().signal;
const log = () => readFile(join(folder, 'log'), 'utf8').catch(() => '');
const through = (port: number): Promise<Connection> =>
  connect(
    sshd.endpoint({
      port,
      hostKeyChecking: 'strict',
      pinnedFingerprints: sshd.hostKeys.map(({ fingerprint }) => fingerprint),
    }),
    { signal },
  );

async function logHas(text: string): Promise<void> {
  while (!(await log()).includes(text)) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Works until it may end. */
const LONG = 'echo begun >> "$1/log"; until [ -e "$1/go" ]; do sleep 0.1; done; echo ended >> "$1/log"';
const SHORT = 'echo next >> "$1/log"';

test.each(['reset', 'freeze'] as const)(
  'a run waits for what one that was cut off (%s) left at work',
  async (how) => {
    const layout = { restoreNotes: join(folder, 'notes') };
    const lost = await through(proxy.port);
    const cut = runInTurn(lost, layout, LONG, [folder], signal).catch((error: unknown) => error);
    await logHas('begun');
    proxy[how]();

    await using connection = await through(sshd.port);
    const next = runInTurn(connection, layout, SHORT, [folder], signal);
    const looked = waitForTurn(connection, layout, signal).then(log);
    // Time enough to be wrong in.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await log()).toBe('begun\n');
    await connection.files.write(join(folder, 'go'), Buffer.from(''), { mode: 0o600 });
    await next;
    expect((await log()).split('\n').slice(0, 3)).toEqual(['begun', 'ended', 'next']);
    expect(await looked).toContain('ended');
    await lost.close();
    if (how === 'reset') expect(await cut).toMatchObject({ code: 'ssh.connection-lost' });
  },
);
