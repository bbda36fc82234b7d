import { StateError } from '../core/errors.js';
import { notAge } from './age-header.js';

/**
 * The optional ASCII armor of age (https://c2sp.org/age, "ASCII armor"), decoded as it arrives: a strict subset of PEM
 * with lines of 64 characters, LF or CRLF, and nothing but white space around it. A binary file passes unchanged.
 */
const BEGIN = '-----BEGIN AGE ENCRYPTED FILE-----';
const END = '-----END AGE ENCRYPTED FILE-----';
const LINE_CHARACTERS = 64;
/** No line of an armored file comes near this. */
const MAX_LINE_CHARACTERS = 1024;

type State = 'undecided' | 'binary' | 'before' | 'body' | 'after';

export class Dearmor {
  #state: State = 'undecided';
  #line = '';
  /** A short line has been seen, which can only be the last. */
  #shortLine = false;

  /** Whether pieces pass unchanged from here on. */
  get isBinary(): boolean {
    return this.#state === 'binary';
  }

  /** `@throws StateError` `archive.not-age`, `archive.bad-armor` */
  push(piece: Buffer): Buffer {
    if (this.#state === 'undecided' && piece.length > 0) {
      this.#state = /^[-\s]/.test(piece.toString('latin1', 0, 1)) ? 'before' : 'binary';
    }
    if (this.#state === 'binary') return piece;
    const lines = (this.#line + piece.toString('latin1')).split('\n');
    this.#line = lines.pop() ?? '';
    const decoded = lines.map((line) => this.#take(line.endsWith('\r') ? line.slice(0, -1) : line));
    if (this.#line.length > MAX_LINE_CHARACTERS) {
      // White space may go on for as long as it likes; anything else may not.
      if (this.#line.trim() !== '') throw badArmor('a line is too long');
      this.#line = '';
    }
    return Buffer.concat(decoded);
  }

  /** `@throws StateError` `archive.not-age`, `archive.bad-armor` */
  finish(): void {
    if (this.#state === 'binary' || this.#state === 'undecided') return;
    this.#take(this.#line);
    if (this.#state === 'before') throw notAge('');
    if (this.#state !== 'after') throw badArmor('its last line is missing');
  }

  #take(line: string): Buffer {
    if (this.#state === 'body' && line.trimEnd() !== END) return this.#takeBody(line);
    if (this.#state === 'before') this.#takeBefore(line);
    else if (this.#state === 'body') this.#state = 'after';
    else if (line.trim() !== '') throw badArmor('something follows after its last line');
    return Buffer.alloc(0);
  }

  #takeBefore(line: string): void {
    if (line.trim() === '') return;
    if (line.trimStart() !== BEGIN) {
      throw line.includes('-----') ? badArmor('its first line is not that of an age file') : notAge(line);
    }
    this.#state = 'body';
  }

  #takeBody(line: string): Buffer {
    const bytes = Buffer.from(line, 'base64');
    if (this.#shortLine || line === '' || line.length > LINE_CHARACTERS) {
      throw badArmor('its lines are not of one length');
    }
    if (bytes.toString('base64') !== line) throw badArmor('a line is not base64');
    this.#shortLine = line.length < LINE_CHARACTERS || line.endsWith('=');
    return bytes;
  }
}

function badArmor(why: string): StateError {
  return new StateError({
    kind: 'proof',
    code: 'archive.bad-armor',
    what: 'The armored archive is damaged',
    why,
    next: 'fetch it again; if that does not help, use another snapshot',
  });
}
