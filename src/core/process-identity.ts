import { createHash } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { errnoOf } from './errors.js';

/** Enough to tell a process from every other, on this machine and on others. Holds nothing that is secret. */
export interface ProcessIdentity {
  /** Host name, for people. */
  readonly machine: string;
  /**
   * Which boot of which machine, and which pid namespace of it (a container has its own): the only place where the pid
   * means something. A hash; empty where the system has no `/proc`.
   */
  readonly boot: string;
  readonly pid: number;
  /** Start in clock ticks since boot (`/proc/PID/stat`, field 22): tells a reused pid. Empty without `/proc`. */
  readonly started: string;
}

/** The identity of this process. */
export async function thisProcess(): Promise<ProcessIdentity> {
  return {
    machine: hostname(),
    boot: await bootIdentity(),
    pid: process.pid,
    started: (await statOf(process.pid))?.started ?? '',
  };
}

/**
 * Whether a process is surely gone: it ran in this boot and namespace, and is not there any more. Of a process that ran
 * elsewhere nothing can be known: false.
 */
export async function isSurelyDead({ boot, pid, started }: ProcessIdentity): Promise<boolean> {
  if (boot === '' || boot !== (await bootIdentity())) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return true;
  }
  const now = await statOf(pid);
  if (now === undefined) return false;
  return now.started !== started || now.isZombie;
}

async function bootIdentity(): Promise<string> {
  try {
    const [boot, namespace] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readlink('/proc/self/ns/pid'),
    ]);
    return createHash('sha256').update(`${boot.trim()} ${namespace}`).digest('hex').slice(0, 32);
  } catch {
    return '';
  }
}

async function statOf(pid: number): Promise<{ started: string; isZombie: boolean } | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command in parentheses may hold spaces; fields are counted after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { started: fields[19] ?? '', isZombie: fields[0] === 'Z' || fields[0] === 'X' };
  } catch {
    return undefined;
  }
}
