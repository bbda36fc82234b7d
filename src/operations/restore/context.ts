import type { RestoreNotes } from '../../coolify/restore/notes.js';
import type { Target } from '../../coolify/restore/target.js';
import type { Proof } from '../../state/manifest.js';
import { RestoreFolders } from '../../state/restore-folders.js';
import type { StateFolder } from '../../state/state-folder.js';
import type { HostConfig } from '../hosts/host-config.js';
import { HostSession } from '../hosts/host-session.js';
import type { OpenedSnapshot } from '../snapshots/source.js';
import type { RestoreRecord } from './record.js';
import type { PlanSubject } from './run.js';
import type { Original } from './second-brain.js';

/** What the steps of a restore share. */
export class RestoreContext {
  readonly session: HostSession;
  /** What this machine keeps of restores of the host. */
  readonly folders: RestoreFolders;
  opened: OpenedSnapshot | undefined;
  target: Target | undefined;
  proofs: readonly Proof[] = [];
  /** What the snapshot itself proved to be. */
  sourceProofs: readonly Proof[] = [];
  /** Clauses about target and snapshot, for the plan. */
  facts: readonly string[] = [];
  /** An original that still works and is to be stopped. */
  original: Original | undefined;
  /** What is taken back, in a rollback. */
  record: RestoreRecord | undefined;
  /** What the notes on the target say, in a rollback. */
  notes: RestoreNotes | undefined;
  /** What the notes on the target said of a rollback when this run began. */
  noted: RestoreNotes['rollback'];
  /** What a plan says of itself. */
  subject: PlanSubject | undefined;
  /** Whether anything on the target was changed, by this run or by the one that it goes on with. */
  touched = false;
  /** Whether nothing is left to do of this restore, and of those that it went on with. */
  completed = false;

  constructor(
    readonly config: HostConfig,
    state: StateFolder,
  ) {
    this.session = new HostSession(config, state, 'coolify-state restore');
    this.folders = new RestoreFolders(state.root, config.name);
  }

  /** The target, once the reading steps have come to know it. */
  get ready(): Target {
    if (this.target === undefined) throw new Error('the target was used before it was known');
    return this.target;
  }

  async close(): Promise<void> {
    try {
      await this.opened?.close();
      // Only who holds the lock has fetched anything.
      if (this.opened !== undefined) await this.session.generations.tidy();
    } finally {
      await this.session.close();
    }
  }
}
