import { openKeyRow } from '../../coolify/managed-keys.js';
import { installerFiles, keepFormerState, treeOf } from '../../coolify/restore/former-state.js';
import { writeNotes } from '../../coolify/restore/notes.js';
import { asStateError, StateError } from '../../core/errors.js';
import type { Inspection, Task, TaskReporter } from '../../engine/task.js';
import { pullLive } from '../backup/live-generation.js';
import type { HostConfig } from '../hosts/host-config.js';
import { anythingToDo } from './changes.js';
import type { RestoreContext } from './context.js';
import { writeRecord } from './record.js';
import type { RestoreOptions } from './restore.js';

/**
 * Before anything on a target is changed, what stands there is kept: the way back. Of an installed one a generation is pulled,
 * which stands beside the others and never becomes the newest; of a bare one too, the files that will be replaced. A
 * broken-off restore that goes on does not take it again: what stands there by then is no longer the former state.
 */
export function keepWayBack(config: HostConfig, options: RestoreOptions): Task<RestoreContext> {
  return {
    name: 'keep a way back',
    kind: 'change',
    async inspect(context): Promise<Inspection> {
      const { kind, notes } = context.ready;
      if (notes.restore !== undefined)
        return { unchanged: `${notes.safety ?? notes.restore} was kept when this restore began` };
      if (!(await anythingToDo(context, options))) return { unchanged: 'nothing is to be changed' };
      if (kind === 'bare') return { summary: 'keep the files that will be replaced' };
      if (!options.safety)
        return { summary: 'keep the files that will be replaced, but not the database (--no-safety)' };
      return { summary: 'pull what stands on the target into a safety generation' };
    },
    async apply(context, reporter) {
      const target = context.ready;
      const pulls = target.kind === 'installed' && options.safety;
      const safety = pulls
        ? await takeSafetyGeneration(context, config, reporter).catch((error: unknown) => {
            throw withAdvice(error);
          })
        : undefined;
      const restore = await keepFiles(context, config, safety?.id, reporter);
      target.notes = {
        ...target.notes,
        restore,
        ...(safety !== undefined && { safety: safety.id, formerLocalKeys: safety.localKeys }),
      };
      context.touched = true;
      await writeNotes(context.session.connection, config.layout, target.notes);
      return safety?.id ?? restore;
    },
  };
}

async function keepFiles(
  context: RestoreContext,
  config: HostConfig,
  safety: string | undefined,
  reporter: TaskReporter,
): Promise<string> {
  const target = context.ready;
  const { layout, source } = target;
  const { manifest } = source.generation;
  const { folders } = context;
  const id = await folders.nextId(new Date(target.notes.startedAt));
  try {
    const placed = manifest.files.flatMap(({ origin }) => origin?.path ?? []);
    const paths = [
      ...placed,
      layout.env,
      layout.token,
      layout.authorizedKeys,
      layout.installer,
      ...installerFiles(layout),
    ];
    const former = await keepFormerState(
      target.connection,
      target.facts,
      { paths: [...new Set(paths)], tree: treeOf(layout, target.kind) },
      (name) => folders.create(id, name),
      reporter.signal,
    );
    await writeRecord(folders, {
      format: 1,
      id,
      host: config.name,
      startedAt: target.notes.startedAt,
      kind: target.kind,
      snapshot: {
        id: manifest.id,
        host: manifest.host,
        origin: context.opened?.origin ?? manifest.id,
        coolify: source.instance.coolify.version,
      },
      ...(safety !== undefined && { safety }),
      former,
      outcome: 'under-way',
      proofs: [],
    });
    return id;
  } catch (error) {
    await folders.remove(id);
    throw error;
  }
}

async function takeSafetyGeneration(
  context: RestoreContext,
  config: HostConfig,
  reporter: TaskReporter,
): Promise<{ readonly id: string; readonly localKeys: string[] }> {
  const { session } = context;
  const staging = await session.generations.stage();
  try {
    const { manifest, verdict, dump, ring } = await pullLive(session, config, staging, 'safety-', reporter);
    for (const { ok, name, detail } of verdict.proofs) {
      if (!ok)
        reporter.warn(`what stands on the target was not whole before this restore (${name}: ${detail})`);
    }
    await session.generations.keepAside(staging, manifest);
    const localKeys = dump.keyRows
      .filter((row) => dump.localKeyIds.includes(row.id))
      .map((row) => openKeyRow(row, ring))
      .flatMap((opened) => ('key' in opened ? [opened.key.fingerprint] : []));
    return { id: manifest.id, localKeys };
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
