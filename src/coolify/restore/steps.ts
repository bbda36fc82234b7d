import { StateError } from '../../core/errors.js';
import type { Inspection, Task, TaskReporter } from '../../engine/task.js';
import {
  containerHealth,
  containerState,
  startContainer,
  stopContainers,
  waitUntilHealthy,
} from '../containers.js';
import { dropDatabases, formerDatabases, spareDatabases } from '../database/swap.js';
import { desiredEnv, presentEnv } from '../env-merge.js';
import { containerOf, gatherFacts, installedVersion } from '../facts.js';
import { WRITERS } from '../layout.js';
import { inspectDatabase } from './database.js';
import { differsBeyondHold } from './env.js';
import { runInstaller } from './install.js';
import { begin, finish, isBegun } from './notes.js';
import {
  isHeld,
  isHeldAgainstSettings,
  mustHold,
  recreateContainers,
  recreateCoolify,
} from './quarantine.js';
import type { Target } from './target.js';

/** The steps between the artifacts of a restore. Each knows whether it is already done. */
type Step = Pick<Task<Target>, 'name' | 'inspect' | 'apply'>;

export const install: Step = {
  name: "run Coolify's installer",
  async inspect(target): Promise<Inspection> {
    const { version } = target;
    if (target.kind === 'installed')
      return { skip: 'Coolify is installed; its version is settled when it starts' };
    const complete =
      containerOf(target.facts, target.layout.databaseContainer) !== undefined &&
      !isBegun(target, 'containers');
    if (complete && installedVersion(target.facts) === version)
      return { unchanged: `Coolify ${version} is installed` };
    return { summary: `install Coolify ${version}` };
  },
  async apply(target, reporter, change) {
    await makeContainers(target, reporter);
    await waitUntilHealthy(target.connection, 'coolify', reporter.signal);
    await finish(target, 'containers');
    return change.summary.replace('install', 'installed');
  },
};

export const stopWriters: Step = {
  name: 'stop what writes',
  async inspect(target, reporter): Promise<Inspection> {
    // What is taken back may be half done in any way.
    if (!target.exact && !(await mustStop(target, reporter))) return { unchanged: 'nothing needs to stop' };
    const running = await runningWriters(target, reporter.signal);
    if (running.length === 0 && target.kind === 'installed') return { unchanged: 'nothing is running' };
    return {
      summary: `stop ${(running.length > 0 ? running : WRITERS).join(', ')}; database and proxy stay up`,
    };
  },
  async apply(target, reporter, change) {
    await stopContainers(target.connection, await runningWriters(target, reporter.signal), reporter.signal);
    return change.summary.replace('stop', 'stopped');
  },
};

export const startCoolify: Step = {
  name: 'start Coolify',
  async inspect(target, reporter): Promise<Inspection> {
    const held = (await mustHold(target, reporter)) ? ', queue and scheduler off' : '';
    if (await mustRecreate(target, reporter))
      return { summary: `make the containers of Coolify ${target.version} anew and start them${held}` };
    if (await mustRecreateCoolify(target, reporter))
      return { summary: `make the container coolify anew${held}, and wait until it is healthy` };
    const down = await stoppedWriters(target, reporter.signal);
    const willStop = target.wants('database') && !target.databaseMatches;
    const health = await containerHealth(target.connection, 'coolify', reporter.signal);
    if (down.length === 0 && !willStop && (health === 'healthy' || health === 'none'))
      return { unchanged: 'Coolify is up and healthy' };
    return { summary: 'start Coolify and wait until it is healthy' };
  },
  async apply(target, reporter, change) {
    const { connection } = target;
    if (await mustRecreate(target, reporter)) {
      await makeContainers(target, reporter);
    } else {
      const anew = await mustRecreateCoolify(target, reporter);
      // What Coolify needs comes up before Coolify itself.
      for (const name of [...(await stoppedWriters(target, reporter.signal))].reverse()) {
        if (name !== 'coolify' || !anew) await startContainer(connection, name, reporter.signal);
      }
      if (anew) await recreateCoolify(target, reporter);
    }
    await waitUntilHealthy(connection, 'coolify', reporter.signal);
    await finish(target, 'containers');
    return change.summary;
  },
};

