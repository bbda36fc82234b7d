import { recipientsFrom } from '../../archive/recipient-sources.js';
import { asStateError, messageOf, StateError } from '../../core/errors.js';
import type { EventSink } from '../../engine/events.js';
import { joinReports } from '../../engine/join-reports.js';
import { runTasks } from '../../engine/run-host.js';
import { readTask, type Task } from '../../engine/task.js';
import { describePolicy, isEmpty } from '../../repository/retention/keep-policy.js';
import type { Lock } from '../../state/lock.js';
import type { StateFolder } from '../../state/state-folder.js';
import { repositoryTitle } from '../backup/upload.js';
import type { HostConfig } from '../hosts/host-config.js';
import { localPlace, type PlaceLeftover, type PrunePlace, removeEach, repositoryPlace } from './places.js';
import {
  type PlannedPlace,
  type PrunedPlace,
  planPlace,
  removesAnything,
  settle,
  summaryOf,
} from './plan.js';
import type { PruneOptions, PruneReport } from './prune.js';
import type { RetentionItem } from './retention-items.js';

/** The prune of one host: look into every place, ask, remove. */
export class PruneRun {
  readonly #config: HostConfig;
  readonly #state: StateFolder;
  readonly #options: PruneOptions;
  readonly #opened: { close(): Promise<void> }[] = [];
  /** What is to become of each place, and the task that does it. */
  readonly #planned: { readonly shown: PrunedPlace; readonly prune: Task<PruneRun> }[] = [];
  #lock: Lock | undefined;
  #recipients: readonly string[] | undefined;

  constructor(config: HostConfig, state: StateFolder, options: PruneOptions) {
    this.#config = config;
    this.#state = state;
    this.#options = options;
  }

