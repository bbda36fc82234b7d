import { errnoOf, StateError } from '../../core/errors.js';

/** The two packages of a fleet are loaded when one is worked with, and at no other time: who has one host needs neither. */

export async function loadQueue(): Promise<typeof import('bullmq')> {
  try {
    return await import('bullmq');
  } catch (error) {
    throw notInstalled(error);
  }
}

export async function loadRedisClient(): Promise<Pick<typeof import('ioredis'), 'Redis' | 'Cluster'>> {
  try {
    const { Redis, Cluster } = await import('ioredis');
    return { Redis, Cluster };
  } catch (error) {
    throw notInstalled(error);
  }
}

function notInstalled(cause: unknown): unknown {
  if (errnoOf(cause) !== 'ERR_MODULE_NOT_FOUND') return cause;
  return new StateError({
    kind: 'usage',
    code: 'fleet.not-installed',
    what: 'A fleet needs the packages bullmq and ioredis, which are not installed',
    why: 'coolify-state does not bring them, because one machine does without',
    next: 'npm install bullmq@6 ioredis@6 (with -g where coolify-state is installed so), beside coolify-state',
    cause,
  });
}
