import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';

/** Where a setting of ssh stands: in a file, in a variable with arguments of ssh, or in a setting of our own. */
export type ConfigPlace =
  | { readonly kind: 'file'; readonly file: string; readonly line: number }
  | { readonly kind: 'arguments'; readonly of: string }
  | { readonly kind: 'setting'; readonly name: string };

/** `~/.ssh/config:12`, `ansible_ssh_common_args`. */
export function showPlace(place: ConfigPlace): string {
  switch (place.kind) {
    case 'file':
      return `${printable(place.file)}:${place.line}`;
    case 'arguments':
      return printable(place.of);
    case 'setting':
      return printable(place.name);
  }
}

/** A path as people write it: `~` for the home. */
export function shownPath(path: string, home: string): string {
  return path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}

export interface ConfigFaultFacts {
  /** Dotted, after `ssh-config.`: `invalid`, `unsupported`, `insecure`, ... */
  readonly code: string;
  readonly place: ConfigPlace;
  /** The line, as it is written. */
  readonly text: string;
  readonly what: string;
  readonly why?: string;
  readonly next?: string;
}

const CORRECT_FILE = 'correct that line, or do without the configuration of ssh: coolify_ssh_config: none';
const CORRECT_SETTING = 'correct it in the inventory';

/** An error in what configures ssh: it names the place, and shows the line. */
export function configFault({ code, place, text, what, why, next }: ConfigFaultFacts): StateError {
  return new StateError({
    kind: 'usage',
    code: `ssh-config.${code}`,
    what: `${showPlace(place)}: ${printable(what)}`,
    detail: printable(text.trim()),
    ...(why !== undefined && { why: printable(why) }),
    next: printable(next ?? (place.kind === 'file' ? CORRECT_FILE : CORRECT_SETTING)),
  });
}