  async report(): Promise<PruneReport> {
    const { name, keep } = this.#config;
    const { check, signal, emit } = this.#options;
    emit({ type: 'host-start', host: name });
    // Looking and removing are one run to whoever watches.
    const quiet: EventSink = (event) => {
      if (event.type !== 'host-start' && event.type !== 'host-end') emit(event);
    };
    try {
      const looked = await runTasks(name, this.#looking(), this, { check: false, signal, emit: quiet });
      const refusal = check ? undefined : await this.#refusal();
      const tasks = refusal === undefined ? this.#planned.map(({ prune }) => prune) : [];
      const pruned = await runTasks(name, tasks, this, { check, signal, emit: quiet });
      const report = joinReports(looked, refusal === undefined ? pruned : { ...pruned, error: refusal });
      emit({ type: 'host-end', host: name, recap: report.recap });
      return { ...report, policy: describePolicy(keep), places: this.#shown() };
    } finally {
      await Promise.allSettled(this.#opened.map((place) => place.close()));
      await this.#lock?.release();
    }
  }

  #looking(): Task<PruneRun>[] {
    const { name, keep, repositories, recipients } = this.#config;
    const { check, leftoversOlderThan, waitLock = 0 } = this.#options;
    const generations = this.#state.generations(name);
    return [
      readTask('read the policy', () =>
        isEmpty(keep) ? Promise.reject(noPolicy(name)) : Promise.resolve(describePolicy(keep)),
      ),
      readTask('lock the state', async () => {
        this.#lock = await this.#state.lock(name, 'coolify-state prune');
        if (!check) await generations.settle();
        return undefined;
      }),
      readTask('read the recipients', async (_run, { warn }) => {
        if (repositories.length === 0) return 'there is no repository';
        try {
          this.#recipients = (await recipientsFrom(recipients)).map(({ fingerprint }) => fingerprint);
          return this.#recipients.join(', ');
        } catch (error) {
          warn(
            `whom snapshots are encrypted to today is not known, so the last of everybody is kept: ${messageOf(error)}`,
          );
          return 'not known';
        }
      }),
      this.#lookInto('this machine', async () => localPlace(generations, 'this machine')),
      ...repositories.map((settings) =>
        this.#lookInto(repositoryTitle(settings), () =>
          repositoryPlace(settings, name, { leftoversOlderThan, waitLock }),
        ),
      ),
    ];
  }

  /** A place that cannot be read is the host's failure; the others are pruned all the same. */
  #lookInto<Item extends RetentionItem, Left extends PlaceLeftover>(
    title: string,
    open: () => Promise<PrunePlace<Item, Left>>,
  ): Task<PruneRun> {
    return {
      ...readTask(`look into ${title}`, async (_run, { signal, warn }) => {
        const place = await open();
        this.#opened.push(place);
        const contents = await place.look(signal);
        for (const warning of contents.warnings) warn(warning);
        const plan = planPlace(place.title, contents, this.#facts());
        this.#planned.push({ shown: plan.shown, prune: this.#pruning(place, plan) });
        return `${plan.shown.snapshots.length} found`;
      }),
      independent: true,
    };
  }

  #pruning<Item extends RetentionItem, Left extends PlaceLeftover>(
    place: PrunePlace<Item, Left>,
    plan: PlannedPlace<Item, Left>,
  ): Task<PruneRun> {
    return {
      name: `prune ${place.title}`,
      kind: 'change',
      independent: true,
      inspect: async () =>
        removesAnything(plan.shown)
          ? { summary: `remove ${summaryOf(plan.shown, 'drop')}` }
          : { unchanged: `nothing to remove, ${plan.shown.snapshots.length} kept` },
      apply: async (_run, reporter) => {
        await place.exclusively(reporter, (signal) => this.#remove(place, plan, signal));
        const locked = summaryOf(plan.shown, 'locked');
        const kept = plan.shown.snapshots.filter(({ outcome }) => outcome === 'keep').length;
        return [
          `removed ${summaryOf(plan.shown, 'removed')}`,
          ...(hasLocked(plan.shown) ? [`${locked} is kept by the store`] : []),
          `${kept} kept`,
        ].join(', ');
      },
    };
  }

  /**
   * Looks once more, now that nobody else changes the place, and removes what was to go and still is: the oldest first, so
   * that what is left when it breaks off is a place that was pruned less.
   */
  async #remove<Item extends RetentionItem, Left extends PlaceLeftover>(
    place: PrunePlace<Item, Left>,
    plan: PlannedPlace<Item, Left>,
    signal: AbortSignal,
  ): Promise<void> {
    const now = planPlace(place.title, await place.look(signal), this.#facts());
    const doomed = settle(plan, now);
    await removeEach(
      doomed.reverse(),
      (item) => place.remove(item, signal),
      ({ id }, outcome) => {
        const line = plan.lines.get(id);
        if (line !== undefined) line.outcome = outcome;
      },
    );
    await removeEach(
      now.leftovers.filter(({ name }) => plan.leftoverLines.has(name)),
      (leftover) => place.removeLeftover(leftover, signal),
      ({ name }, outcome) => {
        const line = plan.leftoverLines.get(name);
        if (line !== undefined) line.outcome = outcome;
      },
    );
  }

  #facts() {
    return { policy: this.#config.keep, recipients: this.#recipients };
  }

  #shown(): PrunedPlace[] {
    return this.#planned.map(({ shown }) => shown);
  }

  /** Why nothing is removed; undefined when it was confirmed, or when there is nothing to ask about. */
  async #refusal(): Promise<StateError | undefined> {
    const { name, keep } = this.#config;
    const places = this.#shown();
    if (!places.some(removesAnything)) return undefined;
    try {
      if (await this.#options.confirm({ host: name, policy: describePolicy(keep), places })) return undefined;
      return new StateError({
        kind: 'interrupted',
        code: 'prune.not-confirmed',
        what: 'Nothing was removed',
        why: 'the prune was not confirmed',
        next: 'run it again and confirm it, or add --yes',
        host: name,
      });
    } catch (error) {
      return asStateError(error, 'The prune could not be confirmed').onHost(name);
    }
  }
}

function hasLocked({ snapshots, leftovers }: PrunedPlace): boolean {
  return [...snapshots, ...leftovers].some(({ outcome }) => outcome === 'locked');
}

function noPolicy(host: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'prune.no-policy',
    what: 'Nothing says what is to be kept, so nothing is removed',
    why: 'neither a coolify_keep_* setting nor a --keep-* option is there that keeps anything',
    next: 'for example set coolify_keep_daily: 7 and coolify_keep_monthly: 12 in the inventory, or add --keep-last 10',
    host,
  });
}
