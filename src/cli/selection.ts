import { printable } from '../core/terminal-text.js';
import type { HostSelection } from '../operations/hosts/load-hosts.js';
import { keyPassphrases } from './key-passphrases.js';
import { askSecret } from './passphrase.js';
import type { Output } from './progress.js';

interface SelectionArguments {
  readonly inventory: readonly string[];
  readonly 'vault-password-file'?: readonly string[] | undefined;
  readonly 'vault-id'?: readonly string[] | undefined;
}

/** The inventory that a command line names. */
export function inventoryOf(
  args: SelectionArguments,
  output: Output,
): Pick<HostSelection, 'sources' | 'vault' | 'warn'> {
  return {
    sources: args.inventory,
    vault: {
      files: args['vault-password-file'],
      ids: args['vault-id'],
      prompt: (id) => askSecret(`Vault password (${id})`),
    },
    warn: (message) => output.err(`warning  ${printable(message)}`),
  };
}

/** The hosts that a command line names. */
export function selectionOf(
  args: SelectionArguments & { readonly hosts: string; readonly limit?: string | undefined },
  output: Output,
): HostSelection {
  return {
    ...inventoryOf(args, output),
    pattern: args.hosts,
    limit: args.limit,
    passphrase: keyPassphrases(),
  };
}
