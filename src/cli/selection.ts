import { printable } from '../core/terminal-text.js';
import type { HostSelection } from '../operations/load-hosts.js';
import { passphraseOf } from './passphrase.js';
import type { Output } from './progress.js';

/** The hosts that a command line names. */
export function selectionOf(
  args: {
    readonly inventory: readonly string[];
    readonly hosts: string;
    readonly limit?: string | undefined;
  },
  output: Output,
): HostSelection {
  return {
    sources: args.inventory,
    pattern: args.hosts,
    limit: args.limit,
    passphrase: passphraseOf,
    warn: (message) => output.err(`warning  ${printable(message)}`),
  };
}
