import type { Outcome } from '../lab.js';
import type { Running, Stage } from './stage.js';

export type Operation = 'backup' | 'verify' | 'prune' | 'restore' | 'drill';

/** A row of the table. */
export interface Fault {
  readonly name: string;
  /** What it can befall. */
  readonly on: readonly Operation[];
  /** Where it belongs to the part that `make test` runs. */
  readonly quick?: readonly Operation[];
  /** What only root can bring about. */
  readonly root?: true;
  /**
   * Runs the operation while the fault befalls it, and makes sure that it did. What it changed is put right afterwards by the
   * driver, but for what `Stage.mend` does not know of.
   */
  disturb(stage: Stage, run: (env?: Readonly<Record<string, string>>) => Running): Promise<Outcome>;
  /** How the run may end; without it: well, or with an error that has a code of ours. */
  expect?(outcome: Outcome): void;
}
