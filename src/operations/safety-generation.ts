import { randomBytes } from 'node:crypto';
import { ARTIFACTS } from '../coolify/artifacts.js';
import { judge } from '../coolify/proofs.js';
import { Pull } from '../coolify/pull.js';
import { writeNotes } from '../coolify/restore-notes.js';
import { asStateError, StateError } from '../core/errors.js';
import type { Inspection, Task, TaskReporter } from '../engine/task.js';
import { TOOL } from '../tool.js';
import { instanceFrom } from './backup-run.js';
import type { HostConfig } from './host-config.js';
import type { RestoreOptions } from './restore.js';
import { anythingToDo } from './restore-changes.js';
import type { RestoreContext } from './restore-context.js';

/**
 * An installed target is pulled before anything on it is changed: the way back. It stands beside the generations
 * and never becomes the newest one. A broken-off restore that goes on does not take it again: what stands there
 * by then is no longer the former state.
 */
export function keepWayBack(config: HostConfig, options: RestoreOptions): Task<RestoreContext> {
  return {
    name: 'keep a way back',
    kind: 'change',
    async inspect(context): Promise<Inspection> {
      const { kind, notes } = context.ready;
      if (kind === 'bare') return { skip: 'a bare host has nothing to lose' };
      if (!options.safety) return { skip: 'switched off with --no-safety' };
      if (notes.safety !== undefined)
        return { unchanged: `${notes.safety} was taken when this restore began` };
      if (!(await anythingToDo(context, options))) return { unchanged: 'nothing is to be changed' };
      return { summary: 'pull what stands on the target into a safety generation' };
    },
    async apply(context, reporter) {
      const id = await takeSafetyGeneration(context, config, reporter).catch((error: unknown) => {
        throw withAdvice(error);
      });
      context.ready.notes = { ...context.ready.notes, safety: id };
      await writeNotes(context.session.connection, config.layout, context.ready.notes);
      return id;
    },
  };
}

async function takeSafetyGeneration(
  context: RestoreContext,
  config: HostConfig,
  reporter: TaskReporter,
): Promise<string> {
  const { session } = context;
  const staging = await session.generations.stage();
  try {
    const pull = new Pull(session.connection, config.layout, session.facts, config, staging);
    for (const artifact of ARTIFACTS) await artifact.pull(pull, reporter);
    const verdict = judge({
      ring: pull.need('ring'),
      dump: pull.need('dump'),
      rowCounts: pull.need('rowCounts'),
      keyFiles: pull.need('keyFiles'),
      authorizedKeys: pull.gathered.authorizedKeys,
    });
    for (const { ok, name, detail } of verdict.proofs) {
      if (!ok)
        reporter.warn(`what stands on the target was not whole before this restore (${name}: ${detail})`);
    }
    const createdAt = new Date().toISOString();
    const id = `safety-${createdAt.replace(/\.\d+/, '').replace(/[-:]/g, '')}-${randomBytes(3).toString('hex')}`;
    await session.generations.keepAside(staging, {
      format: 1,
      id,
      host: config.name,
      createdAt,
      tool: TOOL,
      files: [...pull.files].sort((a, b) => (a.path < b.path ? -1 : 1)),
      proofs: [...verdict.proofs],
      instance: instanceFrom(pull, verdict.keys),
    });
    return id;
  } catch (error) {
    await staging.discard();
    throw error;
  }
}

function withAdvice(error: unknown): StateError {
  const failure = asStateError(error, 'The safety generation could not be taken');
  if (failure.kind === 'interrupted' || failure.kind === 'unreachable') return failure;
  return new StateError({
    ...failure.facts(),
    code: 'restore.no-way-back',
    what: `No way back could be kept: ${failure.what}`,
    next: 'nothing was changed; if what stands on the target is not needed any more, add --no-safety',
  });
}
