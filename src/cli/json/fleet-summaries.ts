import { z } from 'zod';
import { failure } from './failure.js';
import { hostsSummary, proofs, report, size, standing, taskOutcome, time, uploaded } from './report.js';

/** Summaries of the commands that work on hosts and report on each. */

const backup = {
  generation: z
    .strictObject({ id: z.string(), folder: z.string(), bytes: size })
    .optional()
    .describe('what was committed on this machine'),
  proofs,
  snapshots: z.array(uploaded),
  unchangedSince: z
    .strictObject({ id: z.string(), createdAt: time })
    .optional()
    .describe('with --skip-unchanged: the generation that is still the state, so that none was made'),
  traffic: z
    .strictObject({ received: z.number(), sent: z.number() })
    .optional()
    .describe('bytes on the wire of the connection to the host, where that can be told'),
};

const plannedStep = z.strictObject({
  ...taskOutcome.shape,
  why: z.string().optional().describe('why the step is there, or stands where it does'),
});

const restore = {
  plan: z
    .strictObject({
      host: z.string(),
      origin: z.string().describe('where the snapshot comes from'),
      snapshot: z.string().describe('its id'),
      createdAt: time,
      snapshotHost: z.string().describe('host that the snapshot was taken of'),
      kind: z.enum(['bare', 'installed']).describe('what the target is'),
      rollback: z.boolean().describe('whether a restore is taken back'),
      facts: z.array(z.string()).describe('what target and snapshot are'),
      consistency: z.array(z.string()).describe('what putting back a part means for the rest'),
      steps: z.array(plannedStep),
    })
    .optional(),
  proofs: proofs.describe('of the restored target'),
  sourceProofs: proofs.optional().describe('of the snapshot, from before anything was touched'),
  ciphertext: z
    .string()
    .optional()
    .describe('SHA-256 of the encrypted bytes, where they were read from a repository'),
};

const verify = {
  proofs: proofs.describe('of all snapshots together'),
  snapshots: z.array(
    z.strictObject({
      id: z.string().describe('of the snapshot; what was asked for where there is none'),
      where: z.string(),
      createdAt: time.optional(),
      size: size.optional(),
      checked: z
        .enum(['stored', 'data'])
        .describe('stored: size and checksum of the encrypted object; data: everything in it'),
      proofs,
      ok: z.boolean(),
      error: failure.optional().describe('what is wrong with it, or why that could not be found out'),
    }),
  ),
};

/** Of `verify --evidence`. */
const checkedEvidence = z.strictObject({
  id: z.string().describe('of the snapshot that it is about'),
  where: z.string(),
  key: z.string().describe('of the record, in the repository'),
  at: time.describe('when the drill began'),
  outcome: z.enum(['passed', 'late', 'failed']).optional().describe('what the drill came to'),
  signer: z.strictObject({ principals: z.string(), fingerprint: z.string() }).optional(),
  ok: z.boolean().describe('whether it is genuine'),
  error: failure.optional().describe('why it does not count'),
});

const prune = {
  policy: z.string().describe('the policy that was applied, as flags'),
  places: z.array(
    z.strictObject({
      place: z.string(),
      snapshots: z.array(
        z.strictObject({
          id: z.string(),
          createdAt: time,
          size: size.optional(),
          standing,
          outcome: z.enum(['keep', 'drop', 'removed', 'locked']),
          reasons: z.array(z.string()),
        }),
      ),
      leftovers: z.array(
        z.strictObject({
          name: z.string(),
          since: time.optional(),
          outcome: z.enum(['drop', 'removed', 'locked']),
        }),
      ),
    }),
  ),
};

/** A part of a run: the report of that command. */
const part = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject({ ...report, ...shape }).optional();

export const FLEET_SUMMARIES = {
  backup: hostsSummary('backup', backup),
  restore: hostsSummary('restore', restore),
  verify: hostsSummary('verify', {
    ...verify,
    evidence: z.array(checkedEvidence).optional().describe('with --evidence, instead of snapshots'),
  }),
  prune: hostsSummary('prune', prune),
  run: hostsSummary('run', {
    parts: z.strictObject({ backup: part(backup), prune: part(prune), verify: part(verify) }),
    proofs,
  }),
  drill: hostsSummary('drill', {
    startedAt: time,
    proofs,
    evidence: z.looseObject({}).optional().describe('as it is stored beside the snapshot'),
    evidencePath: z.string().optional().describe('file of this machine'),
    stored: z.array(z.string()).describe('where it was stored beside the snapshot'),
    kept: z
      .strictObject({ container: z.string(), shell: z.string() })
      .optional()
      .describe('the throwaway host that was left running'),
  }),
  token: hostsSummary('token', {
    token: z
      .strictObject({
        path: z.string().describe('where its text stands on the host'),
        name: z.string().describe('name of its row'),
        alive: z.boolean(),
        made: z.boolean(),
        api: z
          .enum(['answers', 'disabled', 'address', 'refused', 'silent'])
          .optional()
          .describe('how the API answers it'),
        detail: z.string(),
        text: z.string().optional().describe('the token itself, with --show only'),
      })
      .optional(),
  }),
  diff: hostsSummary('diff', {
    before: z.string().optional(),
    after: z.string().optional(),
    comparisons: z
      .array(
        z.strictObject({
          artifact: z.string(),
          title: z.string(),
          differences: z
            .array(
              z.strictObject({
                change: z.enum(['added', 'removed', 'changed']),
                what: z.string().describe('by name: a key of .env, a table, a file'),
                detail: z.string().optional().describe('in what it differs'),
              }),
            )
            .describe('empty when it is the same'),
        }),
      )
      .optional()
      .describe('absent when the two sides could not be compared'),
    differs: z.boolean().nullable(),
  }),
  copy: hostsSummary('copy', {
    proofs,
    copied: z.array(z.strictObject({ id: z.string(), from: z.string(), to: z.string(), size })),
  }),
  rekey: hostsSummary('rekey', {
    proofs,
    rekeyed: z.array(
      z.strictObject({
        id: z.string(),
        rekeyedFrom: z.string().describe('the one it was made from'),
        location: z.string(),
        recipients: z.array(z.string()).describe('fingerprints'),
        removedOld: z.boolean(),
      }),
    ),
  }),
  import: hostsSummary('import', {
    proofs,
    snapshots: z.array(uploaded),
    generation: z.strictObject({ id: z.string(), folder: z.string() }).optional(),
  }),
};
