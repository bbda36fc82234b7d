import { expect } from 'vitest';
import type { Outcome } from '../lab.js';
import { eventually, whileRunning } from '../observations.js';
import { dumpWaits, letDumpGoOn, PG_DUMP, realPgDump, replacePgDump } from '../pg-dump.js';
import type { Fault } from './fault.js';
import { atTask } from './moments.js';
import type { Running, Stage } from './stage.js';

/** What can happen to the host while half of the dump is out, or while the new database is loaded. */
interface Blow {
  readonly name: string;
  strike(stage: Stage): Promise<void>;
  /** Before anything else is put right. */
  heal?(stage: Stage): Promise<void>;
  readonly quick?: true;
}

const BLOWS: readonly Blow[] = [
  {
    name: 'a host that is killed, as by a power cut',
    strike: (stage) => stage.engine('kill'),
    heal: (stage) => stage.engine('start'),
    quick: true,
  },
  {
    name: 'a host that stands still',
    strike: (stage) => stage.engine('pause'),
    heal: (stage) => stage.engine('unpause'),
  },
  {
    name: 'a host whose Docker engine dies',
    strike: async (stage) => {
      await stage.onHost('pkill -KILL -x dockerd');
    },
    heal: async (stage) => {
      await stage.onHost(
        'rm -f /run/docker.pid /run/docker.sock; setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null &',
      );
    },
  },
  {
    name: 'a database that restarts',
    strike: async (stage) => {
      await stage.onHost('docker restart --time 2 coolify-db >/dev/null');
    },
    quick: true,
  },
  {
    name: 'a server process of the database that the kernel kills for want of memory',
    strike: async (stage) => {
      // There is none until somebody has logged in.
      await stage.onHost(
        'for _ in $(seq 600); do pkill -KILL -f "[p]ostgres: coolify " && exit; sleep 0.1; done; exit 1',
      );
    },
  },
];

const DUMP_KILLED: Blow = {
  name: 'a pg_dump that the kernel kills for want of memory',
  strike: async (stage) => {
    await stage.onHost('pkill -KILL -f "[p]g_dump.real"');
  },
};

/** What is so before the run begins. A backup needs to write nothing on the host; `docker exec` needs its folder for temporary files. */
const POOR_HOSTS: readonly Fault[] = [
  standing(
    'a host without space for temporary files',
    'for folder in /tmp /var/tmp; do mount -t tmpfs -o size=4k tmpfs $folder; head -c 8192 /dev/zero >$folder/full || :; done',
    'umount /tmp /var/tmp',
    [0, 1],
  ),
  standing(
    'a host that is read-only',
    'for folder in /data /root /var/tmp /etc; do mount --bind $folder $folder; mount -o remount,bind,ro $folder; done',
    'for folder in /data /root /var/tmp /etc; do umount $folder; done',
    [0],
  ),
];

export const HOST_FAULTS: readonly Fault[] = [
  ...[...BLOWS, DUMP_KILLED].map(
    (blow): Fault => ({
      name: `${blow.name}, in the middle of the dump`,
      on: ['backup'],
      ...(blow.quick === true && { quick: ['backup'] }),
      disturb: async (stage, run) => {
        await replacePgDump(stage.host, PG_DUMP.waiting);
        try {
          const running = run();
          await whileRunning(
            running.outcome,
            eventually('half of the dump', () => dumpWaits(stage.host), 240),
          );
          return await struck(stage, blow, running);
        } finally {
          await stage.mend();
          await realPgDump(stage.host);
        }
      },
      // Half of a dump is no backup, and a host that is gone has no other.
      expect: ({ status }) => expect([1, 3, 4]).toContain(status),
    }),
  ),
  ...BLOWS.map(
    (blow): Fault => ({
      name: `${blow.name}, while the database is loaded`,
      on: ['restore'],
      ...(blow.name.startsWith('a database') && { quick: ['restore'] }),
      disturb: async (stage, run) => {
        const running = run();
        await atTask(running, "restore dump of Coolify's database");
        return await struck(stage, blow, running);
      },
    }),
  ),
  ...POOR_HOSTS,
];

async function struck(stage: Stage, { strike, heal }: Blow, running: Running): Promise<Outcome> {
  await strike(stage);
  try {
    // Where it still can, the dump goes on.
    await letDumpGoOn(stage.host).catch(() => undefined);
    return await running.outcome;
  } finally {
    await heal?.(stage);
  }
}

function standing(name: string, change: string, repair: string, statuses: readonly number[]): Fault {
  return {
    name,
    on: ['backup'],
    quick: name.endsWith('read-only') ? ['backup'] : [],
    disturb: async (stage, run) => {
      await stage.onHost(change);
      try {
        return await run().outcome;
      } finally {
        await stage.onHost(repair);
      }
    },
    expect: ({ status, stdout }) => expect(statuses, stdout).toContain(status),
  };
}
