import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { onHost } from './lab.js';

/** What every user of a machine could have read while a run was at work. */
export interface Samples {
  /** Command lines of all processes on the host, those in its containers included. */
  readonly hostArguments: string[];
  /** Environments of the processes that came in over SSH: ours, not those of Coolify's containers. */
  readonly hostEnvironments: string[];
  /** Command lines of the program and what it started here. */
  readonly ownArguments: string[];
  /** Environments of what it started here. */
  readonly childEnvironments: string[];
}

const EVERY_MS = 50;
const SAMPLING = '/run/sampling';

// "e" adds the environment behind the command line; only what sshd or sudo began is looked at that way.
const OURS = 'SSH_CONNECTION=|SUDO_COMMAND=';
const SAMPLE = `
touch ${SAMPLING}
while [ -e ${SAMPLING} ]; do
  ps -eww -o args=
  ps axeww -o args= | grep -aE '${OURS}'
  sleep ${EVERY_MS / 1000}
done | awk '!seen[$0]++'`;

/** Looks at the process lists of both sides, again and again, while `work` runs. It is given what takes note of a pid. */
export async function sampleWhile<Result>(
  host: string,
  work: (watch: (pid: number) => void) => Promise<Result>,
): Promise<{ readonly samples: Samples; readonly result: Result }> {
  const remote = onHost(host, SAMPLE);
  remote.catch(() => undefined);
  const over = new AbortController();
  const here: Promise<Local>[] = [];
  try {
    const result = await work((pid) => here.push(sampleHere(pid, over.signal)));
    over.abort();
    await onHost(host, `rm -f ${SAMPLING}`);
    const lines = (await remote).split('\n');
    const local = await Promise.all(here);
    const ours = new RegExp(OURS);
    return {
      result,
      samples: {
        hostArguments: lines.filter((line) => !ours.test(line)),
        hostEnvironments: lines.filter((line) => ours.test(line)),
        ownArguments: local.flatMap(({ args }) => [...args]),
        childEnvironments: local.flatMap(({ environments }) => [...environments]),
      },
    };
  } finally {
    over.abort();
    await onHost(host, `rm -f ${SAMPLING}`);
  }
}

interface Local {
  readonly args: Set<string>;
  readonly environments: Set<string>;
}

async function sampleHere(pid: number, over: AbortSignal): Promise<Local> {
  const local: Local = { args: new Set(), environments: new Set() };
  while (!over.aborted) {
    local.args.add(await ofProcess(pid, 'cmdline'));
    for (const child of await childrenOf(pid)) {
      local.args.add(await ofProcess(child, 'cmdline'));
      local.environments.add(await ofProcess(child, 'environ'));
    }
    await sleep(5);
  }
  return local;
}

async function childrenOf(pid: number): Promise<number[]> {
  const children = (await ofProcess(pid, `task/${pid}/children`)).split(' ').filter(Boolean).map(Number);
  const below = await Promise.all(children.map(childrenOf));
  return [...children, ...below.flat()];
}

/** Empty when the process has ended meanwhile. */
async function ofProcess(pid: number, file: string): Promise<string> {
  const text = await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
  return text.replaceAll('\0', ' ').trim();
}
