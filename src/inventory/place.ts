import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';

/** A file of the inventory as it was read: its name as people know it, and its text for error messages. */
export class SourceText {
  readonly #lines: readonly string[];

  /** @param file as shown to people: relative to the working directory where it is inside it */
  constructor(
    readonly file: string,
    text: string,
  ) {
    this.#lines = text.split(/\r\n|\n|\r/);
  }

  /** Line `number`, counted from 1; empty past the end. */
  line(number: number): string {
    return this.#lines[number - 1] ?? '';
  }
}

/** Where something stands. `line` and `column` count from 1. */
export interface Place {
  readonly source: SourceText;
  readonly line: number;
  readonly column: number;
}

/** A place as it leaves this room. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export function originOf({ source, line, column }: Place): Origin {
  return { file: source.file, line, column };
}

/** `file:line:column`, as editors and terminals understand it. */
export function showOrigin({ file, line, column }: Origin): string {
  return `${printable(file)}:${line}:${column}`;
}

export function showPlace(place: Place): string {
  return showOrigin(originOf(place));
}

export interface FaultFacts {
  /** Without the room: `yaml-syntax` becomes `inventory.yaml-syntax`. */
  readonly code: string;
  /** What is wrong, as a sentence without a full stop. */
  readonly what: string;
  /** What was expected there. */
  readonly expected?: string | undefined;
  readonly next?: string | undefined;
  readonly cause?: unknown;
}

/** Whether the line sets something that sounds secret: nothing of its value is shown then. */
export function isSecretLine({ source, line }: Place): boolean {
  return SECRET_NAME.test(source.line(line));
}

/** The error for something in a file: names file, line and column, and shows the line with a mark below it. */
export function faultAt(place: Place, { code, what, expected, next, cause }: FaultFacts): StateError {
  return new StateError({
    kind: 'usage',
    code: `inventory.${code}`,
    what: `${showPlace(place)}: ${printable(what)}`,
    ...(expected !== undefined && { why: `expected ${printable(expected)}` }),
    next: next ?? `correct line ${place.line} of ${printable(place.source.file)}`,
    detail: excerpt(place),
    ...(cause !== undefined && { cause }),
  });
}

/** An error of the inventory that has no place in a file. */
export function fault({ code, what, expected, next, cause }: FaultFacts): StateError {
  return new StateError({
    kind: 'usage',
    code: `inventory.${code}`,
    what: printable(what),
    ...(expected !== undefined && { why: printable(expected) }),
    ...(next !== undefined && { next }),
    ...(cause !== undefined && { cause }),
  });
}

const WIDTH = 160;
const SECRET_NAME = /(pass(?:word|wd|phrase)?|secret|token|api_?key|access_?key|private_?key)\w*["']?[\s:=]/i;

function excerpt({ source, line, column }: Place): string {
  const whole = source.line(line);
  const secret = SECRET_NAME.exec(whole);
  if (secret !== null) {
    const shown = whole.slice(0, secret.index + secret[0].length);
    return `${line} | ${printable(shown)} [redacted]`;
  }
  const from = Math.max(0, Math.min(column - 1 - WIDTH / 2, whole.length - WIDTH));
  const shown = printable(whole.slice(from, from + WIDTH).replaceAll('\t', ' '));
  const gutter = ' '.repeat(String(line).length);
  return `${line} | ${shown}\n${gutter} | ${' '.repeat(Math.max(0, column - 1 - from))}^`;
}
