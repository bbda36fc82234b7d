import type { RemoteCommand } from '../ssh/command.js';
import type { DatabaseAccess } from './database/commands.js';
import type { Layout } from './layout.js';

/**
 * A command that a backup runs on a host, described before there is a host: what `host-policy` lets through. Where a
 * value is known only when the command runs, `VALUE` stands for it.
 */
export interface HostCommand {
  /** What it is for, in a few words. */
  readonly purpose: string;
  /** At most one `VALUE` in all of its words. */
  readonly command: RemoteCommand;
  /** What stands for `VALUE`, if it is there. */
  readonly value?: Varying;
  /**
   * What it reads from standard input. `nothing`: it is given none. `open`: it only looks whether the input is still open.
   * `conversation`: these lines, each when it comes. `text`: these lines, read to the last before it begins.
   */
  readonly input:
    | 'nothing'
    | 'open'
    | { readonly kind: 'conversation' | 'text'; readonly lines: readonly InputLine[] };
}

/** A line of input; `VALUE` in it stands for what varies. */
export type InputLine = string | { readonly text: string; readonly value: Varying };

/** A value of at most 200 of these characters, and at least one. None of them means anything to a shell. */
export type Varying = keyof typeof ALPHABETS;

/** Stands for what is not known yet. */
export const VALUE = '<VALUE>';

/** Each character is named: what a range holds is up to the locale. */
export const ALPHABETS = {
  digits: '0123456789',
  hex: '0123456789abcdef',
  /** A PostgreSQL snapshot's name, such as `00000003-0000001B-1`. */
  snapshot: '0123456789ABCDEFabcdef-',
  /** A token of Laravel Sanctum: `1|` and letters and digits. */
  token: '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz|',
} as const;

/** What the commands of a backup depend on. */
export interface CommandScope {
  readonly layout: Layout;
  readonly extraPaths: readonly string[];
  readonly access: DatabaseAccess;
  readonly dumpCompression: number;
}
