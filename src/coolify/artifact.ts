import type { Change, Inspection, TaskReporter } from '../engine/task.js';
import type { Comparison } from './compare/difference.js';
import type { CommandScope, HostCommand } from './host-command.js';
import type { Pull } from './pull.js';
import type { Target } from './restore/target.js';

/** When in a restore an artifact is put back: its place in the order that keeps Coolify from eating its own keys. */
export type RestorePhase =
  /** Before the installer: what it takes as given. */
  | 'settings'
  /** While everything that writes is stopped. */
  | 'database'
  /** After Coolify has come up, which empties and rewrites its key folder. */
  | 'access'
  /** Last: who the host is. */
  | 'identity';

/**
 * One thing that is backed up, said once: backup, restore, verify, diff, the printed plan and the table in the
 * documentation all read this.
 */
export interface Artifact {
  /** Stable name, for `--only`, `--skip` and the manifest. */
  readonly name: string;
  readonly title: string;
  /** Where it stands on the host, for people. */
  readonly onHost: string;
  /** Where it stands under `state/<host>/`, for people. */
  readonly inState: string;
  /** Whether a backup without it is a failure. */
  readonly required: boolean;
  /** How what was pulled is shown to be usable, for people; the proofs themselves are in `proofs.ts`. */
  readonly proof: string;
  /** Whether it needs nothing that others gather, so that it may be pulled beside those before it in the list. */
  readonly isEarly?: boolean;
  /** The commands that `pull` runs on the host, which `host-policy` lets through; none for what is only derived. */
  commands?(scope: CommandScope): readonly HostCommand[];
  /** Brings it into the staging folder. Returns a note for the recap. */
  pull(pull: Pull, reporter: TaskReporter): Promise<string>;
  /** How two states of it are told apart; without it, file by file as the manifests list them. */
  readonly compare?: Comparison;
  /** Absent for what is only derived: it comes back with what it was derived from. */
  readonly restore?: {
    readonly phase: RestorePhase;
    /** One clause for the plan: why it is put back, and at this point. */
    readonly why: string;
    inspect(target: Target, reporter: TaskReporter): Promise<Inspection>;
    apply(target: Target, reporter: TaskReporter, change: Change): Promise<string | undefined>;
  };
}