export const dropFormerDatabase: Step = {
  name: 'drop the former database',
  async inspect(target, reporter): Promise<Inspection> {
    if (
      (await containerState(target.connection, target.layout.databaseContainer, reporter.signal)) !==
      'running'
    ) {
      return { summary: 'drop the database that was replaced, once all is proven' };
    }
    const names = await formerDatabases(target, reporter.signal);
    if (names.length > 0) return { summary: `drop ${names.join(', ')}, now that all is proven` };
    return target.databaseMatches
      ? { unchanged: 'there is none' }
      : { summary: 'drop the database that was replaced, once all is proven' };
  },
  async apply(target, reporter) {
    const names = await formerDatabases(target, reporter.signal);
    await dropDatabases(target, names, reporter.signal);
    return names.length === 0 ? 'there was none' : `dropped ${names.join(', ')}`;
  },
};

/** After a rollback: what was swapped out, and what a run that died was loading. */
export const dropSpareDatabases: Step = {
  name: 'drop the databases that the restore made',
  async inspect(target, reporter) {
    const { connection, layout } = target;
    if ((await containerState(connection, layout.databaseContainer, reporter.signal)) !== 'running')
      return { summary: 'drop them, if there are any' };
    const names = await spareDatabases(target, reporter.signal);
    return names.length === 0
      ? { unchanged: 'there are none' }
      : { summary: `drop what the restore made (${names.join(', ')})` };
  },
  async apply(target, reporter) {
    const names = await spareDatabases(target, reporter.signal);
    await dropDatabases(target, names, reporter.signal);
    return names.length === 0 ? 'there were none' : `dropped ${names.join(', ')}`;
  },
};

async function mustStop(target: Target, reporter: TaskReporter): Promise<boolean> {
  if (isBegun(target, 'containers') || (await settingsWillChange(target, reporter))) return true;
  return target.wants('database') && 'summary' in (await inspectDatabase(target, reporter));
}

/** A bare host's containers were made with the snapshot's settings; elsewhere they are made anew when those change. */
async function mustRecreate(target: Target, reporter: TaskReporter): Promise<boolean> {
  if (target.kind === 'bare') return false;
  if (installedVersion(target.facts) !== target.version) return true;
  return isBegun(target, 'containers') || (await settingsWillChange(target, reporter));
}

/** Coolify's own container is enough where only its queue and scheduler are to be switched. */
async function mustRecreateCoolify(target: Target, reporter: TaskReporter): Promise<boolean> {
  if (await mustHold(target, reporter)) return (await isHeld(target.connection, reporter.signal)) === false;
  return await isHeldAgainstSettings(target, reporter.signal);
}

async function settingsWillChange(target: Target, reporter: TaskReporter): Promise<boolean> {
  if (!target.wants('env')) return false;
  const present = await presentEnv(target, reporter.signal);
  return differsBeyondHold(present, await desiredEnv(target, present, reporter.signal));
}

async function runningWriters(target: Target, signal: AbortSignal): Promise<string[]> {
  return await writersIn(target, signal, (state) => state === 'running' || state === 'restarting');
}

async function stoppedWriters(target: Target, signal: AbortSignal): Promise<string[]> {
  return await writersIn(target, signal, (state) => state !== 'running');
}

/** Writers that exist (not every version has all) and whose state fits. */
async function writersIn(
  target: Target,
  signal: AbortSignal,
  fits: (state: string) => boolean,
): Promise<string[]> {
  const names: string[] = [];
  for (const name of WRITERS) {
    const state = await containerState(target.connection, name, signal);
    if (state !== undefined && fits(state)) names.push(name);
  }
  return names;
}

async function makeContainers(target: Target, reporter: TaskReporter): Promise<void> {
  const { connection, layout } = target;
  await begin(target, 'containers');
  if (target.offline && target.kind === 'installed') await recreateContainers(target, reporter);
  else await runInstaller(connection, layout, target.version, reporter);
  target.facts = await gatherFacts(connection, layout, reporter.signal);
  requireVersion(target);
}

/** The installer's exit status proves nothing; what stands there does. */
function requireVersion(target: Target): void {
  const wanted = target.version;
  const found = installedVersion(target.facts);
  if (found === wanted) return;
  throw new StateError({
    kind: 'failed',
    code: 'install.no-effect',
    what: `Coolify ${wanted} is not there although its installer ended without an error`,
    why:
      found === undefined
        ? 'there is no container named coolify'
        : `the container coolify is of version ${found}`,
    next: `run "bash ${target.layout.installer} ${wanted}" on the host by hand and see what it says, then run the restore again`,
  });
}
