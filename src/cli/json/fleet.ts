import { z } from 'zod';
import { OPERATIONS } from '../../fleet/operations.js';
import { failure } from './failure.js';
import { size, summary, time } from './report.js';

/** What `fleet` prints: lines of a worker, and the summary of each of its actions. */

const operation = z.enum(OPERATIONS);
const jobName = z.string().describe('of the job, as `--job` takes it');

const job = { host: z.string(), operation, job: jobName };

/** Told by a worker beside the events of hosts. */
export const workerLine = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('job-start'), ...job }),
    z.strictObject({
      type: z.literal('job-end'),
      ...job,
      milliseconds: z.number(),
      end: z
        .enum(['done', 'already', 'cancelled', 'back', 'retry', 'dead'])
        .describe(
          'already: the round had its snapshot; back: another worker takes it; dead: it is not tried again',
        ),
      error: failure.optional(),
    }),
    z.strictObject({ type: z.literal('worker-warning'), message: z.string() }),
  ])
  .meta({ id: 'WorkerLine', description: 'told by `fleet worker` while it works' });

const enqueued = z.strictObject({
  host: z.string(),
  job: jobName,
  lane: z.string().describe('the queue that it stands in'),
  known: z.boolean().describe('it stood there already'),
});

const dead = z.array(
  z.strictObject({
    ...job,
    round: z.string().optional(),
    attempts: z.number(),
    at: time.optional(),
    error: failure,
  }),
);

const status = z.strictObject({
  workers: z.array(
    z.strictObject({
      name: z.string(),
      version: z.string(),
      machine: z.string(),
      pid: z.number(),
      startedAt: time,
      at: time.describe('when it was last heard of'),
      concurrency: z.number(),
      identity: z.boolean().describe('whether it opens snapshots'),
      state: z
        .enum(['working', 'draining', 'no-memory', 'no-load'])
        .describe('no-: it begins nothing more until there is room'),
      memory: size,
      load: z.number().describe('of its machine, for each processor'),
      done: z.number().describe('jobs since it started'),
      running: z.array(
        z.strictObject({ ...job, round: z.string().optional(), since: time, task: z.string() }),
      ),
    }),
  ),
  lanes: z.array(
    z.strictObject({
      lane: z.string(),
      group: z.string(),
      places: z.array(z.string()).describe('repositories'),
      identity: z.boolean(),
      waiting: z.number(),
      running: z.number(),
      retrying: z.number().describe('wait for their next attempt'),
      planned: z.number().describe('by the schedule'),
      dead: z.number(),
      done: z.number().describe('of the last days'),
    }),
  ),
  dead: dead.describe('the newest ones'),
});

const scorecard = z.strictObject({
  type: z.literal('coolify-state.scorecard'),
  format: z.literal(1),
  tool: z.string(),
  writtenAt: time,
  totals: z.strictObject({
    hosts: z.number(),
    good: z.number().describe('have a good snapshot'),
    proven: z.number().describe('were proven by a drill'),
    overdue: z.number(),
    unreadable: z.number().describe('have a repository that could not be read'),
  }),
  hosts: z.array(
    z.strictObject({
      host: z.string(),
      group: z.string(),
      lastGood: z.strictObject({ id: z.string(), at: time, where: z.string() }).optional(),
      lastProven: z.strictObject({ snapshot: z.string(), at: time }).optional(),
      recovery: z
        .strictObject({ seconds: z.number(), limitSeconds: z.number().optional() })
        .optional()
        .describe('of that drill'),
      overdue: z.array(z.enum(['backup', 'drill'])),
      drift: z.array(z.string()).describe('in what the newest snapshot is another than the one before it'),
      attention: z.number().describe('how many things somebody should look at'),
    }),
  ),
});

export const FLEET_SUMMARY = summary('fleet', {
  action: z.enum(['enqueue', 'worker', 'status', 'schedule', 'cancel', 'dead', 'retry', 'report']),
  round: z.string().optional().describe('enqueue'),
  jobs: z.array(enqueued).optional().describe('enqueue'),
  worker: z.string().optional().describe('worker: its name; it was drained'),
  status: status.optional().describe('status; with --watch again and again'),
  planned: z
    .array(z.strictObject({ host: z.string(), operation, next: time }))
    .optional()
    .describe('schedule --check'),
  scheduled: z.number().optional().describe('schedule: operations that are planned; again and again'),
  set: z.number().optional().describe('schedule: of these were new, or otherwise'),
  removed: z
    .union([z.number(), z.array(z.string())])
    .optional()
    .describe('schedule: how many are planned no more; cancel: the jobs'),
  caughtUp: z.array(enqueued).optional().describe('schedule: missed backups that are asked for'),
  asked: z.array(z.string()).optional().describe('cancel: jobs at work, which are broken off'),
  dead: dead.optional().describe('dead, retry'),
  scorecard: scorecard.optional().describe('report'),
  files: z.array(z.string()).optional().describe('report: files that were written'),
  errors: z.array(failure).optional().describe('report: repositories that could not be read'),
});
