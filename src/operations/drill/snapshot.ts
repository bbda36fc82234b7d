import { messageOf, StateError } from '../../core/errors.js';
import type { TaskReporter } from '../../engine/task.js';
import { openRepository, type RepositorySettings } from '../../repository/open.js';
import { type GoodSnapshot, SnapshotRepository } from '../../repository/snapshots/snapshots.js';
import type { HostConfig } from '../hosts/host-config.js';
import { noRepository, type SnapshotChoice } from '../snapshots/source.js';

/** The snapshot that a drill restores, and the repository that has it. */
export interface DrillSubject {
  readonly snapshot: GoodSnapshot;
  readonly place: RepositorySettings;
  /** For people. */
  readonly location: string;
}

/** Which snapshots can be drilled: those of a repository, as the evidence names one and stands beside it. */
export type DrillChoice = Extract<SnapshotChoice, { kind: 'latest' | 'id' }>;

/** @throws StateError `drill.choice` for anything but a snapshot of a repository */
export function drillChoiceOf(choice: SnapshotChoice): DrillChoice {
  if (choice.kind === 'latest' || choice.kind === 'id') return choice;
  throw new StateError({
    kind: 'usage',
    code: 'drill.choice',
    what: 'A drill takes a snapshot of a repository',
    why: 'its evidence names the stored bytes and stands beside them',
    next: 'name one by its id ("coolify-state snapshots" lists them), or leave --from out for the newest',
  });
}

/** Looks the snapshot up; the first repository that has it is as good as any. @throws what looking up throws */
export async function drillSubject(
  config: HostConfig,
  choice: DrillChoice,
  { signal, warn }: TaskReporter,
): Promise<DrillSubject> {
  if (config.repositories.length === 0) throw noRepository(config.name);
  const failures: unknown[] = [];
  for (const [index, place] of config.repositories.entries()) {
    try {
      const repository = await openRepository(place);
      try {
        const wanted = choice.kind === 'latest' ? 'latest' : choice.id;
        const snapshot = await new SnapshotRepository(repository).find(config.name, wanted, { signal });
        return { snapshot, place, location: repository.location };
      } finally {
        await repository.close();
      }
    } catch (error) {
      signal.throwIfAborted();
      failures.push(error);
      if (index < config.repositories.length - 1)
        warn(`the next repository is asked, because: ${messageOf(error)}`);
    }
  }
  throw failures[0];
}
