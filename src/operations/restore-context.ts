import type { Target } from '../coolify/target.js';
import type { Proof } from '../state/manifest.js';
import type { StateFolder } from '../state/state-folder.js';
import type { HostConfig } from './host-config.js';
import { HostSession } from './host-session.js';
import type { OpenedSnapshot } from './snapshot-source.js';

/** What the steps of a restore share. */
export class RestoreContext {
  readonly session: HostSession;
  opened: OpenedSnapshot | undefined;
  target: Target | undefined;
  proofs: readonly Proof[] = [];

  constructor(
    readonly config: HostConfig,
    state: StateFolder,
  ) {
    this.session = new HostSession(config, state, 'coolify-state restore');
  }

  /** The target, once the reading steps have come to know it. */
  get ready(): Target {
    if (this.target === undefined) throw new Error('the target was used before it was known');
    return this.target;
  }

  async close(): Promise<void> {
    try {
      await this.opened?.close();
    } finally {
      await this.session.close();
    }
  }
}
