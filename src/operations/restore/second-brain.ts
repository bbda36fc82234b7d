import { FENCE_BY_HAND, fence, livelinessOf, machineOf } from '../../coolify/restore/fence.js';
import { restoredHostKeys } from '../../coolify/restore/host-keys.js';
import type { Target } from '../../coolify/restore/target.js';
import { StateError } from '../../core/errors.js';
import { readTask, type Task } from '../../engine/task.js';
import { connect } from '../../ssh/connection.js';
import type { Endpoint } from '../../ssh/endpoint.js';
import type { RestoreContext } from './context.js';
import { noteFenced } from './record.js';
import type { RestoreJob, RestoreOptions } from './restore.js';

/**
 * Two controllers with the same keys and schedules fight over the fleet. Whoever restores onto another machine while the
 * original still works is stopped here, unless the original is stopped first.
 */

/** What a restore does about an original that still works. `ignore` is for targets that can reach nobody. */
export type SecondBrain = 'refuse' | 'fence' | 'ignore';

/** An original that still works, and how to get there. */
export interface Original {
  readonly title: string;
  readonly endpoint: Endpoint;
}

const PATIENCE_MS = 5000;

/** Looks for the original where the inventory and the snapshot say it is. Only looks. */
export function seekOriginal(job: RestoreJob, options: RestoreOptions): Task<RestoreContext> {
  return readTask('see whether the original still works', async (context, { signal }) => {
    if (options.secondBrain === 'ignore') return `not asked: the target ${withoutDanger(options)}`;
    if (!options.wants('env') && !options.wants('database')) return 'nothing is restored that would work';
    const target = context.ready;
    const places = placesOf(job, target);
    if (places.length === 0) return 'the target stands where the snapshot was taken';
    const said: string[] = [];
    for (const endpoint of places) {
      const found = await probe(endpoint, target, signal);
      if (found.works === undefined) {
        said.push(`${endpoint.address} port ${endpoint.port}: ${found.says}`);
        continue;
      }
      const original: Original = {
        title: `${endpoint.address} port ${endpoint.port}`,
        endpoint: found.works,
      };
      if (options.secondBrain !== 'fence' || !found.entered)
        throw originalAnswers(original, found.says, found.entered);
      context.original = original;
      return `${original.title} ${found.says}; it will be stopped (--fence)`;
    }
    return said.join('; ');
  });
}

/** Stops the original over SSH, before anything on the target is changed. */
export function fenceOriginal(): Task<RestoreContext> {
  return {
    name: 'stop the original',
    kind: 'change',
    inspect: ({ original }) =>
      Promise.resolve(
        original === undefined
          ? { unchanged: 'no other one works' }
          : { summary: `stop Coolify on ${original.title} and keep it from starting by itself` },
      ),
    apply: async (context, { signal }) => {
      const { original } = context;
      if (original === undefined) return undefined;
      await using connection = await connect(original.endpoint, { signal });
      // Before it is stopped: whoever goes on after a run that died does not see any more that this one did it.
      await noteFenced(context.folders, context.ready.notes.restore, original.title);
      const stopped = await fence(connection, signal);
      context.original = undefined;
      return `stopped ${stopped.join(', ')} on ${original.title}; they do not start by themselves any more`;
    },
  };
}

/** Why an original may go on working. */
function withoutDanger({ offline, hold }: RestoreOptions): string {
  return offline !== true && hold === true ? 'stays held still' : 'can reach nobody';
}

interface Found {
  /** The endpoint that answered as the original; undefined when nothing works there. */
  readonly works?: Endpoint;
  /** Whether we could log in, and so could stop it. */
  readonly entered: boolean;
  readonly says: string;
}

function placesOf({ target: config, original }: RestoreJob, target: Target): Endpoint[] {
  const { address, port } = target.connection;
  const base = (original ?? config).endpoint;
  const recorded = target.source.instance.reachedAt;
  const places = [
    ...(original === undefined ? [] : [original.endpoint]),
    ...(recorded === undefined ? [] : [{ ...base, ...recorded }]),
  ];
  const seen = new Set([`${address} ${port}`, `${config.endpoint.address} ${config.endpoint.port}`]);
  return places.filter((place) => {
    const name = `${place.address} ${place.port}`;
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}

async function probe(place: Endpoint, target: Target, signal: AbortSignal): Promise<Found> {
  const keys = await restoredHostKeys(target);
  const endpoint: Endpoint = {
    ...place,
    hostKeyChecking: 'strict',
    pinnedFingerprints: keys.map(({ fingerprint }) => fingerprint),
    connectTimeoutMs: Math.min(place.connectTimeoutMs, PATIENCE_MS),
    connectRetries: 0,
  };
  try {
    await using connection = await connect(endpoint, { signal });
    if ((await machineOf(connection, signal)) === (await machineOf(target.connection, signal)))
      return { entered: true, says: 'is the target itself' };
    const liveliness = await livelinessOf(connection, signal);
    if (liveliness === 'none') return { entered: true, says: 'has no Coolify any more' };
    if (liveliness === 'stopped')
      return { entered: true, says: 'is the original, and its Coolify is stopped' };
    const says = `is the original, and its Coolify ${liveliness === 'works' ? 'works' : 'would start again by itself'}`;
    return { works: endpoint, entered: true, says };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof StateError)) throw error;
    // The key was checked before anybody logged in: the machine is the original, whatever it lets us do.
    if (error.code === 'ssh.auth-failed' || error.kind !== 'unreachable')
      return {
        works: endpoint,
        entered: false,
        says: `presents the original's host key, but cannot be looked into (${error.what})`,
      };
    if (error.code.startsWith('ssh.host-key-'))
      return { entered: false, says: 'another machine answers there' };
    return await probeHealth(place, target, signal);
  }
}

/** Where SSH is closed to us, Coolify itself may still answer. */
async function probeHealth(place: Endpoint, target: Target, signal: AbortSignal): Promise<Found> {
  const silent: Found = { entered: false, says: 'nothing answers there' };
  if (place.address === target.connection.address || (place.jumps?.length ?? 0) > 0) return silent;
  const port = /^\d{1,5}$/.exec(target.source.env.get('APP_PORT') ?? '')?.[0] ?? '8000';
  const host = place.address.includes(':') ? `[${place.address}]` : place.address;
  try {
    const answer = await fetch(`http://${host}:${port}/api/health`, {
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    const text = (await answer.text()).trim();
    if (answer.status !== 200 || text !== 'OK') return silent;
    return {
      works: place,
      entered: false,
      says: `answers as a healthy Coolify on port ${port}, though not by SSH`,
    };
  } catch {
    signal.throwIfAborted();
    return silent;
  }
}

function originalAnswers({ title }: Original, says: string, entered: boolean): StateError {
  return new StateError({
    kind: 'failed',
    code: 'restore.original-answers',
    what: 'The original still works: two controllers with the same keys and schedules would fight over your servers',
    why: `${title} ${says}`,
    next: entered
      ? `add --fence, which stops it there and keeps it stopped, or stop it by hand: ${FENCE_BY_HAND}; nothing was changed`
      : `log in there by other means and stop it (${FENCE_BY_HAND}), or switch the machine off; nothing was changed`,
  });
}
