import type { ServerChannel } from 'ssh2';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DatabaseSession } from '../../../src/coolify/database/session.js';
import type { Connection } from '../../../src/ssh/connection.js';
import { type LyingHost, lyingHost } from './lying-host.js';

/** A database, or an engine, that is not there for the moment: as Docker and psql say it, word by word. */
const access = { container: 'coolify-db', user: 'coolify', database: 'coolify' };
const RACE =
  'OCI runtime exec failed: exec failed: unable to start container process: read init-p: connection reset by peer: unknown\r\n';
const MISSING =
  'OCI runtime exec failed: exec failed: unable to start container process: exec: "psql": executable file not found in $PATH: unknown\r\n';
const RESTARTING =
  'Error response from daemon: Container 4fd1 is restarting, wait until the container is running\n';
const STARTING =
  'psql: error: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: FATAL:  the database system is starting up\n';

let host: LyingHost;
let connection: Connection;
let asked = 0;

beforeAll(async () => {
  host = await lyingHost();
  connection = await host.connect();
});
beforeEach(() => {
  asked = 0;
});
afterAll(async () => {
  await connection?.close();
  await host?.stop();
});

interface Refusal {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly code: number;
}

function refuses(channel: ServerChannel, { stdout = '', stderr = '', code }: Refusal): void {
  channel.write(stdout);
  channel.stderr.write(stderr);
  channel.exit(code);
  channel.end();
}

/** A psql that answers every statement with a number: the so many-th of this session. */
function answers(channel: ServerChannel, until = Number.POSITIVE_INFINITY): void {
  let count = 0;
  channel.on('data', (input: Buffer) => {
    for (const [, marker] of input.toString().matchAll(/\\echo (end-of-answer-[0-9a-f]+)/g)) {
      count += 1;
      if (count > until) refuses(channel, { stderr: STARTING, code: 2 });
      else channel.write(`${count}\n${marker}\n`);
    }
  });
  channel.on('end', () => {
    channel.exit(0);
    channel.end();
  });
}

function refusesThenAnswers(refusals: readonly Refusal[]): void {
  host.lie = (channel, line) => {
    expect(line).toContain('psql');
    const refusal = refusals[asked++];
    if (refusal === undefined) answers(channel);
    else refuses(channel, refusal);
  };
}

async function openAndAsk(signal = new AbortController().signal): Promise<string[]> {
  await using session = await DatabaseSession.open(connection, access, signal);
  return [await session.value('SELECT 1;'), await session.value('SELECT 2;')];
}

describe('a first statement', () => {
  it.each<[string, readonly Refusal[]]>([
    ['by an engine that could not start psql', [{ stdout: RACE, code: 126 }]],
    ['by a container that restarts', [RESTARTING, RESTARTING].map((stderr) => ({ stderr, code: 1 }))],
    ['by a PostgreSQL that starts', [{ stderr: STARTING, code: 2 }]],
    [
      'by all of them, one after the other',
      [
        { stdout: RACE, code: 126 },
        { stderr: RESTARTING, code: 1 },
        { stderr: STARTING, code: 2 },
      ],
    ],
  ])('that is refused %s is asked again, and answered once', async (_what, refusals) => {
    refusesThenAnswers(refusals);
    expect(await openAndAsk()).toEqual(['1', '2']);
    expect(asked).toBe(refusals.length + 1);
  });

  it.each<[string, Refusal, RegExp]>([
    ['no psql in the container', { stdout: MISSING, code: 126 }, /exec: "psql": executable file not found/],
    ['no such container', { stderr: 'Error: No such container: coolify-db\n', code: 1 }, /No such container/],
    [
      'no such role',
      { stderr: 'psql: error: FATAL:  role "coolify" does not exist\n', code: 2 },
      /role "coolify" does not exist/,
    ],
    ['an end without a word', { code: 126 }, /psql ended with status 126/],
  ])('that meets %s fails at once, and says why', async (_what, refusal, why) => {
    refusesThenAnswers([refusal]);
    await expect(openAndAsk()).rejects.toMatchObject({
      code: 'database.query-failed',
      why: expect.stringMatching(why),
    });
    expect(asked).toBe(1);
  });

  it('is given up with the run, while it waits', async () => {
    refusesThenAnswers(Array.from({ length: 9 }, () => ({ stderr: RESTARTING, code: 1 })));
    await expect(openAndAsk(AbortSignal.timeout(300))).rejects.toThrow();
    expect(asked).toBe(1);
  });
});

it('a later statement is never sent twice: the first one may have done something', async () => {
  host.lie = (channel) => {
    asked += 1;
    answers(channel, 1);
  };
  await expect(openAndAsk()).rejects.toMatchObject({
    code: 'database.query-failed',
    why: expect.stringContaining('is starting up'),
  });
  expect(asked).toBe(1);
});
