import { z } from 'zod';
import { failure } from './failure.js';
import { size, standing, summary, time } from './report.js';

/** Summaries of the commands that list, look or set up, and the findings of those that check. */

const verdict = z.enum(['ok', 'warning', 'bad', 'skipped']);

const finding = {
  check: z.string().describe('stable, dotted; all of them stand in docs/doctor.md'),
  verdict,
  what: z.string(),
  fix: z.string().optional().describe('how to mend it; with every warning and everything bad'),
  host: z.string().optional(),
  kind: failure.shape.kind.optional().describe('of what is bad: decides the exit status'),
  code: z.string().optional().describe('of what is bad: the code of the error'),
};

const findings = z.array(
  z.strictObject(finding).meta({ id: 'Finding', description: 'what was looked at, and what was found' }),
);

/** Told by `doctor` and `init` as each is found; they stand in the summary again. */
export const findingLine = z
  .strictObject({ type: z.literal('finding'), ...finding })
  .meta({ id: 'FindingLine', description: 'told while the command works' });

const origin = z.strictObject({
  path: z.string(),
  uid: z.number(),
  gid: z.number(),
  owner: z.string(),
  group: z.string(),
  mode: z.number(),
  mtime: z.number().describe('seconds since the epoch'),
});

export const OTHER_SUMMARIES = {
  snapshots: summary('snapshots', {
    snapshots: z.array(
      z.strictObject({
        host: z.string(),
        where: z.string().describe('where the repository is, or the folder of a generation'),
        kind: z.enum(['generation', 'snapshot']),
        id: z.string().describe('what `restore --from` takes'),
        createdAt: time,
        size: size.optional(),
        coolify: z.string().optional().describe('version'),
        postgres: z.string().optional().describe('version'),
        recipients: z.array(z.string()).describe('fingerprints of those who can open it'),
        standing,
        proven: z.boolean().optional().describe('whether all its proofs were good when it was made'),
        problem: z.string().optional().describe('why it cannot be relied on'),
        retention: z
          .strictObject({
            keep: z.boolean(),
            reasons: z.array(z.string()),
            until: z.string().optional().describe('ISO 8601, or "always"'),
          })
          .optional()
          .describe('what `prune` would do by the policy of the inventory'),
        drill: z
          .strictObject({ at: time, passed: z.boolean() })
          .optional()
          .describe('the last time it was restored for a trial'),
      }),
    ),
    errors: z.array(failure).describe('repositories that could not be read'),
  }),
  report: summary('report', {
    file: z.string().describe('that was written'),
    hosts: z.array(
      z.strictObject({
        host: z.string(),
        attention: z
          .array(
            z.strictObject({
              grave: z.boolean(),
              what: z.string(),
              next: z.string().describe('a command, or a thing to do'),
            }),
          )
          .describe('what needs attention'),
      }),
    ),
    errors: z.array(failure).describe('repositories that could not be read'),
  }),
  ls: summary('ls', {
    where: z.string(),
    id: z.string(),
    host: z.string(),
    createdAt: time,
    files: z.array(
      z.strictObject({
        path: z.string(),
        artifact: z.string(),
        size,
        sha256: z.string(),
        origin: origin.optional().describe('where it stood on the host; absent when it was made here'),
        title: z.string().optional().describe('its real name, where the path had to be made safe'),
      }),
    ),
  }),
  cat: summary('cat', { output: z.string().describe('the file that was written'), bytes: size }),
  keys: summary('keys', {
    hosts: z.array(
      z.strictObject({
        host: z.string(),
        recipients: z.array(z.string()).optional().describe('for whom snapshots are encrypted today'),
        identities: z.array(
          z.strictObject({
            path: z.string(),
            fingerprints: z.array(z.string()),
            problem: z.string().optional(),
          }),
        ),
        snapshots: z.array(
          z.strictObject({
            id: z.string(),
            where: z.string(),
            createdAt: time,
            recipients: z.array(z.string()),
            openedBy: z.array(z.string()).describe('paths of the identity files that are among them'),
            current: z.boolean().optional().describe('whether it is for exactly the recipients of today'),
            problem: z.string().optional(),
          }),
        ),
        trials: z.array(
          z.strictObject({
            id: z.string(),
            where: z.string(),
            openedBy: z.string().optional(),
            error: failure.optional(),
          }),
        ),
        errors: z.array(failure),
      }),
    ),
  }),
  doctor: summary('doctor', { bad: z.number(), warnings: z.number(), findings }),
  init: summary('init', {
    host: z.string(),
    findings,
    written: z.array(z.string()).describe('files, in order; empty when a check was bad'),
    newKey: z.strictObject({ path: z.string(), fingerprint: z.string() }).optional(),
    environment: z.array(z.string()).describe('what to set before the first backup'),
    next: z.array(z.string()).describe('what to run, in order'),
  }),
  schedule: summary('schedule', {
    done: z.enum(['installed', 'removed', 'would be installed', 'would be removed']),
    files: z.array(z.strictObject({ where: z.string(), text: z.string() })),
  }),
  inventory: summary('inventory', {
    host: z.string(),
    settings: z.array(z.strictObject({ name: z.string(), value: z.string(), source: z.string() })),
  }),
};
