import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The paths that fit an absolute pattern as glob(7) has it: `*`, `?`, `[a-z]`, `[!a-z]`, a backslash before a literal;
 * names with a leading dot only where the pattern has one. Sorted by their bytes; none is no error.
 */
export function globPaths(pattern: string): string[] {
  let found = ['/'];
  for (const part of pattern.split('/').filter((name) => name !== '')) {
    const name = literalOf(part);
    if (name !== undefined) found = found.map((folder) => join(folder, name)).filter(exists);
    else {
      const expression = expressionOf(part);
      found = found.flatMap((folder) =>
        namesIn(folder)
          .filter((entry) => expression.test(entry) && (part.startsWith('.') || !entry.startsWith('.')))
          .map((entry) => join(folder, entry)),
      );
    }
  }
  return found.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** A part without anything special in it, as the name it means. */
function literalOf(part: string): string | undefined {
  const plain = part.replace(/\\(.)/gs, '');
  return /[*?[]/.test(plain) ? undefined : part.replace(/\\(.)/gs, '$1');
}

function expressionOf(part: string): RegExp {
  let source = '';
  for (let at = 0; at < part.length; at++) {
    const character = part[at] ?? '';
    const set = character === '[' ? /^\[([!^]?)(\]?[^\]]*)\]/.exec(part.slice(at)) : null;
    if (set !== null) {
      const [whole, negated = '', members = ''] = set;
      source += `[${negated === '' ? '' : '^'}${members.replace(/[\\\][^]/g, '\\$&')}]`;
      at += whole.length - 1;
    } else if (character === '*') source += '.*';
    else if (character === '?') source += '.';
    else if (character === '\\') source += escaped(part[++at] ?? '\\');
    else source += escaped(character);
  }
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    // A range that runs backwards fits nothing.
    return /(?!)/;
  }
}

function escaped(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}
